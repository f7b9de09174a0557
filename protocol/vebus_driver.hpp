// Speaks to one MultiPlus-II through an MK3: handshake, state polling, setpoint refresh, recovery.
#pragma once

#include <cstdint>
#include <memory>

#include "protocol/driver.hpp"

namespace esshub::protocol {

struct VebusConfig {
  std::uint8_t address = 0;  ///< Winmon target: 0 = the only device or the L1 master
  Duration refresh = 800ms;  ///< an unchanged setpoint is written again this often (< 1 s)
  Duration setpoint_interval = 200ms;  ///< changed setpoints are written no faster than this
  Watts setpoint_deadband{1.0};        ///< smaller changes wait for the refresh
};

[[nodiscard]] std::unique_ptr<Driver> make_vebus_driver(VebusConfig config);

}  // namespace esshub::protocol
