// JSON as text: written in this unit alone, for it is dear to compile.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace esshub {

/// In one line; with `indent`, spaces a level, in many. What is no UTF-8 becomes U+FFFD.
[[nodiscard]] std::string json_text(const nlohmann::json& value, int indent = -1);
[[nodiscard]] std::string json_text(const nlohmann::ordered_json& value);
/// In one line of ASCII: any other character as \u....
[[nodiscard]] std::string json_ascii(const nlohmann::json& value);
/// A string as JSON has it, in its quotes.
[[nodiscard]] std::string json_quoted(std::string_view text);

}  // namespace esshub
