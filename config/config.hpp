// The configuration file: TOML -> HubSettings, every error at once with its line and column.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "config/hub_settings.hpp"

namespace esshub::config {

/// A place in the configuration file, counted from 1; line 0 means the file as a whole.
struct Place {
  unsigned line = 0;
  unsigned column = 0;
};

struct ConfigError {
  Place place;
  std::string text;  ///< what is wrong, and what was expected
};

using Config = tl::expected<HubSettings, std::vector<ConfigError>>;

/// Reads a whole configuration. Settings that are not given keep their default. On failure: all
/// errors in the order of the file (only the first one of a broken TOML syntax), never none.
[[nodiscard]] Config parse_config(std::string_view text);

/// The same from a file; a file that cannot be read is an error without a line.
[[nodiscard]] Config load_config(const std::filesystem::path& file);

/// One line for a person: `file:line:column: text`.
[[nodiscard]] std::string describe(const std::filesystem::path& file, const ConfigError& error);

}  // namespace esshub::config
