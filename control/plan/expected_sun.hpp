// The sun that others expect of the time ahead, and the days past beside it.
#pragma once

#include <span>
#include <vector>

#include "control/plan/scenarios.hpp"

namespace esshub::control {

/// What a civil day of the time ahead had of sun on each of the days, in those of its slots that
/// PlanSettings::sun tells, becomes so many times as much that its mean is what is told: one factor
/// for all of them, so that a dull day stays as much duller than a bright one as it was. None gets
/// more in a slot than the brightest had: where more is told, less is expected. What is not told
/// stays. False: nothing is told of a slot in which any of the days had sun.
[[nodiscard]] bool expect_sun(std::vector<DayAhead>& days, std::span<const AheadSlot> ahead,
                              const PlanSettings& settings);

}  // namespace esshub::control
