// Which mutant is active in sources that tests/mutate generated. The program's own sources do not
// include this.
#pragma once

namespace esshub::mutation {

extern int active;  ///< id of the active mutant; 0: none, -1: none, but note what is reached
extern unsigned char* reached;  ///< one byte for each id, where active is -1

/// Whether one of the mutants [first, first + count) of one place is active.
inline bool here(int first, int count) {
  if (active == 0) return false;
  if (active < 0) reached[first] = 1;
  return active >= first && active < first + count;
}
/// The same within constexpr functions: what the compiler evaluates is the original.
constexpr bool here_at_run_time(int first, int count) {
  if (__builtin_is_constant_evaluated()) return false;
  return here(first, count);
}
/// Whether this mutant is active; only asked where here() says yes.
constexpr bool is(int id) {
  return !__builtin_is_constant_evaluated() && id == active;
}

}  // namespace esshub::mutation
