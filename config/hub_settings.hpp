// HubSettings: everything a configuration file says, typed; what reader, hub and simulator share.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "control/settings.hpp"
#include "protocol/modbus_driver.hpp"
#include "protocol/pylontech_driver.hpp"
#include "protocol/pylontech_rs485_driver.hpp"
#include "protocol/vebus_driver.hpp"
#include "publish/history_settings.hpp"
#include "transport/line.hpp"

namespace esshub::config {

using DriverSettings = std::variant<protocol::ModbusConfig, protocol::PylontechConfig,
                                    protocol::PylontechRs485Config, protocol::VebusConfig>;

struct BusSettings {
  std::string name;  ///< unique; label `bus` in metrics
  transport::LineSettings line;
  DriverSettings driver;
};

struct HubSettings {
  std::string site_name = "home";
  std::string time_zone = "Etc/UTC";  ///< IANA name
  control::Settings control;
  std::vector<BusSettings> buses;
  std::string metrics_address = "127.0.0.1:9750";  ///< host:port, empty = no exporter
  bool realtime = true;                            ///< try SCHED_FIFO and mlockall
  /// Where orders outlive the program; empty: nowhere.
  std::string state_dir = "/var/lib/esshub";
  /// What takes effect with a restart only: every other section of the file and what it says.
  std::map<std::string, std::string> fixed;
  publish::HistorySettings history;
};

}  // namespace esshub::config
