// The configuration file: TOML -> HubSettings, every error at once with its line and column.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "config/config_error.hpp"
#include "config/hub_settings.hpp"

namespace esshub::config {

using Config = tl::expected<HubSettings, std::vector<ConfigError>>;

/// Reads a whole configuration. Settings that are not given keep their default. On failure: all
/// errors in the order of the file (only the first one of a broken TOML syntax), never none.
[[nodiscard]] Config parse_config(std::string_view text);

/// The same from a file; a file that cannot be read is an error without a line. Warnings of files
/// that the settings name are HubSettings::unreadable_files.
[[nodiscard]] Config load_config(const std::filesystem::path& file);

/// One line for a person: `file:line:column: text`, and where it helps the line and a caret below.
[[nodiscard]] std::string describe(const std::filesystem::path& file, const ConfigError& error);
/// The same of one of HubSettings::warnings, which it says.
[[nodiscard]] std::string describe_warning(const std::filesystem::path& file,
                                           const ConfigError& warning);

}  // namespace esshub::config
