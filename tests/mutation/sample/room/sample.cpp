#include "room/sample.hpp"

#include <algorithm>
#include <array>

namespace sample {
namespace {

constexpr int limit = 100;

}  // namespace

bool inside(const Span& span, int value) {
  return value >= span.low && value < span.high;
}

int clamped(const Span& span, int value) {
  return std::min(span.high, std::max(span.low, value));
}

Mode mode_of(int power) {
  if (power > 0) return Mode::charge;
  return power == 0 ? Mode::off : Mode::discharge;
}

std::size_t capacity() {
  return std::array<int, depth>{}.size();
}

int sum_of_first(int count) {
  std::array<int, depth> numbers{};
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    numbers[static_cast<unsigned>(i)] = doubled(i);
    sum += numbers[static_cast<unsigned>(i)];
  }
  return sum;
}

int waited(std::optional<int> most) {
  if (const auto given = most) return -*given;
  return limit;
}

bool untested(int a) {
  return a != 3;
}

void allow(unsigned& flags, unsigned mask) {
  flags &= mask;
}

int read(const int* place) {
  if (!place) return 0;
  return *place;
}

int halvings(int number) {
  int count = 0;
  while (number > 1) {
    number /= 2;
    ++count;
  }
  return count;
}

int between(Length a, Length b) {
  return (a - b).metres;
}

int greater(int a, int b) {
  return a > b ? a : b;
}

std::vector<int> alone(int value) {
  std::vector<int> values;
  values.reserve(16);
  values.push_back(value);
  return values;
}

}  // namespace sample
