// The example file: every setting with its default, unit, range and sentence, from the tables.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace esshub::config {

/// The text of deploy/esshub.example.toml; a configuration that loads.
[[nodiscard]] std::string example_text();

/// The same with `values` (by "section.key", as TOML) in force, every other setting as a comment
/// with its default, and `buses` in place of the example's. A key that no table has is left out.
[[nodiscard]] std::string filled_text(const std::map<std::string, std::string>& values,
                                      std::string_view buses);

}  // namespace esshub::config
