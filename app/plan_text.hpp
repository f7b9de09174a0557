// PlanText: the hub's Smart plan (its REST interface) -> lines for a person at a terminal.
#pragma once

#include <date/tz.h>

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace esshub::app {

/// `plan` is the answer to GET /api/v1/plan; a stretch of slots that do the same at the same prices
/// is one line. Times are the zone's; null: UTC. What is in the way of a plan is said.
[[nodiscard]] std::string plan_text(const nlohmann::json& plan, const date::time_zone* zone);
/// `savings` is the answer to GET /api/v1/savings: a line for each period of which something is
/// known.
[[nodiscard]] std::string savings_text(const nlohmann::json& savings, const std::string& currency);

}  // namespace esshub::app
