// The slots of the time ahead: what each costs, and what the same time was on each day of the past.
#pragma once

#include <span>
#include <vector>

#include "control/plan/programme.hpp"
#include "control/plan/types.hpp"

namespace esshub::control {

struct AheadSlot {
  UnixSeconds begin = 0;
  UnixSeconds end = 0;
  double import_price = 0.0;  ///< per kWh
  double export_price = 0.0;
  PriceSource source = PriceSource::known;
};

/// The time ahead, cut at each multiple of PlanSettings::slot_s and where a price or a fixed span
/// begins or ends. It ends early where a price is not known and nothing takes its place.
[[nodiscard]] std::vector<AheadSlot> slots_ahead(std::span<const PriceSlot> prices,
                                                 const PlanSettings& settings);

/// What a day had in one slot, AC side, Wh.
struct SlotEnergy {
  double load = 0.0;
  double solar = 0.0;
  double crossing = 0.0;  ///< see PastSlot, as is
  double beyond = 0.0;
  bool curtailed = false;
};

/// A slot for each of the time ahead.
using DayAhead = std::vector<SlotEnergy>;

/// The same slots on each past day that was measured nearly throughout, the latest first: the sun
/// of that time by UTC, the house of that time by the site's clock. What is missing of a slot is
/// taken as the rest of it, and a slot of which little is there as the mean of the other days. A
/// sun that was curtailed is taken as the mean of the days on which it was not, where that is more.
[[nodiscard]] std::vector<DayAhead> past_days(std::span<const AheadSlot> ahead,
                                              std::span<const PastSlot> past,
                                              const PlanSettings& settings);

/// What the house lacks and what the sun leaves.
[[nodiscard]] std::vector<ScenarioFlows> flows_of(std::span<const DayAhead> days);

}  // namespace esshub::control
