// No branch, if the comment is not read.
const char* what(int&& number) {
  return number += 1, "for || while";
}
