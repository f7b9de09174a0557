#include "config/settings_table.hpp"

#include <algorithm>

#include "config/table_reader.hpp"
#include "config/time_zone.hpp"

namespace esshub::config {
namespace {

using publish::DbusSettings;
using publish::HistorySettings;
using publish::HomeAssistantSettings;
using publish::MqttSettings;
using publish::WebSettings;

constexpr Reload restart = Reload::restart;

// ---- what a text must look like -------------------------------------------------------------

bool is_site_name(const std::string& text) {
  return is_line_of_text(text, 100);
}
bool is_portal_id(const std::string& text) {
  return text.size() == 12 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}
bool is_zone(const std::string& text) {
  return load_time_zone(text).has_value();
}
bool is_absolute_or_empty(const std::string& text) {
  return text.empty() || text.starts_with('/');
}
bool is_address_or_empty(const std::string& text) {
  return text.empty() || parse_host_port(text).has_value();
}
bool is_topic_prefix(const std::string& text) {
  return !text.empty() && text.front() != '/' && text.back() != '/' &&
         text.find_first_of("+# $") == std::string::npos;
}
bool is_dbus(const std::string& text) {
  return text.empty() || text == "system" || text == "session" ||
         text.find(':') != std::string::npos;
}
bool is_dbus_service(const std::string& text) {
  constexpr std::array<std::string_view, 6> known{"grid",    "pvinverter", "acload",
                                                  "battery", "vebus",      "system"};
  return std::ranges::find(known, text) != known.end();
}

constexpr TextRule site_name{&is_site_name, "1 to 100 bytes of text in one line"};
constexpr TextRule portal_id{&is_portal_id,
                             "12 hexadecimal digits in lower case, such as \"dca632000001\""};
constexpr TextRule zone{&is_zone,
                        "an IANA time zone of this system, such as \"Europe/London\" "
                        "(package tzdata; \"Etc/UTC\" needs none)"};
constexpr TextRule state_dir{&is_absolute_or_empty, "an absolute path, or \"\" to keep nothing"};
constexpr TextRule history_file{&is_absolute_or_empty,
                                "an absolute path, or \"\" to keep no history"};
constexpr TextRule address{&is_address_or_empty, "host:port, such as \"127.0.0.1:9750\""};
constexpr TextRule prefix{&is_topic_prefix,
                          "the beginning of a topic, such as \"esshub\", without + # $ or a / at "
                          "its ends"};
constexpr TextRule dbus{&is_dbus,
                        "\"system\", \"session\" or an address such as "
                        "\"unix:path=/run/dbus/system_bus_socket\""};
constexpr TextRule dbus_service{&is_dbus_service,
                                "a list of grid, pvinverter, acload, battery, vebus, system"};

constexpr WordField<HubSettings> clock_word{
    [] {
      const auto& names = enum_names<civil_time::ClockSource>;
      return std::vector<std::string_view>(names.begin(), names.end());
    },
    [](const HubSettings& s) { return index(s.clock); },
    [](HubSettings& s, std::size_t word) { s.clock = static_cast<civil_time::ClockSource>(word); }};

// ---- the tables -----------------------------------------------------------------------------

constexpr auto hub_rows = std::to_array<SettingRow<HubSettings>>({
    {"site",
     "name",
     &HubSettings::site_name,
     "",
     {},
     restart,
     "Name of this house, for people.",
     "",
     site_name},
    {"site",
     "time_zone",
     &HubSettings::time_zone,
     "",
     {},
     restart,
     "IANA time zone, such as \"Europe/London\"; schedules follow its clock.",
     "",
     zone},
    {"site",
     "clock",
     clock_word,
     "",
     {},
     restart,
     "Time source that is trusted; without one schedule and tariff are suspended. ntp: a time "
     "server. "
     "rtc: also the board's battery-backed clock. manual: also you, who set it after every power "
     "cycle."},
    {"site",
     "state_dir",
     &HubSettings::state_dir,
     "",
     {},
     restart,
     "Where orders and history outlive a restart; \"\" keeps nothing.",
     "",
     state_dir},
    {"site",
     "feed_folder",
     &HubSettings::feed_folder,
     "",
     {},
     restart,
     "Where prices and sun are looked for besides the folder feed in state_dir, as esshub-feed "
     "writes them there; \"\" = nowhere.",
     "",
     state_dir},
    {"site",
     "portal_id",
     &HubSettings::portal_id,
     "",
     {},
     restart,
     "Name of this house in MQTT and on D-Bus, 12 hexadecimal digits. Default: the network address "
     "of eth0, or of the first interface.",
     "\"dca632000001\"",
     portal_id},
    {"control",
     "realtime",
     &HubSettings::realtime,
     "",
     {},
     restart,
     "Ask the system for real-time priority and locked memory."},
    {"metrics",
     "address",
     &HubSettings::metrics_address,
     "",
     {},
     restart,
     "host:port that Prometheus scrapes; \"\" = off.",
     "",
     address},
});

constexpr auto history_rows = std::to_array<SettingRow<HistorySettings>>({
    {"history",
     "file",
     &HistorySettings::file,
     "",
     {},
     restart,
     "The database; \"\" = no history. Default: history.db in state_dir.",
     "\"/var/lib/esshub/history.db\"",
     history_file},
    {"history",
     "batch",
     &HistorySettings::batch,
     "ms",
     {10e3, 3600e3},
     restart,
     "Rows are written together this often; a crash loses at most these."},
    {"history",
     "keep_days",
     &HistorySettings::keep_days,
     "days",
     {7, 3650},
     restart,
     "Minutes and events with more days of running after them go."},
});

constexpr auto web_rows = std::to_array<SettingRow<WebSettings>>({
    {"web",
     "address",
     &WebSettings::address,
     "",
     {},
     restart,
     "host:port; \"\" = off. Reading needs no password, so listen only where everybody may read; "
     "changing anything needs one: `esshub password`.",
     "",
     address},
    {"web",
     "certificate",
     &WebSettings::certificate,
     "",
     {},
     restart,
     "PEM file of the certificate chain; with key: TLS only.",
     "\"/etc/esshub/page.pem\""},
    {"web",
     "key",
     &WebSettings::key,
     "",
     {},
     restart,
     "PEM file of the certificate's key.",
     "\"/etc/esshub/page.key\""},
    {"web",
     "host_names",
     &WebSettings::host_names,
     "",
     {},
     restart,
     "Names it answers to, such as \"battery.example\", beside IP addresses, localhost and this "
     "machine's own name."},
});

constexpr auto mqtt_rows = std::to_array<SettingRow<MqttSettings>>({
    {"mqtt",
     "address",
     HostPortField<MqttSettings>{&MqttSettings::host, &MqttSettings::port},
     "",
     {},
     restart,
     "host:port of the broker (MQTT 5 or 3.1.1), such as \"192.0.2.9:1883\"; \"\" = off."},
    {"mqtt",
     "tls_ca",
     &MqttSettings::tls_ca,
     "",
     {},
     restart,
     "PEM file of the authority that vouches for the broker. Default: no TLS.",
     "\"/etc/esshub/broker-ca.pem\""},
    {"mqtt", "user", &MqttSettings::user, "", {}, restart, "Name to sign in with.", "\"esshub\""},
    {"mqtt",
     "password",
     &MqttSettings::password,
     "",
     {},
     restart,
     "Password; better in a file of its own.",
     "\"secret\""},
    {"mqtt",
     "password_file",
     &MqttSettings::password_file,
     "",
     {},
     restart,
     "File whose first line is the password, instead of password.",
     "\"/etc/esshub/mqtt-password\""},
    {"mqtt",
     "client_id",
     &MqttSettings::client_id,
     "",
     {},
     restart,
     "Default: a unique one.",
     "\"esshub-1\""},
    {"mqtt",
     "venus",
     &MqttSettings::venus,
     "",
     {},
     restart,
     "Topics N/, R/ and W/ as Venus OS has them."},
    {"mqtt",
     "home_assistant",
     &MqttSettings::home_assistant,
     "",
     {},
     restart,
     "The device announces itself to Home Assistant, with its states."},
    {"mqtt",
     "writes",
     &MqttSettings::writes,
     "",
     {},
     restart,
     "Obey what others write: mode, reserve, override, storm, Hub4 setpoint."},
    {"mqtt",
     "buffer",
     &MqttSettings::buffer,
     "messages",
     {100, 100000},
     restart,
     "Messages that may wait for the broker; of each topic the newest."},
});

constexpr auto home_assistant_rows = std::to_array<SettingRow<HomeAssistantSettings>>({
    {"mqtt",
     "prefix",
     &HomeAssistantSettings::prefix,
     "",
     {},
     restart,
     "Beginning of the hub's own topics.",
     "",
     prefix},
    {"mqtt",
     "discovery_prefix",
     &HomeAssistantSettings::discovery_prefix,
     "",
     {},
     restart,
     "Beginning of the topics where Home Assistant looks for devices.",
     "",
     prefix},
    {"mqtt",
     "home_assistant_period",
     &HomeAssistantSettings::period,
     "ms",
     {1000, 60000},
     restart,
     "Every state is sent this often."},
});

constexpr auto dbus_rows = std::to_array<SettingRow<DbusSettings>>({
    {"dbus",
     "bus",
     &DbusSettings::bus,
     "",
     {},
     restart,
     "\"system\", \"session\" or an address such as \"unix:path=/run/my-bus\"; \"\" = off.",
     "",
     dbus},
    {"dbus",
     "services",
     &DbusSettings::services,
     "",
     {},
     restart,
     "Services to offer; also \"system\", where there is no Venus OS.",
     "",
     dbus_service},
    {"dbus",
     "writes",
     &DbusSettings::writes,
     "",
     {},
     restart,
     "Obey the Hub4 setpoint and disable paths of vebus."},
});

// A field that is added does not compile here; then it wants its row, or its place among the rest.
[[maybe_unused]] void count(const HubSettings& hub) {
  [[maybe_unused]] const auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15,
                                f16, f17, f18] = hub;
}
// control, buses, web, mqtt, dbus, circuit_names, bus_text, history, warnings, unreadable_files
static_assert(hub_rows.size() + 10 == 18);
[[maybe_unused]] void count(const HistorySettings& history) {
  [[maybe_unused]] const auto& [f1, f2, f3] = history;
}
static_assert(history_rows.size() == 3);
[[maybe_unused]] void count(const WebSettings& web) {
  [[maybe_unused]] const auto& [f1, f2, f3, f4] = web;
}
static_assert(web_rows.size() == 4);
[[maybe_unused]] void count(const MqttSettings& mqtt) {
  [[maybe_unused]] const auto& [f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12] = mqtt;
}
static_assert(mqtt_rows.size() + 2 == 12);  // address is host and port; names
[[maybe_unused]] void count(const HomeAssistantSettings& names) {
  [[maybe_unused]] const auto& [f1, f2, f3] = names;
}
static_assert(home_assistant_rows.size() == 3);
[[maybe_unused]] void count(const DbusSettings& bus) {
  [[maybe_unused]] const auto& [f1, f2, f3] = bus;
}
static_assert(dbus_rows.size() == 3);

constexpr auto section_rows = std::to_array<SettingSection>({
    {"site", "The house."},
    {"grid", "The grid connection."},
    {"battery", "What the battery may do."},
    {"policy", "What is done when: docs/policy.md."},
    {"tariff", "Prices per kWh, and what they mean for the battery."},
    {"inverter", "The inverter; the defaults are those of a MultiPlus-II 48/3000."},
    {"control", "The control loop."},
    {"control.loop",
     "What the control assumes of the plant at first; it identifies time constants and ramp "
     "itself: docs/control-loop.md."},
    {"metrics", "The exporter for Prometheus."},
    {"history", "Minutes and events for keep_days, days for ever: `esshub export`."},
    {"web", "The page, its REST interface and its live events."},
    {"mqtt", "Topics of Venus OS and Home Assistant: docs/mqtt.md."},
    {"dbus", "The services of Venus OS: docs/mqtt.md."},
});

template <class S>
struct Differs {
  const S& a;
  const S& b;
  template <class T>
  bool operator()(T S::*m) const {
    return a.*m != b.*m;
  }
  bool operator()(RatioField<S> m) const { return (*this)(m.ratio); }
  bool operator()(PriceField<S> m) const { return (*this)(m.price); }
  bool operator()(HostPortField<S> m) const { return (*this)(m.host) || (*this)(m.port); }
  bool operator()(RolesField<S> m) const { return (*this)(m.serves); }
  bool operator()(MinuteField<S> m) const { return (*this)(m.minute); }
  bool operator()(DaysField<S> m) const { return (*this)(m.days); }
  bool operator()(WordField<S> m) const { return m.get(a) != m.get(b); }
};

template <class S>
void collect(std::span<const SettingRow<S>> table, const S& a, const S& b,
             std::vector<std::string>& names) {
  for (const auto& row : table)
    if (row.reload == Reload::restart && std::visit(Differs<S>{a, b}, row.field))
      names.push_back(row.name());
}

}  // namespace

std::span<const SettingRow<HubSettings>> hub_table() {
  return hub_rows;
}
std::span<const SettingRow<HistorySettings>> history_table() {
  return history_rows;
}
std::span<const SettingRow<WebSettings>> web_table() {
  return web_rows;
}
std::span<const SettingRow<MqttSettings>> mqtt_table() {
  return mqtt_rows;
}
std::span<const SettingRow<HomeAssistantSettings>> home_assistant_table() {
  return home_assistant_rows;
}
std::span<const SettingRow<DbusSettings>> dbus_table() {
  return dbus_rows;
}
std::span<const SettingSection> sections() {
  return section_rows;
}

std::vector<std::string> needs_restart(const HubSettings& before, const HubSettings& after) {
  std::vector<std::string> names;
  for_each_table(before, [&]<class S>(std::span<const SettingRow<S>> table, const S& a) {
    for_each_table(after, [&]<class T>(std::span<const SettingRow<T>>, const T& b) {
      if constexpr (std::is_same_v<S, T>) collect(table, a, b, names);
    });
  });
  if (before.bus_text != after.bus_text) names.emplace_back("bus");
  return names;
}

}  // namespace esshub::config
