// Listens to a Pylontech stack on CAN (raw SocketCAN records or SLCAN text) and keeps it alive.
#pragma once

#include <cstdint>
#include <memory>

#include "protocol/driver.hpp"
#include "protocol/pylontech/can_messages.hpp"

namespace esshub::protocol {

/// How CAN frames reach us as bytes.
enum class CanFraming : std::uint8_t {
  socketcan,  ///< raw 16-byte struct can_frame records
  slcan,      ///< ASCII lines of a serial adapter
};

struct PylontechConfig {
  unsigned cells = pylontech::usual_cells;  ///< in series, of each module
  CanFraming framing = CanFraming::slcan;
  Duration keep_alive = 1s;     ///< period of 0x305
  Duration silence_limit = 5s;  ///< SLCAN: no frame for that long: close and open the channel again
  /// Beside an inverter that controls the battery: nothing is ever sent, not even 0x305. An SLCAN
  /// adapter is opened with `L`; a SocketCAN interface acknowledges frames unless it is set up with
  /// `ip link set can0 type can bitrate 500000 listen-only on`. Somebody else must acknowledge.
  bool listen_only = false;
};

/// SLCAN: what jumps away from what the battery said before must be said twice, except towards the
/// safe side, which counts at once (GlitchFilter).
[[nodiscard]] std::unique_ptr<Driver> make_pylontech_driver(PylontechConfig config);

}  // namespace esshub::protocol
