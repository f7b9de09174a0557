// What a year would have cost with perfect foresight: the bound no policy can beat.
#pragma once

#include <optional>
#include <span>

#include "model/units.hpp"

namespace esshub::sim {

/// Losses are shared evenly: `efficiency` one way, charging and discharging.
struct IdealBattery {
  WattHours capacity{8640.0};
  WattHours start{4320.0};
  Watts charge{1600.0};     ///< at most, AC side
  Watts discharge{2400.0};  ///< at most, AC side
  double efficiency = 0.95;
};

/// One hour of constant power.
struct PricedHour {
  Watts net{};         ///< load minus sun
  double price = 0.0;  ///< of imported energy, per kWh
};

/// The least cost of these hours, exactly: a linear program solved backwards in time, for the cost
/// still to come is a convex piecewise linear function of the energy stored. The battery must not
/// feed the grid and must end with at least what it started with; with `from_grid` it may charge
/// from the grid. Nothing where a price is below `export_price` or that is negative: then the cost
/// is not convex.
[[nodiscard]] std::optional<double> least_cost(std::span<const PricedHour> hours,
                                               const IdealBattery& battery, double export_price,
                                               bool from_grid);

}  // namespace esshub::sim
