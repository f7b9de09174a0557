// Dice: chance of a storm, from a seed and what it is for: leaving one thing out moves no other.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "model/time.hpp"
#include "sim/plant/rng.hpp"

namespace esshub::sim::storm {

/// Scatters neighbouring numbers (splitmix64).
[[nodiscard]] constexpr std::uint64_t scattered(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

class Dice {
 public:
  Dice(std::uint64_t seed, std::uint64_t purpose)
      : rng_(scattered(scattered(seed) + scattered(purpose))) {}

  double between(double low, double high) { return low + (high - low) * rng_.uniform(); }
  /// A whole multiple of `step`.
  double between(double low, double high, double step) {
    return low + step * static_cast<double>(
                            static_cast<std::int64_t>(between(0.0, (high - low) / step + 1.0)));
  }
  bool chance(double percent) { return rng_.chance(percent); }
  /// 0 to n - 1.
  std::size_t below(std::size_t n) {
    return static_cast<std::size_t>(rng_.uniform() * static_cast<double>(n));
  }
  /// To a millisecond.
  Duration time(Duration low, Duration high) {
    using std::chrono::milliseconds;
    const auto ms = [](Duration d) {
      return static_cast<double>(std::chrono::duration_cast<milliseconds>(d).count());
    };
    return milliseconds{static_cast<std::int64_t>(between(ms(low), ms(high)))};
  }
  template <class T, std::size_t n>
  T one_of(const T (&choices)[n]) {
    return choices[below(n)];
  }

 private:
  Rng rng_;
};

}  // namespace esshub::sim::storm
