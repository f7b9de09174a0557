// Shortens what breaks a promise: leaves out one fault after another while it still breaks.
#pragma once

#include <functional>

#include "sim/storm/plan.hpp"

namespace esshub::sim::storm {

/// `breaks`: true while the plan still breaks a promise. The plan given does.
[[nodiscard]] Plan shorten(Plan plan, const std::function<bool(const Plan&)>& breaks);

}  // namespace esshub::sim::storm
