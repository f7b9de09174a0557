#include "config/config.hpp"

#include <date/tz.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <map>
#include <memory>
#include <sstream>

#include "config/bus_reader.hpp"
#include "config/policy_reader.hpp"
#include "config/publish_reader.hpp"
#include "config/table_reader.hpp"

namespace esshub::config {
namespace {

bool zone_exists(const std::string& zone) {
  try {
    return date::locate_zone(zone) != nullptr;
  } catch (const std::runtime_error&) {  // the library's way to say no
    return false;
  }
}

bool is_portal_id(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

/// Where a control setting stands in the file, for the errors that control::validate finds.
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
    TableReader top{&root_, "", errors_};
    read_site(top.section("site"));
    read_grid(top.section("grid"));
    read_battery(top.section("battery"));
    read_inverter(top.section("inverter"));
    read_control(top.section("control"));
    read_metrics(top.section("metrics"));
    read_history(top.section("history"));
    read_web(top.section("web"));
    read_mqtt(top.section("mqtt"), hub_.mqtt);
    read_dbus(top.section("dbus"), hub_.dbus);
    for (const auto& [key, place] : read_policy(top, control_, errors_))
      settings_[key] = {key.substr(0, key.find(' ')), place, true, false};
    check_control();
    auto buses = read_buses(top, errors_);
    hub_.buses = std::move(buses.list);
    control_.solar_metered = buses.solar_metered;
    control_.circuit_roles = buses.circuit_roles;
    top.finish();
    note_fixed();
    if (errors_.empty()) return std::move(hub_);
    std::ranges::stable_sort(errors_, {}, [](const ConfigError& error) {
      return std::pair{error.place.line, error.place.column};
    });
    return tl::unexpected{std::move(errors_)};
  }

 private:
  // The settings: one line each.
  void read_site(TableReader site) {
    site.read("name", hub_.site_name);
    if (site.read("portal_id", hub_.portal_id) && !is_portal_id(hub_.portal_id))
      site.complain("portal_id", fmt::format("is \"{}\", expected 12 hexadecimal digits in lower "
                                             "case, such as \"dca632000001\"",
                                             hub_.portal_id));
    if (site.read("time_zone", hub_.time_zone) && !zone_exists(hub_.time_zone))
      site.complain("time_zone", fmt::format("is \"{}\", expected an IANA time zone of this "
                                             "system, such as \"Europe/London\"",
                                             hub_.time_zone));
    site.read("state_dir", hub_.state_dir);
    if (!hub_.state_dir.empty() && !hub_.state_dir.starts_with('/'))
      site.complain("state_dir", fmt::format("is \"{}\", expected an absolute path, or \"\" to "
                                             "keep nothing",
                                             hub_.state_dir));
    site.finish();
  }

  void read_grid(TableReader grid) {
    setting(grid, "setpoint_w", "grid_setpoint", control_.grid_setpoint);
    setting(grid, "import_cap_w", "import_cap", control_.import_cap);
    setting(grid, "export_cap_w", "export_cap", control_.export_cap);
    setting(grid, "main_fuse_a", "main_fuse", control_.main_fuse);
    grid.finish();
  }

  void read_battery(TableReader battery) {
    setting(battery, "charge_limit_w", "charge_limit", control_.charge_limit);
    setting(battery, "discharge_limit_w", "discharge_limit", control_.discharge_limit);
    setting(battery, "soc_floor", "soc_floor", control_.soc_floor);
    setting(battery, "soc_ceiling", "soc_ceiling", control_.soc_ceiling);
    setting(battery, "reserve", "reserve", control_.reserve);
    setting(battery, "soc_hysteresis", "soc_hysteresis", control_.soc_hysteresis, "%");
    setting(battery, "charge_voltage_cap_v", "charge_voltage_cap", control_.charge_voltage_cap);
    setting(battery, "full_charge_days", "full_charge_days", control_.full_charge_days, "days");
    setting(battery, "force_charge_w", "force_charge_power", control_.force_charge_power);
    setting(battery, "cutoff_soc", "cutoff_soc", control_.cutoff_soc);
    setting(battery, "cutoff_voltage_v", "cutoff_voltage", control_.cutoff_voltage);
    battery.finish();
  }

