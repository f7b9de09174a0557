// Whether the battery may be moved for `esshub commission`, and with how much: from the hub's own
// words.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "model/units.hpp"

namespace esshub::app {

/// What forbids it, each in a sentence; empty: nothing known. `state`: /api/v1/state. What is
/// forgotten here is not allowed by it: the steps are dispatches within every limit of the control.
[[nodiscard]] std::vector<std::string> obstacles(const nlohmann::json& state);

/// The most of `wanted` that limits and BMS take, in steps of 10 W; `limits`: /api/v1/limits.
[[nodiscard]] Watts allowed_power(const nlohmann::json& state, const nlohmann::json& limits,
                                  Watts wanted);

/// Why a run must end, while `ordered` (discharge, >= 0) is in force for a second or longer:
/// another authority decides, a fault has been raised, or a limit holds the battery back.
[[nodiscard]] std::optional<std::string> interference(const nlohmann::json& state, Watts ordered);

/// Down to where a dispatch may discharge: what is kept, in %.
[[nodiscard]] double kept_percent(const nlohmann::json& state);

}  // namespace esshub::app
