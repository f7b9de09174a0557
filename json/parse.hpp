// JSON from text: read in this unit alone, for it is dear to compile.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace esshub {

/// Called at each part with its depth; false: it is left out.
using JsonFilter = nlohmann::json::parser_callback_t;

/// Throws nlohmann::json::exception where it is no JSON.
[[nodiscard]] nlohmann::json parse_json(std::string_view text, const JsonFilter& filter = nullptr);
/// Discarded where it is no JSON.
[[nodiscard]] nlohmann::json json_or_discarded(std::string_view text,
                                               const JsonFilter& filter = nullptr);

}  // namespace esshub
