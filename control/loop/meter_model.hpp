// The meters that could be: what each of them shows of the inverter now, and has shown lately.
#pragma once

#include <array>
#include <cstddef>

#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub::control {

/// Time constants of the grid meter's filter that are compared with each other.
constexpr std::array<double, 13> meter_time_constants{0.0, 0.05, 0.1, 0.15, 0.217, 0.3, 0.4,
                                                      0.5, 0.65, 0.8, 1.0,  1.25,  1.6};  // s
/// How much later than Settings::meter_delay it may be: each is compared with every time constant.
constexpr std::array<double, 6> meter_delays{0.0, 0.15, 0.3, 0.45, 0.6, 0.8};  // s

/// For every pair of time constant and delay: all time constants with the first delay first.
template <class T>
using ByMeter = std::array<T, meter_time_constants.size() * meter_delays.size()>;

/// The inverter's power as a meter of each time constant would show it without delay; last, the
/// identified one.
using Metered = std::array<Watts, meter_time_constants.size() + 1>;

/// Metered of the last 0.95 s, one every 50 ms: a meter with a delay shows what is past.
class MeteredPast {
 public:
  void note(Instant at, const Metered& metered);
  void clear() { count_ = 0; }

  /// Between two moments that are known.
  struct Between {
    const Metered& older;
    const Metered& newer;
    double share;  ///< 0 = as the older one
    [[nodiscard]] Watts by(std::size_t meter) const {
      return older[meter] + (newer[meter] - older[meter]) * share;
    }
  };
  /// At `at`, up to `now` when `metered` is shown; earlier than all it knows: as the oldest.
  [[nodiscard]] Between at(Instant at, Instant now, const Metered& metered) const;

  /// What every pair of time constant and delay shows at `now`, by which `metered` is shown without
  /// delay.
  [[nodiscard]] ByMeter<Watts> by_all(Instant now, const Metered& metered) const;

 private:
  struct Entry {
    Instant at{};
    Metered metered{};
  };
  std::array<Entry, 20> entries_{};  ///< ring, newest at count_ - 1
  std::size_t count_ = 0;
};

}  // namespace esshub::control
