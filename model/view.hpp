// View: what everything that faces outward gets to see, read-only.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/circuit.hpp"
#include "model/decision.hpp"
#include "model/energy.hpp"
#include "model/health.hpp"
#include "model/histogram.hpp"
#include "model/plan.hpp"
#include "model/snapshot.hpp"
#include "model/units.hpp"

namespace esshub {

struct TickStats {
  std::uint64_t ticks = 0;
  std::uint64_t overruns = 0;  ///< periods missed: their deadline went by without a tick
  TickHistogram lateness;      ///< from the deadline to the wake-up
  TickHistogram handover;      ///< from the deadline to the setpoint handed over
  TickHistogram duration;      ///< of the tick's work, from the wake-up to the next sleep
};

struct View {
  Instant now{};       ///< the tick's moment; ages are counted from it
  WallTime wall{};     ///< the same moment by the wall clock, right only while local.trusted
  LocalTime local;     ///< the same moment at the site
  Duration max_age{};  ///< an older decision is not current; readings bring their own maximum age
  Snapshot snapshot;
  Decision decision;
  std::vector<BusHealth> buses;  ///< filled by who publishes it
  TickStats ticks;
  EnergyTotals energies;
  CircuitRoles circuit_roles{};       ///< of the configuration, as is
  std::optional<Watts> export_cap{};  ///< what the site may export

  /// The channel's value if it is current: not older than its source lets it become.
  [[nodiscard]] std::optional<double> current(Point point, Measure measure) const {
    return fresh(snapshot.raw(point, measure), now);
  }
};

}  // namespace esshub
