// SmartPlan: what Smart mode intends for the hours to come, and why, for people.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/instruction.hpp"
#include "model/plan.hpp"
#include "model/units.hpp"

namespace esshub {

/// Prices and values per kWh, in the tariff's currency.
struct SmartSlot {
  WallTime begin{};
  WallTime end{};
  double import_price = 0.0;
  double export_price = 0.0;
  Instruction instruction{};  ///< at the expected charge
  /// Expected at its begin; of the days replayed a tenth lies below `low` and a tenth above `high`.
  Soc charge_low{};
  Soc charge{};
  Soc charge_high{};
  double value = 0.0;       ///< of a kWh stored at its begin
  double bought_kwh = 0.0;  ///< expected, into the battery
  std::string reason{};
};

/// Costs are expected ones of the 48 h from `made` on, less what is stored then.
struct SmartPlan {
  WallTime made{};
  int days = 0;  ///< of the past, replayed
  /// When the sun it goes by was told; nothing: by the past days alone.
  std::optional<WallTime> sun_issued{};
  double cost = 0.0;
  double cost_balance = 0.0;     ///< of self-consumption instead
  double cost_no_battery = 0.0;  ///< of none
  std::string reason{};          ///< why it buys; empty: it does not
  std::vector<SmartSlot> slots{};
};

/// The slot of that moment; null where there is none.
[[nodiscard]] inline const SmartSlot* slot_at(const SmartPlan& plan, WallTime at) {
  for (const auto& slot : plan.slots)
    if (at >= slot.begin && at < slot.end) return &slot;
  return nullptr;
}

struct SmartState {
  bool in_force = false;                    ///< the mode is Smart
  std::shared_ptr<const SmartPlan> plan{};  ///< nothing: none
  std::string problem{};                    ///< "too_few_days", ...: why there is no newer one
};

/// As of now. Thread-safe.
using SmartSource = std::function<SmartState()>;

}  // namespace esshub
