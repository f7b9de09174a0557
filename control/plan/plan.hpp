// The next two days of the battery, from the house's own last days: marks of charge for each slot.
#pragma once

#include <span>
#include <string>

#include "control/plan/scenarios.hpp"
#include "control/plan/types.hpp"

namespace esshub::control {

/// Each of the last days is one course that things may take. For each the programme finds, slot by
/// slot backwards, what stored energy is worth; the plan goes by the mean, and its marks lose least
/// against it. The same arguments give the same plan, bit for bit. docs/smart.md.
[[nodiscard]] Plan plan(std::span<const PastSlot> past, std::span<const PriceSlot> prices,
                        const PlanBattery& battery, const PlanSettings& settings);

/// The same for slots and days that are given: a day's slot for each of `ahead`.
[[nodiscard]] Plan plan_days(std::span<const AheadSlot> ahead, std::span<const DayAhead> days,
                             const PlanBattery& battery, const PlanSettings& settings);

/// "without it the battery would have been empty by 23:30 on 9 of the last 14 days"; the site's
/// clock. Empty if it buys nothing.
[[nodiscard]] std::string reason_in_words(const Plan& plan, const PlanSettings& settings);

}  // namespace esshub::control
