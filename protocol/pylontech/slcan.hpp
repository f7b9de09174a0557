// SLCAN (LAWICEL): CAN frames as text lines of a serial adapter, and how its channel is opened.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/time.hpp"
#include "protocol/bytes.hpp"
#include "protocol/decode_error.hpp"
#include "protocol/pylontech/can_frame.hpp"

// reference: pylontech-can#7
namespace esshub::protocol {

/// The frame as a line with its CR, `t3552AABB\r`: a transmit command as well as a received frame.
[[nodiscard]] Bytes encode_slcan(const CanFrame& frame);

/// A frame line (`t`, `T`, `r` or `R`) without its CR; the time stamp of `Z1` mode is checked and
/// dropped. Errors: length, content (DLC over 8, not hex, impossible id or time), unsupported (not
/// a frame line).
[[nodiscard]] Decoded<CanFrame> parse_slcan(std::string_view line);

/// What an adapter says of a command.
enum class SlcanResponse : std::uint8_t {
  accepted,     ///< a bare CR
  transmitted,  ///< `z` or `Z`
  refused,      ///< BEL
  information,  ///< the response to V, v or N
};

/// The response to F. What the bits mean differs between adapters.
struct SlcanStatus {
  std::uint8_t bits = 0;
};
/// The command that asks for it; some adapters do not answer.
[[nodiscard]] Bytes slcan_status_request();
/// `F24`, and what the bits mean on a LAWICEL adapter: `F24 (LAWICEL: error warning, error
/// passive)`.
[[nodiscard]] std::string describe(SlcanStatus status);

using SlcanItem = std::variant<CanFrame, SlcanResponse, SlcanStatus, DecodeError>;

/// Cuts the adapter's bytes, however they are chunked, into frames, answers and errors. A channel
/// has time stamps in all its frames or in none: among frames without, one that seems to have one
/// has a damaged length digit, and the other way round. Two in a row are the channel's way from
/// then on.
class SlcanReader {
 public:
  [[nodiscard]] std::vector<SlcanItem> feed(ByteView bytes);
  /// Forgets a half-received line.
  void reset();

 private:
  static constexpr std::size_t longest_line = 32;

  [[nodiscard]] SlcanItem whole_line();

  std::string line_;
  bool too_long_ = false;   ///< the rest of an over-long line is skipped
  bool stamped_ = false;    ///< the channel's way
  bool other_way_ = false;  ///< the newest frame's
};

/// Whether the adapter takes part in the bus, or never sends, not even acknowledgements.
enum class SlcanMode : std::uint8_t { normal, listen_only };

/// Opens the channel: `C`, `S6` (500 kbit/s), `O` or `L`. Goes on after each response, whatever it
/// is, or after 100 ms without one: some adapters answer nothing at all, and all refuse `C` when
/// closed.
class SlcanOpening {
 public:
  /// Starts over; returns the first command.
  [[nodiscard]] Bytes start(Instant now, SlcanMode mode);
  /// An accepted or refused was read. Returns the next command, if one is left.
  [[nodiscard]] std::optional<Bytes> on_response(Instant now);
  [[nodiscard]] std::optional<Bytes> on_timer(Instant now);

  /// The next answer is that to `O` or `L`.
  [[nodiscard]] bool at_last_command() const { return !done() && next_ == commands; }
  /// All commands are sent and answered, or not answered in time.
  [[nodiscard]] bool done() const { return !deadline_; }
  /// The response to `C` is awaited: BEL there only says that the channel was closed already.
  [[nodiscard]] bool closing() const { return next_ == 1; }
  /// When on_timer wants to be called; nothing when done.
  [[nodiscard]] std::optional<Instant> deadline() const { return deadline_; }

 private:
  static constexpr Duration response_timeout = 100ms;
  static constexpr std::size_t commands = 3;

  [[nodiscard]] Bytes command(std::size_t index) const;

  SlcanMode mode_ = SlcanMode::normal;
  std::size_t next_ = 0;
  std::optional<Instant> deadline_;
};

}  // namespace esshub::protocol
