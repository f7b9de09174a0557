// One function for each kind of mutant of tests/mutate.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace sample {

enum class Mode { off, charge, discharge };

struct Span {
  int low;
  int high;
};

/// Can be subtracted, not added: `+` does not compile.
struct Length {
  int metres;
  friend Length operator-(Length a, Length b) { return {a.metres - b.metres}; }
};

constexpr int depth = 4;  ///< an array's size: no switch reaches it

[[nodiscard]] constexpr int doubled(int a) {
  return a * 2;
}

[[nodiscard]] bool inside(const Span& span, int value);
[[nodiscard]] int clamped(const Span& span, int value);
[[nodiscard]] Mode mode_of(int power);
[[nodiscard]] std::size_t capacity();
[[nodiscard]] int sum_of_first(int count);
[[nodiscard]] int waited(std::optional<int> limit);
[[nodiscard]] bool untested(int a);
void allow(unsigned& flags, unsigned mask);
[[nodiscard]] int read(const int* place);
[[nodiscard]] int halvings(int number);
[[nodiscard]] int between(Length a, Length b);
[[nodiscard]] int greater(int a, int b);
[[nodiscard]] std::vector<int> alone(int value);

}  // namespace sample
