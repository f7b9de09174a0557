// PastDay: what the Smart plan held for a day that is over, and what came of it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/instruction.hpp"
#include "model/plan.hpp"
#include "model/units.hpp"

namespace esshub {

/// Of the plan that was in force when the slot began. Prices per kWh.
struct ForecastSlot {
  WallTime begin{};
  WallTime end{};
  WallTime made{};  ///< the plan
  double import_price = 0.0;
  double export_price = 0.0;
  Instruction instruction{};  ///< at the expected charge
  Soc charge_low{};           ///< as of SmartSlot, as are
  Soc charge{};
  Soc charge_high{};
  friend bool operator==(const ForecastSlot&, const ForecastSlot&) = default;
};

/// Means of a quarter of an hour; nothing where nothing is known. Signs as everywhere.
struct MeasuredSlot {
  WallTime begin{};
  std::optional<double> soc{};  ///< %
  std::optional<double> battery_w{};
  std::optional<double> grid_w{};
  friend bool operator==(const MeasuredSlot&, const MeasuredSlot&) = default;
};

struct PastDay {
  WallTime begin{};
  WallTime end{};
  std::vector<ForecastSlot> planned{};  ///< may have gaps: the mode was another
  std::vector<MeasuredSlot> happened{};
};

/// Yesterday; nothing: not known yet. Thread-safe.
using PastDaySource = std::function<std::optional<PastDay>()>;

}  // namespace esshub
