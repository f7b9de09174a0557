// The hub: settings -> lines, drivers, queues, actors. Read hub.cpp to see the whole system.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "control/settings.hpp"
#include "model/event.hpp"
#include "model/result.hpp"
#include "model/view.hpp"
#include "protocol/modbus_driver.hpp"
#include "protocol/pylontech_driver.hpp"
#include "protocol/pylontech_rs485_driver.hpp"
#include "protocol/vebus_driver.hpp"
#include "transport/line.hpp"

namespace esshub::actors {

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
};

/// Receives every published View (ten a second at most); runs on the publisher, never in control.
using ViewSink = std::function<void(const View&)>;

class Hub {
 public:
  /// Starts everything. An Error says what could not be started (metrics port taken, ...); buses
  /// that are not there yet are no error: they are opened when they come.
  [[nodiscard]] static Result<std::unique_ptr<Hub>> start(HubSettings settings, EventSink events,
                                                          std::vector<ViewSink> sinks);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;
  virtual ~Hub() = default;

  /// Orderly stop: safe setpoint acknowledged on the wire, then control, buses, publishers; at most
  /// 5 s. True if the acknowledgement was seen (or no inverter was being controlled).
  [[nodiscard]] virtual bool stop() = 0;

 protected:
  Hub() = default;
};

}  // namespace esshub::actors
