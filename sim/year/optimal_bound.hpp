// What a year would have cost with perfect foresight: the bound no policy can beat.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub::sim {

/// One way, at the AC side.
struct EfficiencyPoint {
  Watts power{};
  double efficiency = 1.0;
};

/// Losses are shared evenly: the same one way, charging and discharging.
struct IdealBattery {
  WattHours capacity{8640.0};
  WattHours start{4320.0};
  Watts charge{1600.0};      ///< at most, AC side
  Watts discharge{2400.0};   ///< at most, AC side
  double efficiency = 0.95;  ///< one way, where there is no curve
  /// By power, growing; straight between its points, level beyond them. Empty: `efficiency`.
  std::vector<EfficiencyPoint> curve{};
  Watts standby{};  ///< drawn at the AC side all the time, whatever the battery does

  /// One way at this power (AC side, >= 0).
  [[nodiscard]] double efficiency_at(Watts power) const;
  [[nodiscard]] double best_efficiency() const;
};

/// A time of constant power and prices.
struct PricedSpan {
  Watts net{};                ///< load minus sun
  double price = 0.0;         ///< of imported energy, per kWh
  double export_price = 0.0;  ///< paid for exported energy, per kWh
  Hours length{1};
};

/// What the bound may do besides serving the house and storing the sun, and what it must.
struct BoundRules {
  bool from_grid = true;              ///< charge from the grid
  bool to_grid = true;                ///< discharge into the grid
  WattHours end{};                    ///< at least that is stored at the end
  std::optional<Watts> import_cap{};  ///< charging never lifts import above it
};

/// No policy can be cheaper than this: the least cost of these hours with perfect foresight. Exact
/// for a constant efficiency: a linear program solved backwards in time, for the cost still to come
/// is a convex piecewise linear function of the energy stored. With a curve the best efficiency
/// counts at every power, so that the bound is below what can be reached, never above. Nothing
/// where an import price is below the export price or that is negative: then the cost is not
/// convex.
[[nodiscard]] std::optional<double> least_cost(std::span<const PricedSpan> hours,
                                               const IdealBattery& battery,
                                               const BoundRules& rules);

}  // namespace esshub::sim
