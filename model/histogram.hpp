// Histogram: how many times fell into each bucket of a fixed set; never allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub {

/// `bounds`: the upper ends of the buckets in seconds, ascending; a time equal to one is within it.
template <const auto& bounds>
struct Histogram {
  static constexpr const auto& bounds_seconds = bounds;
  std::array<std::uint64_t, bounds.size() + 1> buckets{};  ///< not cumulative; last = above
  double sum_seconds = 0.0;

  void add(Duration time) {
    const double seconds = Seconds(time).count();
    std::size_t i = 0;
    while (i < bounds.size() && seconds > bounds[i]) ++i;
    ++buckets[i];
    sum_seconds += seconds;
  }
  [[nodiscard]] std::uint64_t count() const {
    std::uint64_t all = 0;
    for (const auto n : buckets) all += n;
    return all;
  }
};

/// Of what a wire takes part in: requests and their answers, a setpoint's way to its port.
inline constexpr std::array wire_bounds{0.01, 0.025, 0.05, 0.075, 0.1, 0.15,
                                        0.2,  0.3,   0.5,  1.0,   2.0};
using WireHistogram = Histogram<wire_bounds>;

/// Of one control tick.
inline constexpr std::array tick_bounds{0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                                        0.005,   0.01,   0.02,    0.05,   0.1,   0.3};
using TickHistogram = Histogram<tick_bounds>;

}  // namespace esshub
