// forecast: what schedule and tariff hold for the hours to come.
#pragma once

#include <span>
#include <vector>

#include "civil_time/local_clock.hpp"
#include "control/settings.hpp"
#include "model/plan.hpp"
#include "service/feeds.hpp"

namespace esshub::service {

/// What the planner holds for a stretch of time, in Smart mode.
struct SmartSpan {
  WallTime begin{};
  WallTime end{};
  Instruction instruction;
  friend bool operator==(const SmartSpan&, const SmartSpan&) = default;
};

/// Minute for minute what control::planned will say, from `from` until before `until`: clock
/// changes are where they will be. In Smart mode `smart` (ascending) stands in place of the
/// tariff's word. Prices that are `told` take the place of the tariff's, each minute that of its
/// begin. While the clock is not trusted all that is self-consumption at no known price. A clock
/// copied for it, for one thread.
[[nodiscard]] std::vector<PlanSpan> forecast(const control::Settings& settings, Mode mode,
                                             civil_time::LocalClock clock, WallTime from,
                                             WallTime until, bool clock_trusted = true,
                                             std::span<const SmartSpan> smart = {},
                                             const ToldSlots& told = {});

}  // namespace esshub::service
