// What minutes of the past cost: with the battery as it was used, with self-consumption, without
// one. All by one model of the battery, so that they can be compared.
#pragma once

#include <optional>
#include <span>

#include "control/plan/types.hpp"

namespace esshub::control {

/// As it was measured, AC side; prices per kWh.
struct MeasuredMinute {
  UnixSeconds begin = 0;
  Watts load{};  ///< of the house; below 0: what a sun that is not metered leaves
  Watts solar{};
  Watts battery{};     ///< + = charging
  WattHours stored{};  ///< as the BMS told
  double import_price = 0.0;
  double export_price = 0.0;
};

/// Where the modelled batteries stand, to go on from.
struct ModelledCharge {
  UnixSeconds at = 0;
  WattHours used{};
  WattHours balance{};
  friend bool operator==(const ModelledCharge&, const ModelledCharge&) = default;
};

/// Money paid less earned, without wear, and what the battery holds more at the end for it.
struct ModelledCost {
  double cost = 0.0;
  WattHours gained{};
  friend bool operator==(const ModelledCost&, const ModelledCost&) = default;
};

struct CostComparison {
  int minutes = 0;
  double no_battery = 0.0;  ///< its cost
  ModelledCost used{};      ///< the power that was measured, as far as the modelled battery has it
  ModelledCost balance{};   ///< self-consumption
  WattHours gained{};       ///< as measured
  double cheapest = 0.0;    ///< import price, per kWh
  ModelledCharge end{};
};

/// Beyond such a gap what the battery did is not known: both begin anew with what it holds.
inline constexpr UnixSeconds comparison_gap = 1800;

/// Minutes ascend. Both batteries go on from `before` if the first minute follows it within
/// comparison_gap, else from what the battery held; what it has no room for any more is gone for
/// nothing. Self-consumption keeps `reserve` and the battery's limits.
[[nodiscard]] CostComparison compare_costs(std::span<const MeasuredMinute> minutes,
                                           const PlanBattery& battery, WattHours reserve,
                                           const std::optional<ModelledCharge>& before);

}  // namespace esshub::control
