// Seeded chance for the simulator: the same seed gives the same throws on every machine.
#pragma once

#include <cstdint>
#include <random>

namespace esshub::sim {

/// The standard's engines are portable, its distributions are not: hence our own.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : engine_(seed) {}

  /// 0 (included) to 1 (excluded).
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
  /// True in `percent` of 100 throws.
  bool chance(double percent) { return uniform() * 100.0 < percent; }
  /// Mean 0, standard deviation 1, never beyond 3 (the sum of three even throws).
  double noise() { return 2.0 * (uniform() + uniform() + uniform() - 1.5); }
  std::uint8_t byte() { return static_cast<std::uint8_t>(engine_() >> 56); }

 private:
  std::mt19937_64 engine_;
};

}  // namespace esshub::sim
