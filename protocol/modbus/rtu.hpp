// Modbus RTU: CRC, the few messages the meters speak, and finding frames in a stream of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "model/time.hpp"
#include "protocol/bytes.hpp"
#include "protocol/decode_error.hpp"

namespace esshub::protocol::modbus {

// Functions the meters know (reference: eastron-modbus#1 and eastron-modbus#7).
constexpr std::uint8_t read_holding = 0x03;
constexpr std::uint8_t read_input = 0x04;
constexpr std::uint8_t diagnostics = 0x08;      ///< sub-function 0: loop-back
constexpr std::uint8_t write_registers = 0x10;  ///< encoded for tools; never sent in operation
constexpr std::uint8_t exception_bit = 0x80;

enum class Exception : std::uint8_t {
  illegal_function = 1,
  illegal_address = 2,  ///< or part of a float, or too many registers
  illegal_value = 3,
  device_failure = 5,  ///< Eastron: a setting could not be stored (non-standard)
};

/// What a master asks.
struct RtuRequest {
  std::uint8_t unit = 1;  ///< 1 to 247
  std::uint8_t function = read_input;
  std::uint16_t start = 0;  ///< first register; function 08: the sub-function
  std::uint16_t count = 0;  ///< registers; function 08: the data word to be sent back
  Bytes data;               ///< function 16 only: 2 * count bytes
  friend bool operator==(const RtuRequest&, const RtuRequest&) = default;
};

/// CRC-16/MODBUS: start 0xFFFF, polynomial 0xA001 reflected; sent low byte first.
[[nodiscard]] std::uint16_t crc16(ByteView bytes);
/// True if the last two bytes are the CRC of those before, at least a unit and a function.
[[nodiscard]] bool crc_ok(ByteView frame);

[[nodiscard]] Bytes encode(const RtuRequest& request);
/// `registers` are the 2 * count bytes read; ignored by functions 08 and 16, whose responses repeat
/// the request.
[[nodiscard]] Bytes encode_response(const RtuRequest& request, ByteView registers);
[[nodiscard]] Bytes encode_exception(std::uint8_t unit, std::uint8_t function, Exception code);

/// A whole request frame. Errors in the order length, address (0 and 248 to 255), function,
/// checksum, content (number of registers).
[[nodiscard]] Decoded<RtuRequest> decode_request(ByteView frame);

/// The register bytes (a view into `frame`) of a whole answer to `request`; empty for functions 08
/// and 16. Errors in the order length, address, function, checksum, content; a refusal by the
/// device is `exception`.
[[nodiscard]] Decoded<ByteView> decode_response(ByteView frame, const RtuRequest& request);

/// True if `frame`, already known to be whole, has the unit, function and length of a response or a
/// refusal to `request`.
[[nodiscard]] bool is_response(ByteView frame, const RtuRequest& request);

/// Bytes of the response to `request` on the wire.
[[nodiscard]] std::size_t response_size(const RtuRequest& request);
constexpr std::size_t request_size = 8;    ///< of a read
constexpr std::size_t exception_size = 5;  ///< of a refusal

/// One frame found in a stream.
struct ScannedFrame {
  enum class Kind : std::uint8_t {
    request,
    response,
    exception,
    damaged,  ///< stood where the response was awaited, with its shape, but its CRC is wrong
  };
  Kind kind;
  Bytes bytes;  ///< as on the wire, CRC included
  std::optional<RtuRequest>
      request;   ///< itself, or what it answers; nothing = the request is unknown
  Instant at{};  ///< when its last byte arrived
};

/// Finds frames by structure and CRC, without timing: USB adapters deliver bytes in bursts, so the
/// silence between frames is often invisible (reference: eastron-modbus#9). Responses carry
/// no register address; they are bound to the last request, once. Bytes that fit nothing are
/// skipped. Master, listener and slave share it.
class FrameScanner {
 public:
  enum class Role : std::uint8_t {
    everything,  ///< master and passive listener
    server,      ///< the server of a bus: any function, so that unknown ones can be refused
  };
  explicit FrameScanner(Role role = Role::everything) : role_(role) {}

  /// `at`: when the last of them arrived.
  void push(ByteView bytes, Instant at = {});
  /// The next frame, or nothing until more bytes come. Call until it returns nothing.
  [[nodiscard]] std::optional<ScannedFrame> next();
  /// The line has been silent for longer than a frame allows: what is incomplete stays so.
  void silence() { cut_ = true; }
  /// Forgets all bytes and awaits the response to `request` (nothing = to none).
  void restart(std::optional<RtuRequest> request);
  /// The response is no longer awaited; should it come, it is one without a request.
  void abandon() { pending_.reset(); }

  /// The request whose response is awaited.
  [[nodiscard]] const std::optional<RtuRequest>& pending() const { return pending_; }
  /// Runs of bytes skipped so far.
  [[nodiscard]] std::uint64_t resyncs() const { return resyncs_; }
  /// Bytes skipped so far.
  [[nodiscard]] std::uint64_t skipped() const { return skipped_; }

 private:
  /// Bytes of the buffer that arrived together.
  struct Chunk {
    std::size_t bytes;
    Instant at;
  };

  ScannedFrame take(ScannedFrame::Kind kind, std::size_t length, std::optional<RtuRequest> request);
  void skip_byte();
  void drop(std::size_t bytes);
  [[nodiscard]] Instant arrival_of(std::size_t bytes) const;

  Role role_;
  Bytes buffer_;
  std::deque<Chunk> chunks_;  // of the buffer, in order
  std::optional<RtuRequest> pending_;
  bool cut_ = false;
  bool skipping_ = false;
  std::uint64_t resyncs_ = 0;
  std::uint64_t skipped_ = 0;
};

}  // namespace esshub::protocol::modbus
