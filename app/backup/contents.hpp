// What belongs into a backup, by which name, and where it comes from.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/hub_settings.hpp"

namespace esshub::app {

enum class BackupPart : std::uint8_t { config, state, history, secret };

// Names in a backup.
constexpr std::string_view manifest_member = "manifest.json";
constexpr std::string_view config_member = "config/esshub.toml";
constexpr std::string_view history_member = "history/history.db";
constexpr std::string_view state_prefix = "state/";    ///< then the name below state_dir
constexpr std::string_view secret_prefix = "secret/";  ///< then the setting that names the file

/// Nothing: no backup has a file of this name.
[[nodiscard]] std::optional<BackupPart> part_of(std::string_view member);

/// Of a file below state_dir: what the hub keeps there besides the history, and not what is set
/// aside, half written or somebody else's. "state.json", "feed/kept/import_price-1767222000.json".
[[nodiscard]] bool is_kept_state(std::string_view name);
/// The folders below state_dir that may hold such files; "" is itself.
constexpr std::array<std::string_view, 3> state_folders{"", "feed/", "feed/kept/"};

/// Where a hub has what it needs.
struct BackupPlaces {
  std::filesystem::path config;
  std::filesystem::path state_dir;  ///< empty: none
  std::filesystem::path history;    ///< empty: none
  struct Secret {
    std::string setting;  ///< "web.key"
    std::filesystem::path file;
  };
  std::vector<Secret> secrets;
};
/// Of a configuration at `config`. Files that systemd hands over (below /run) are none of a hub's.
[[nodiscard]] BackupPlaces places_of(const std::filesystem::path& config,
                                     const config::HubSettings& settings);

/// The folders that a hub keeps something in, each once: it holds them while it runs.
[[nodiscard]] std::vector<std::filesystem::path> kept_folders(const BackupPlaces& places);

}  // namespace esshub::app