  void read_inverter(TableReader inverter) {
    setting(inverter, "rating_w", "inverter_rating", control_.inverter_rating);
    setting(inverter, "charger_current_a", "charger_current", control_.charger_current);
    double percent = 0.0;  // the file says per cent, the control a ratio
    if (setting(inverter, "conversion_efficiency", "conversion_efficiency", percent, "%"))
      control_.conversion_efficiency = percent / 100.0;
    inverter.finish();
  }

  void read_control(TableReader control) {
    setting(control, "period", "period", control_.period);
    setting(control, "slew_w_per_s", "slew", control_.slew);
    setting(control, "meter_max_age", "meter_max_age", control_.meter_max_age);
    setting(control, "bms_max_age", "bms_max_age", control_.bms_max_age);
    setting(control, "inverter_max_age", "inverter_max_age", control_.inverter_max_age);
    setting(control, "setpoint_life", "setpoint_life", control_.setpoint_life);
    control.read("realtime", hub_.realtime);
    read_loop(control.section("loop"));
    control.finish();
  }

  void read_loop(TableReader loop) {
    setting(loop, "meter_time_constant", "meter_time_constant", control_.meter_time_constant);
    setting(loop, "meter_delay", "meter_delay", control_.meter_delay);
    setting(loop, "inverter_time_constant", "inverter_time_constant",
            control_.inverter_time_constant);
    setting(loop, "inverter_delay", "inverter_delay", control_.inverter_delay);
    setting(loop, "ack_delay", "ack_delay", control_.ack_delay);
    setting(loop, "inverter_ramp_w_per_s", "inverter_ramp", control_.inverter_ramp);
    loop.finish();
  }

  void read_metrics(TableReader metrics) {
    transport::TcpPort anywhere;  // the exporter takes the text; here it is only checked
    if (metrics.read("address", hub_.metrics_address) && !hub_.metrics_address.empty())
      metrics.read("address", anywhere);
    metrics.finish();
  }

  void read_web(TableReader web) {
    transport::TcpPort anywhere;
    if (web.read("address", hub_.web.address) && !hub_.web.address.empty())
      web.read("address", anywhere);
    web.read("certificate", hub_.web.certificate);
    web.read("key", hub_.web.key);
    if (hub_.web.certificate.empty() != hub_.web.key.empty())
      web.complain(web.has("key") ? "key" : "certificate",
                   "TLS needs both `certificate` and `key`, or neither");
    web.read("host_names", hub_.web.host_names);
    web.finish();
  }

  /// The control takes its settings at any time; all else is built once.
  void note_fixed() {
    constexpr std::array<std::string_view, 7> live{"grid",   "battery",  "inverter", "control",
                                                   "policy", "schedule", "tariff"};
    for (const auto& [key, node] : root_) {
      if (std::ranges::find(live, key.str()) != live.end()) continue;
      std::ostringstream text;
      node.visit([&](const auto& concrete) { text << concrete; });
      hub_.fixed[std::string{key.str()}] = text.str();
    }
    hub_.fixed["control.realtime"] = hub_.realtime ? "true" : "false";
  }

  void read_history(TableReader history) {
    auto& settings = hub_.history;
    if (!hub_.state_dir.empty()) settings.file = hub_.state_dir + "/history.db";
    history.read("file", settings.file);
    if (!settings.file.empty() && !settings.file.starts_with('/'))
      history.complain("file", fmt::format("is \"{}\", expected an absolute path, or \"\" to keep "
                                           "no history",
                                           settings.file));
    history.read("batch", settings.batch, Range{10e3, 3600e3});
    history.read("keep_days", settings.keep_days, Range{7, 3650});
    history.finish();
  }

  /// Reads a control setting and remembers where it stands under the name control::validate uses.
  template <class T, class... Unit>
  bool setting(TableReader& reader, std::string_view key, const std::string& name, T& out,
               Unit... unit) {
    const bool read = reader.read(key, out, unit...);
    const bool given = reader.has(key);
    settings_[name] = {reader.dotted(key), reader.place(key), given, given && !read};
    return read;
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
