// Reads cells and temperatures of every module of a Pylontech stack over RS485; it only reads.
#pragma once

#include <cstdint>
#include <memory>

#include "protocol/driver.hpp"

namespace esshub::protocol {

struct PylontechRs485Config {
  std::uint32_t baud = 115200;     ///< 9600 where DIP switch 1 of the master is on; always 8N1
  std::uint8_t first_address = 2;  ///< of the master; group n: 16 n + 2
  unsigned modules = 1;            ///< 1 to max_modules, at consecutive addresses
  Duration sweep_period = 5s;      ///< all modules are asked once in it, or as fast as they answer
  Duration gap = 250ms;            ///< silence between transactions
  Duration response_timeout = 500ms;  ///< from the request's last bit to the response's first
  unsigned retries = 2;
};

/// Emits voltage, current, mean cell temperature and the extremes of the cells at battery_module(n)
/// and, after a sweep in which every module answered, the extremes of the stack at Point::battery,
/// stamped with the oldest response they are made of, at most 60 s old. Cell data gate no control.
/// Events: module_lost, module_back, module_alarms (every change), alarms_unread, alarms_read.
[[nodiscard]] std::unique_ptr<Driver> make_pylontech_rs485_driver(PylontechRs485Config config);

}  // namespace esshub::protocol
