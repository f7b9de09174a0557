// MK2/MK3 framing: length, type, payload, checksum, appended LED bytes; a parser that resyncs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "model/health.hpp"
#include "model/time.hpp"
#include "protocol/bytes.hpp"
#include "protocol/decode_error.hpp"

namespace esshub::protocol::mk3 {

constexpr std::uint32_t baud = 2400;       ///< 8N1 (reference: vebus-mk3#1)
constexpr Duration byte_time = 4166667ns;  ///< ten bits on that line
[[nodiscard]] constexpr Duration wire_time(std::size_t bytes) {
  return byte_time * static_cast<Duration::rep>(bytes);
}
/// A frame whose rest has not come for that long will not come (reference: vebus-mk3#2 rule 5).
constexpr Duration frame_gap = 300ms;

// Frame types (reference: vebus-mk3#2). Forwarded VE.Bus frames are everything but `interface`.
constexpr std::uint8_t type_interface = 0xFF;
constexpr std::uint8_t type_info = 0x20;
constexpr std::uint8_t type_config = 0x41;

/// The LED state that the interface appends to each frame when asked to (S flag 0x02).
struct LedBytes {
  std::uint8_t on = 0;
  std::uint8_t blink = 0;
  friend bool operator==(LedBytes, LedBytes) = default;
};

struct Frame {
  std::uint8_t type = type_interface;
  Bytes payload;  ///< after the type, without appended LED bytes
  std::optional<LedBytes> leds{};
  friend bool operator==(const Frame&, const Frame&) = default;
};

/// Bytes for the wire. The payload must not be longer than 36 bytes.
[[nodiscard]] Bytes encode(const Frame& frame);

/// Exactly one frame. Errors: length, unsupported (type), checksum.
[[nodiscard]] Decoded<Frame> decode(ByteView bytes);

/// Finds frames in a byte stream cut anywhere, with garbage and stray zeros in between. On a bad
/// byte it slides by one; it never throws away what may still hold a frame.
class Parser {
 public:
  void push(ByteView bytes);
  /// The line has been quiet for frame_gap: what still waits for its rest is no frame.
  void give_up_waiting() { waiting_over_ = true; }
  /// The next whole frame, or nothing until more bytes come. Counts ok, and one checksum or resync
  /// for each run of bytes that are no frame.
  [[nodiscard]] std::optional<Frame> next(FrameCounters& counters);
  void clear();

 private:
  void skip_one(FrameCounters& counters, FrameResult why);

  Bytes buffer_;
  bool waiting_over_ = false;
  bool skipping_ = false;
};

}  // namespace esshub::protocol::mk3
