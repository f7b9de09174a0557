#include "config/config.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <map>
#include <memory>
#include <sstream>

#include "config/bus_reader.hpp"
#include "config/policy_reader.hpp"
#include "config/setting_reader.hpp"
#include "config/settings_table.hpp"

namespace esshub::config {
namespace {

/// Where a setting stands in the file, for the errors that control::validate finds.
struct Setting {
  std::string dotted;
  Place place;
  bool given = false;
  bool unreadable = false;  ///< already complained of
};

class Loader {
 public:
  explicit Loader(const toml::table& root) : root_(root) {}

  Config load() {
    for_each_table(hub_, [&]<class S>(std::span<const SettingRow<S>> table, S& out) {
      constexpr bool judged = std::is_same_v<S, control::Settings>;  // by control::validate
      for (const auto& row : table) read(row, out, !judged);
    });
    if (!sections_.at("history").has("file") && !hub_.state_dir.empty())
      hub_.history.file = hub_.state_dir + "/history.db";
    check_web(sections_.at("web"));
    check_mqtt(sections_.at("mqtt"));
    for (const auto& [key, place] : read_policy(sections_, control_))
      settings_[key] = {key.substr(0, key.find(' ')), place, true, false};
    check_control();
    auto buses = read_buses(sections_.top(), errors_);
    hub_.buses = std::move(buses.list);
    control_.solar_metered = buses.solar_metered;
    control_.circuit_roles = buses.circuit_roles;
    sections_.finish();
    if (const auto* node = root_.get("bus"); node && errors_.empty()) {
      std::ostringstream text;
      node->visit([&](const auto& concrete) { text << concrete; });
      hub_.bus_text = text.str();
    }
    if (errors_.empty()) return std::move(hub_);
    std::ranges::stable_sort(errors_, {}, [](const ConfigError& error) {
      return std::pair{error.place.line, error.place.column};
    });
    return tl::unexpected{std::move(errors_)};
  }

 private:
  /// Reads a setting and remembers where it stands, for control::validate.
  template <class S>
  void read(const SettingRow<S>& row, S& out, bool check_ranges) {
    auto& reader = sections_.at(row.section);
    const bool read = std::visit(RowReader<S>{reader, row, out, check_ranges}, row.field);
    const bool given = reader.has(row.key);
    settings_[row.name()] = {row.name(), reader.place(row.key), given, given && !read};
  }

  void check_web(TableReader& web) {
    if (hub_.web.certificate.empty() != hub_.web.key.empty())
      web.complain(web.has("key") ? "key" : "certificate",
                   "TLS needs both `certificate` and `key`, or neither");
  }

  void check_mqtt(TableReader& mqtt) {
    if (!hub_.mqtt.password.empty() && !hub_.mqtt.password_file.empty())
      mqtt.complain("password_file", "set either password or password_file, not both");
    for (const auto* key : {"password", "password_file"})
      if (mqtt.has(key) && hub_.mqtt.user.empty())
        mqtt.complain(key, "without a user, expected mqtt.user beside it");
  }

  void check_control() {
    for (const auto& error : control::validate(control_)) {
      const auto& about = settings_.at(error.key);
      const auto& other = error.other.empty() ? about : settings_.at(error.other);
      if (about.unreadable || other.unreadable) continue;
      const auto& shown = about.given ? about : other;
      // Of two entries of one list the other one is named by its line.
      const bool two = about.dotted == other.dotted && !error.other.empty();
      errors_.push_back(
          {shown.place, shown.dotted + ": " + error.text +
                            (two ? fmt::format(" (line {})", other.place.line) : "")});
    }
  }

  const toml::table& root_;
  HubSettings hub_;
  control::Settings& control_ = hub_.control;
  std::vector<ConfigError> errors_;
  Sections sections_{root_, errors_};
  std::map<std::string, Setting> settings_;
};

tl::unexpected<std::vector<ConfigError>> refuse(Place place, std::string text) {
  return tl::unexpected{std::vector<ConfigError>{{place, std::move(text)}}};
}

}  // namespace

Config parse_config(std::string_view text) {
  try {
    const toml::table root = toml::parse(text);
    return Loader{root}.load();
  } catch (const toml::parse_error& error) {
    const auto& at = error.source().begin;
    return refuse({at.line, at.column}, "not TOML: " + std::string{error.description()});
  }
}

Config load_config(const std::filesystem::path& file) {
  // C's own file functions: they tell a read error from an empty file, and why.
  const auto unreadable = [] {
    return refuse({}, fmt::format("cannot be read: {}, expected a configuration file",
                                  std::generic_category().message(errno)));
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in{std::fopen(file.c_str(), "rb"),
                                                           &std::fclose};
  if (!in) return unreadable();
  std::string text;
  std::array<char, 4096> block{};
  while (const auto n = std::fread(block.data(), 1, block.size(), in.get()))
    text.append(block.data(), n);
  if (std::ferror(in.get())) return unreadable();
  return parse_config(text);
}

std::string describe(const std::filesystem::path& file, const ConfigError& error) {
  if (error.place.line == 0) return fmt::format("{}: {}", file.string(), error.text);
  return fmt::format("{}:{}:{}: {}", file.string(), error.place.line, error.place.column,
                     error.text);
}

}  // namespace esshub::config
