// forecast: what schedule and tariff hold for the hours to come.
#pragma once

#include <vector>

#include "civil_time/local_clock.hpp"
#include "control/settings.hpp"
#include "model/plan.hpp"

namespace esshub::service {

/// Minute for minute what control::planned will say, from `from` until before `until`: clock
/// changes are where they will be. While the clock is not trusted that is self-consumption at no
/// known price. A clock copied for it, for one thread.
[[nodiscard]] std::vector<PlanSpan> forecast(const control::Settings& settings, Mode mode,
                                             civil_time::LocalClock clock, WallTime from,
                                             WallTime until, bool clock_trusted = true);

}  // namespace esshub::service
