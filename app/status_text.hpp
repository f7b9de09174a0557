// StatusText: what the hub says of itself (its REST interface) -> lines for a person at a terminal.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace esshub::app {

/// `hub` holds what the hub answered: "site", "state", "buses" and "today" (a list of days, the
/// newest last), each null where there was no answer. What is null in there is shown as `--`; a
/// field that is missing altogether is as good as null. `time` is printed as it is.
[[nodiscard]] std::string status_text(const nlohmann::json& hub, const std::string& time,
                                      bool colour);

/// True while the control makes decisions.
[[nodiscard]] bool control_is_current(const nlohmann::json& hub);

}  // namespace esshub::app
