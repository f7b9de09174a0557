// Turns captured frames, one text line each, into JSON for a person or a script (`esshub decode`).
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

#include "json/object.hpp"
#include "protocol/bytes.hpp"
#include "protocol/pylontech/can_messages.hpp"

namespace esshub::app {

/// Remembers what earlier lines said (a request gives meaning to its response, a scale to raw
/// words).
class LineDecoder {
 public:
  virtual ~LineDecoder() = default;
  /// One line in, one object out: the decoded fields in SI units with our signs, keys ending in
  /// their unit (`power_w`, `voltage_v`, `soc_percent`), or {"error": kind, "detail": text}. Never
  /// throws.
  [[nodiscard]] virtual nlohmann::json line(std::string_view text) = 0;
};

/// Hex of a request, a response, or a request followed by its response.
[[nodiscard]] std::unique_ptr<LineDecoder> make_modbus_decoder();
/// candump log form `(time) can0 351#DATA`, candump's screen form, `351#DATA`, or SLCAN text.
/// `cells`: how many the battery has in series, for what its charge voltage limit can be.
[[nodiscard]] std::unique_ptr<LineDecoder> make_can_decoder(
    unsigned cells = protocol::pylontech::usual_cells);
/// Hex of MK2/MK3 frames.
[[nodiscard]] std::unique_ptr<LineDecoder> make_mk3_decoder();
/// Pylontech's ASCII frames from `~` on, as text or as the hex of it.
[[nodiscard]] std::unique_ptr<LineDecoder> make_rs485_decoder();

/// What of a line belongs to no frame: {"kind": "outside", "bytes": hex}.
[[nodiscard]] inline nlohmann::json outside(protocol::ByteView bytes) {
  return json_object({{"kind", "outside"}, {"bytes", protocol::to_hex(bytes)}});
}

}  // namespace esshub::app
