// HubSettings: everything a configuration file says, typed; what reader, hub and simulator share.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "control/settings.hpp"
#include "protocol/modbus/driver.hpp"
#include "protocol/pylontech/can_driver.hpp"
#include "protocol/pylontech/rs485_driver.hpp"
#include "protocol/vebus/driver.hpp"
#include "publish/history/settings.hpp"
#include "publish/mqtt/settings.hpp"
#include "publish/venus/dbus_settings.hpp"
#include "transport/line.hpp"

namespace esshub::config {

using DriverSettings = std::variant<protocol::ModbusConfig, protocol::PylontechConfig,
                                    protocol::PylontechRs485Config, protocol::VebusConfig>;

struct BusSettings {
  std::string name;  ///< unique; label `bus` in metrics
  transport::LineSettings line;
  DriverSettings driver;
};

/// The owner's page.
struct WebSettings {
  std::string address = "127.0.0.1:8750";  ///< host:port, empty = no page
  std::string certificate;                 ///< PEM file; with `key`: TLS
  std::string key;                         ///< PEM file
  std::vector<std::string> host_names;     ///< it answers to, beside addresses and its own name
};

struct HubSettings {
  std::string site_name = "home";
  std::string time_zone = "Etc/UTC";  ///< IANA name
  control::Settings control;
  std::vector<BusSettings> buses;
  std::string metrics_address = "127.0.0.1:9750";  ///< host:port, empty = no exporter
  WebSettings web;
  std::string portal_id;  ///< for MQTT and D-Bus; empty = from the network address
  publish::MqttSettings mqtt;
  publish::DbusSettings dbus;
  bool realtime = true;  ///< try SCHED_FIFO and mlockall
  /// Where orders outlive the program; empty: nowhere.
  std::string state_dir = "/var/lib/esshub";
  /// What takes effect with a restart only: every other section of the file and what it says.
  std::map<std::string, std::string> fixed;
  publish::HistorySettings history;
};

}  // namespace esshub::config
