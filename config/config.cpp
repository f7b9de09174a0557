#include "config/config.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <map>
#include <memory>
#include <sstream>

#include "config/bus_kinds.hpp"
#include "config/bus_reader.hpp"
#include "config/policy_reader.hpp"
#include "config/setting_reader.hpp"
#include "config/settings_table.hpp"
#include "config/toml_hints.hpp"
#include "config/warnings.hpp"
#include "protocol/modbus/meter_models.hpp"

namespace esshub::config {
namespace {

/// Those whose freeze is known by their registers: "sdm630, sdm230".
std::string fine_meters() {
  std::vector<std::string_view> names;
  for (const auto& row : protocol::modbus::meter_models())
    if (row.fine) names.push_back(row.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

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
    if (root_.empty())
      return tl::unexpected{std::vector<ConfigError>{
          {{}, "is empty, expected a configuration such as `esshub check --example` prints"}}};
    for_each_table(hub_, [&]<class S>(std::span<const SettingRow<S>> table, S& out) {
      constexpr bool judged = std::is_same_v<S, control::Settings>;  // by control::validate
      for (const auto& row : table) read(row, out, !judged);
    });
    if (!sections_.at("history").has("file") && !hub_.state_dir.empty())
      hub_.history.file = hub_.state_dir + "/history.db";
    check_web(sections_.at("web"));
    check_ports();
    check_mqtt(sections_.at("mqtt"));
    for (const auto& [key, place] : read_policy(sections_, control_))
      settings_[key] = {key.substr(0, key.find(' ')), place, true, false};
    const auto errors_before = errors_.size();
    auto buses = read_buses(sections_.top(), errors_, hub_.warnings);
    hub_.buses = std::move(buses.list);
    control_.solar_metered = buses.solar_metered;
    control_.circuit_roles = buses.circuit_roles;
    control_.cells = buses.cells;
    hub_.circuit_names = std::move(buses.circuit_names);
    const bool buses_are_right = errors_.size() == errors_before;
    const auto* const list = root_.get("bus");
    settings_["bus.cells"] = {"bus.cells", list ? place_of(*list) : Place{1, 1}, true, false};
    check_control();
    if (buses_are_right) check_grid_meter();
    sections_.finish();
    if (const auto* node = root_.get("bus"); node && errors_.empty()) {
      std::ostringstream text;
      node->visit([&](const auto& concrete) { text << concrete; });
      hub_.bus_text = text.str();
    }
    sort(errors_);
    if (!errors_.empty()) return tl::unexpected{std::move(errors_)};
    for (const auto& warning : warnings(hub_)) note(warning, hub_.warnings);
    sort(hub_.warnings);
    return std::move(hub_);
  }

  /// Of a configuration that was loaded without an error; looks at the disk.
  void look_at_files(HubSettings& loaded) const {
    for (const auto& file : unreadable_files(loaded)) note(file, loaded.unreadable_files);
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

  /// Two that listen must have a port each; an address on all interfaces takes it everywhere.
  void check_ports() {
    const auto page = parse_host_port(hub_.web.address);
    const auto metrics = parse_host_port(hub_.metrics_address);
    if (!page || !metrics || page->port != metrics->port) return;
    // 0.0.0.0 takes the port of IPv4's addresses alone, :: of both.
    const auto takes = [](const std::string& host, const std::string& of) {
      return host == of || host == "::" || (host == "0.0.0.0" && of.find(':') == std::string::npos);
    };
    if (!takes(page->host, metrics->host) && !takes(metrics->host, page->host)) return;
    auto& shown = sections_.at(sections_.at("web").has("address") ? "web" : "metrics");
    shown.complain("address", fmt::format("the page and the metrics both listen on port {}, "
                                          "expected one each",
                                          page->port));
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
      note(error, errors_);
    }
  }

  /// By its registers alone a meter that has frozen is told from one that stands still (F25).
  void check_grid_meter() {
    for (const auto& bus : hub_.buses) {
      const auto* modbus = std::get_if<protocol::ModbusConfig>(&bus.driver);
      if (!modbus || !control_.witness) continue;
      for (const auto& meter : modbus->meters) {
        const auto& row = protocol::modbus::row_of(meter.model);
        if (row.fine || !measures_grid(meter)) continue;
        note(
            {"grid.witness",
             fmt::format("an {} shows its power in steps, so it cannot be known within 5 s that it "
                         "has frozen, expected a grid meter whose registers are finer ({})",
                         row.title, fine_meters())},
            errors_);
      }
    }
  }

  /// At the setting's place; where the file does not give it, at the other one's.
  void note(const control::ValidationError& error, std::vector<ConfigError>& list) const {
    const auto& about = settings_.at(error.key);
    const auto& other = error.other.empty() ? about : settings_.at(error.other);
    const auto& shown = about.given ? about : other;
    // Of two entries of one list the other one is named by its line.
    const bool two = about.dotted == other.dotted && !error.other.empty();
    const bool by_default = &shown != &about && error.text.starts_with("is ");
    list.push_back({shown.place,
                    shown.dotted + ": " + (by_default ? about.dotted + " (by default) " : "") +
                        error.text + (two ? fmt::format(" (line {})", other.place.line) : ""),
                    {}});
  }

  static void sort(std::vector<ConfigError>& list) {
    std::ranges::stable_sort(list, {}, [](const ConfigError& error) {
      return std::pair{error.place.line, error.place.column};
    });
  }

  const toml::table& root_;
  HubSettings hub_;
  control::Settings& control_ = hub_.control;
  std::vector<ConfigError> errors_;
  Sections sections_{root_, errors_};
  std::map<std::string, Setting> settings_;
};

tl::unexpected<std::vector<ConfigError>> refuse(Place place, std::string text,
                                                std::string line = {}) {
  return tl::unexpected{std::vector<ConfigError>{{place, std::move(text), std::move(line)}}};
}

Config parse(std::string_view text, bool look_at_files) {
  try {
    const toml::table root = toml::parse(text);
    Loader loader{root};
    auto config = loader.load();
    if (config && look_at_files) loader.look_at_files(*config);
    return config;
  } catch (const toml::parse_error& error) {
    const auto& at = error.source().begin;
    const auto line = line_of(text, at.line);
    const std::string said{error.description()};
    // Into no log; and a key that is there twice is nothing else.
    const bool secret = line.find("password") != std::string_view::npos;
    const bool twice = said.find("redefine") != std::string::npos;
    const auto hint = secret || twice ? std::string{} : toml_hint(line);
    return refuse({at.line, at.column}, "not TOML: " + (hint.empty() ? said : hint),
                  secret ? std::string{} : std::string{line});
  }
}

}  // namespace

Config parse_config(std::string_view text) {
  return parse(text, false);
}

Config load_config(const std::filesystem::path& file) {
  // C's own file functions: they tell a read error from an empty file, and why.
  const auto unreadable = [] {
    const int number = errno;
    return refuse({}, fmt::format("cannot be read: {}, expected a configuration file{}",
                                  std::generic_category().message(number),
                                  number == ENOENT ? "; `esshub check --example` prints one" : ""));
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in{std::fopen(file.c_str(), "rb"),
                                                           &std::fclose};
  if (!in) return unreadable();
  std::string text;
  std::array<char, 4096> block{};
  while (const auto n = std::fread(block.data(), 1, block.size(), in.get()))
    text.append(block.data(), n);
  if (std::ferror(in.get())) return unreadable();
  return parse(text, true);
}

std::string describe(const std::filesystem::path& file, const ConfigError& error) {
  if (error.place.line == 0) return fmt::format("{}: {}", file.string(), error.text);
  auto text =
      fmt::format("{}:{}:{}: {}", file.string(), error.place.line, error.place.column, error.text);
  if (!error.line.empty())
    text += fmt::format("\n    {}\n    {:>{}}", error.line, '^', error.place.column);
  return text;
}

std::string describe_warning(const std::filesystem::path& file, const ConfigError& warning) {
  return describe(file, {warning.place, "warning: " + warning.text, warning.line});
}

}  // namespace esshub::config
