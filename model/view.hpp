// View: what everything that faces outward gets to see, read-only.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "model/circuit.hpp"
#include "model/decision.hpp"
#include "model/energy.hpp"
#include "model/health.hpp"
#include "model/plan.hpp"
#include "model/snapshot.hpp"

namespace esshub {

/// Histogram of how late the control tick woke up, in fixed buckets.
struct LatenessHistogram {
  static constexpr std::array<double, 9> bounds_seconds{0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                                                        0.005,  0.01,    0.05,   0.1};
  std::array<std::uint64_t, bounds_seconds.size() + 1> buckets{};  ///< not cumulative; last = above
  double sum_seconds = 0.0;

  void add(double seconds) {
    std::size_t i = 0;
    while (i < bounds_seconds.size() && seconds > bounds_seconds[i]) ++i;
    ++buckets[i];
    sum_seconds += seconds;
  }
};

struct TickStats {
  std::uint64_t ticks = 0;
  std::uint64_t overruns = 0;  ///< periods skipped because the tick before took too long
  LatenessHistogram lateness;
};

struct View {
  Instant now{};       ///< the tick's moment; ages are counted from it
  WallTime wall{};     ///< the same moment by the wall clock, right only while local.trusted
  LocalTime local;     ///< the same moment at the site
  Duration max_age{};  ///< an older decision is not current; readings bring their own maximum age
  Snapshot snapshot;
  Decision decision;
  std::vector<BusHealth> buses;
  TickStats ticks;
  EnergyTotals energies;
  CircuitRoles circuit_roles{};  ///< of the configuration

  /// The channel's value if it is current: not older than its source lets it become.
  [[nodiscard]] std::optional<double> current(Point point, Measure measure) const {
    return fresh(snapshot.raw(point, measure), now);
  }
};

}  // namespace esshub
