#include "app/backup/contents.hpp"

#include <algorithm>

namespace esshub::app {
namespace {

constexpr std::string_view password_file = "web-password";

struct SecretRow {
  std::string_view setting;
  std::string (*file)(const config::HubSettings&);
};
constexpr std::array secret_rows{
    SecretRow{"web.certificate", [](const config::HubSettings& s) { return s.web.certificate; }},
    SecretRow{"web.key", [](const config::HubSettings& s) { return s.web.key; }},
    SecretRow{"mqtt.tls_ca", [](const config::HubSettings& s) { return s.mqtt.tls_ca; }},
    SecretRow{"mqtt.password_file",
              [](const config::HubSettings& s) { return s.mqtt.password_file; }},
};

}  // namespace

bool is_kept_state(std::string_view name) {
  // The longest folder first: "" begins every name.
  const auto folder =
      std::ranges::find_if(state_folders.rbegin(), state_folders.rend(),
                           [&](std::string_view begin) { return name.starts_with(begin); });
  name.remove_prefix(folder->size());
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (name == password_file) return folder->empty();
  const auto dot = name.find('.');
  return dot != std::string_view::npos && dot > 0 &&
         std::ranges::all_of(name.substr(0, dot), plain) &&
         (name.substr(dot) == ".json" || name.substr(dot) == ".toml");
}

std::optional<BackupPart> part_of(std::string_view member) {
  if (member == config_member) return BackupPart::config;
  if (member == history_member) return BackupPart::history;
  if (member.starts_with(state_prefix) && is_kept_state(member.substr(state_prefix.size())))
    return BackupPart::state;
  if (member.starts_with(secret_prefix) &&
      std::ranges::find(secret_rows, member.substr(secret_prefix.size()), &SecretRow::setting) !=
          secret_rows.end())
    return BackupPart::secret;
  return std::nullopt;
}

BackupPlaces places_of(const std::filesystem::path& config, const config::HubSettings& settings) {
  BackupPlaces places{config, settings.state_dir, settings.history.file, {}};
  for (const auto& row : secret_rows) {
    auto file = row.file(settings);
    if (!file.empty() && !file.starts_with("/run/"))
      places.secrets.push_back({std::string{row.setting}, std::move(file)});
  }
  return places;
}

std::vector<std::filesystem::path> kept_folders(const BackupPlaces& places) {
  std::vector<std::filesystem::path> folders;
  for (const auto& folder : {places.state_dir, places.history.parent_path()})
    if (!folder.empty() && std::ranges::find(folders, folder) == folders.end())
      folders.push_back(folder);
  return folders;
}

}  // namespace esshub::app
