int sign(int n) {
  return n < 0 ? -1 : 1;
}
