// Listens to a Pylontech stack on CAN (raw SocketCAN records or SLCAN text) and keeps it alive.
#pragma once

#include <cstdint>
#include <memory>

#include "protocol/driver.hpp"

namespace esshub::protocol {

/// How CAN frames reach us as bytes.
enum class CanFraming : std::uint8_t {
  socketcan,  ///< raw 16-byte struct can_frame records
  slcan,      ///< ASCII lines of a serial adapter
};

struct PylontechConfig {
  CanFraming framing = CanFraming::slcan;
  Duration keep_alive = 1s;     ///< period of 0x305
  Duration silence_limit = 5s;  ///< SLCAN: no frame for that long: close and open the channel again
};

[[nodiscard]] std::unique_ptr<Driver> make_pylontech_driver(PylontechConfig config);

}  // namespace esshub::protocol
