// HubSettings: everything a configuration file says, typed; what reader, hub and simulator share.
#pragma once

#include <string>
#include <vector>

#include "civil_time/clock_source.hpp"
#include "config/bus_kinds.hpp"
#include "config/config_error.hpp"
#include "control/settings.hpp"
#include "publish/history/settings.hpp"
#include "publish/mqtt/settings.hpp"
#include "publish/venus/settings.hpp"
#include "publish/web/settings.hpp"
#include "transport/line.hpp"

namespace esshub::config {

struct BusSettings {
  std::string name;  ///< unique; label `bus` in metrics
  transport::LineSettings line;
  DriverSettings driver;
};

struct HubSettings {
  std::string site_name = "home";
  std::string time_zone = "Etc/UTC";  ///< IANA name
  civil_time::ClockSource clock = civil_time::ClockSource::ntp;
  control::Settings control;
  std::vector<BusSettings> buses;
  std::string metrics_address = "127.0.0.1:9750";  ///< host:port, empty = no exporter
  publish::WebSettings web;
  std::string portal_id;  ///< for MQTT and D-Bus; empty = from the network address
  publish::MqttSettings mqtt;
  publish::DbusSettings dbus;
  bool realtime = true;  ///< try SCHED_FIFO and mlockall
  /// Where orders outlive the program; empty: nowhere.
  std::string state_dir = "/var/lib/esshub";
  /// Where esshub-feed writes; empty: nowhere.
  std::string feed_folder = "/run/esshub-feed";
  std::vector<std::string> circuit_names;  ///< of Point::circuit1 and its followers; empty: none
  std::string bus_text;                    ///< [[bus]] as the file has it: tells whether it changed
  publish::HistorySettings history;

  // Of the file they were read from, in its order.
  std::vector<ConfigError> warnings;          ///< allowed, and surely meant otherwise
  std::vector<ConfigError> unreadable_files;  ///< that are named in it; load_config() alone looks
};

}  // namespace esshub::config
