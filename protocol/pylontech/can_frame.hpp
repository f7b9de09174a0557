// One CAN frame, and its two passive forms: the kernel's 16-byte record and candump's text.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/bytes.hpp"
#include "protocol/decode_error.hpp"

namespace esshub::protocol {

/// A classic CAN frame: data, remote request, or (SocketCAN only) a report of the controller.
struct CanFrame {
  std::uint32_t id = 0;   ///< 11 or 29 bits, without flags; the error class if `error`
  bool extended = false;  ///< 29-bit identifier
  bool remote = false;    ///< remote transmission request: carries no data
  bool error = false;     ///< not from the bus: the controller reports trouble
  std::uint8_t size = 0;  ///< data length code, 0 to 8
  std::array<std::byte, 8> data{};

  /// The data bytes there are; none in a remote request.
  [[nodiscard]] ByteView payload() const {
    return ByteView{data}.first(remote ? 0u : std::min<std::size_t>(size, data.size()));
  }
  friend bool operator==(const CanFrame&, const CanFrame&) = default;
};

/// A standard data frame; at most the first 8 bytes are taken.
[[nodiscard]] CanFrame make_frame(std::uint32_t id, ByteView data);

/// How long it is on the wire, with the gap after it and without stuffed bits (at most a fifth
/// more). Bosch, CAN Specification 2.0, part B, section 3.1.
[[nodiscard]] inline unsigned bits_on_wire(const CanFrame& frame) {
  const auto data = static_cast<unsigned>(frame.payload().size());
  return (frame.extended ? 67u : 47u) + 8u * data;
}

/// Size of the kernel's `struct can_frame` (reference: pylontech-can#8).
constexpr std::size_t can_record_size = 16;

/// One record as read from a CAN_RAW socket. Errors: length (not 16 bytes), content (DLC over 8).
[[nodiscard]] Decoded<CanFrame> decode_record(ByteView record);
/// The record to write to a CAN_RAW socket.
[[nodiscard]] Bytes encode_record(const CanFrame& frame);

/// One line of candump: log form `(1700000000.0) can0 351#1402F401`, screen form
/// `can0  351   [4]  14 02 F4 01`, or `351#1402F401` alone. Errors: length (more than 8 bytes, or
/// not as many as stated), content (not hex, no frame), unsupported (CAN FD).
[[nodiscard]] Decoded<CanFrame> parse_candump(std::string_view line);
/// `351#1402F401`, remote requests `351#R`, 29-bit identifiers and error frames with 8 digits.
[[nodiscard]] std::string to_text(const CanFrame& frame);

/// What a controller's error frame reports, for a person: "bus-off, no acknowledgement".
[[nodiscard]] std::string describe_error(const CanFrame& frame);

/// What such a frame says of our place on the bus.
enum class CanBusState : std::uint8_t {
  unchanged,
  no_ack,        ///< nobody acknowledges what we send
  bus_off,       ///< bus-off: we neither send nor receive
  error_active,  ///< error active or restarted
};
[[nodiscard]] CanBusState bus_state(const CanFrame& frame);

}  // namespace esshub::protocol
