// What a line that is no TOML was most likely meant to be.
#pragma once

#include <string>
#include <string_view>

namespace esshub::config {

/// The text of line `number`, counted from 1, without its end; empty where there is none.
[[nodiscard]] std::string_view line_of(std::string_view text, unsigned number);

/// The commonest slips, with what to write instead: `20%`, `0,28`, curly and missing quotes.
/// Empty: none of them.
[[nodiscard]] std::string toml_hint(std::string_view line);

}  // namespace esshub::config
