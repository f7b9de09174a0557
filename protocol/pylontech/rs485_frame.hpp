// Pylontech's RS485 frames: ASCII hex between `~` and CR, with a length and a checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "protocol/bytes.hpp"
#include "protocol/decode_error.hpp"

// reference: pylontech-can#9. ~ VER ADR CID1 CID2 LENGTH INFO CHKSUM CR
namespace esshub::protocol::pylontech_rs485 {

constexpr std::uint8_t sent_version = 0x20;
constexpr std::uint8_t battery_cid1 = 0x46;
constexpr std::size_t shortest_frame = 18;
constexpr std::size_t most_info = 0xFFF;  ///< digits
constexpr std::size_t longest_frame = shortest_frame + most_info;

/// What its fields state. Requests carry a command in cid2, answers a ReturnCode.
struct AsciiFrame {
  std::uint8_t version = sent_version;
  std::uint8_t address = 2;
  std::uint8_t cid1 = battery_cid1;
  std::uint8_t cid2 = 0;
  Bytes info;  ///< its hex digits as bytes
};

/// What a response says of the request.
enum class ReturnCode : std::uint8_t {
  ok = 0x00,
  version = 0x01,          ///< VER wrong
  checksum = 0x02,         ///< CHKSUM wrong
  length_checksum = 0x03,  ///< LCHKSUM wrong
  command = 0x04,          ///< CID2 not known
  format = 0x05,           ///< format wrong
  data = 0x06,             ///< INFO invalid
  address = 0x90,          ///< ADR wrong
  internal = 0x91,         ///< master and module do not reach each other
};
/// For a person; empty for a value that no document names.
[[nodiscard]] std::string_view describe(ReturnCode code);

/// What a device would say of the frame: ok, or format, length_checksum or checksum if it is
/// damaged. Only upper-case hex is whole: a flipped bit turns `F` into `f`, and inside CHKSUM no
/// checksum would tell.
[[nodiscard]] ReturnCode check(ByteView frame);

/// A whole frame from `~` to CR. Errors: length (also what is not framed or not hex), checksum.
[[nodiscard]] Decoded<AsciiFrame> decode_frame(ByteView frame);

/// Empty for the commands that set limits (94) or switch a module off (95), which are never sent,
/// and for more INFO than LENGTH can state.
[[nodiscard]] Bytes encode_frame(const AsciiFrame& frame);

/// Cuts frames from `~` to CR out of a stream, however it is chunked. A `~` always begins anew.
class FrameReader {
 public:
  /// The frames that became complete, damaged or not.
  [[nodiscard]] std::vector<Bytes> feed(ByteView bytes);
  /// Forgets a half-received frame.
  void reset();
  /// Runs of bytes so far that belong to no frame.
  [[nodiscard]] std::uint64_t resyncs() const { return resyncs_; }

 private:
  void drop();

  Bytes frame_;
  bool skipping_ = false;
  std::uint64_t resyncs_ = 0;
};

}  // namespace esshub::protocol::pylontech_rs485
