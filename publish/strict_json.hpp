// JSON from strangers, read in one way only.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

namespace esshub::publish {

/// The value of `text`; discarded if it is no JSON or an object has a key twice: one program takes
/// the first of the two, another the last, and what was checked is not what is obeyed.
[[nodiscard]] nlohmann::json strict_json(std::string_view text);

}  // namespace esshub::publish
