// JSON from strangers, read in one way only.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace esshub::publish {

/// The value of `text`; discarded if it is no JSON or an object has a key twice: one program takes
/// the first of the two, another the last, and what was checked is not what is obeyed.
[[nodiscard]] nlohmann::json strict_json(std::string_view text);

/// The first key of an object that is none of `known`: who misspells one is told so.
[[nodiscard]] std::optional<std::string> unknown_key(const nlohmann::json& object,
                                                     std::initializer_list<std::string_view> known);

}  // namespace esshub::publish
