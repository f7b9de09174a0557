// THE TABLES of everything the file sets but the control, the plan of the week and the buses.
#pragma once

#include <span>

#include "config/hub_settings.hpp"
#include "control/settings_table.hpp"
#include "model/setting_row.hpp"

namespace esshub::config {

[[nodiscard]] std::span<const SettingRow<HubSettings>> hub_table();
[[nodiscard]] std::span<const SettingRow<publish::HistorySettings>> history_table();
[[nodiscard]] std::span<const SettingRow<publish::WebSettings>> web_table();
[[nodiscard]] std::span<const SettingRow<publish::MqttSettings>> mqtt_table();
[[nodiscard]] std::span<const SettingRow<publish::HomeAssistantSettings>> home_assistant_table();
[[nodiscard]] std::span<const SettingRow<publish::DbusSettings>> dbus_table();

/// Calls `f(table, struct)` for every table of the file and the struct in `hub` that it fills. A
/// new table is one line here.
template <class Hub, class F>
void for_each_table(Hub& hub, F f) {
  f(hub_table(), hub);
  f(control::settings_table(), hub.control);
  f(control::tariff_table(), hub.control.tariff);
  f(history_table(), hub.history);
  f(web_table(), hub.web);
  f(mqtt_table(), hub.mqtt);
  f(home_assistant_table(), hub.mqtt.names);
  f(dbus_table(), hub.dbus);
}

/// A [section] of the file.
struct SettingSection {
  std::string_view name;
  std::string_view sentence;
};
/// In the order of the example file.
[[nodiscard]] std::span<const SettingSection> sections();

/// What differs between the two and takes effect with a restart only: "web.address", "bus".
[[nodiscard]] std::vector<std::string> needs_restart(const HubSettings& before,
                                                     const HubSettings& after);

}  // namespace esshub::config
