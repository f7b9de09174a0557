// The example file: every setting with its default, unit, range and sentence, from the tables.
#pragma once

#include <string>

namespace esshub::config {

/// The text of deploy/esshub.example.toml; a configuration that loads.
[[nodiscard]] std::string example_text();

}  // namespace esshub::config
