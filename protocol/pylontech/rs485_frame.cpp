#include "protocol/pylontech/rs485_frame.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace esshub::protocol::pylontech_rs485 {
namespace {

constexpr std::byte soi{'~'};
constexpr std::byte eoi{'\r'};
constexpr std::size_t length_at = 9;
constexpr std::size_t info_at = 13;
constexpr std::size_t checksum_digits = 4;

bool is_digit(std::byte b) {
  const char c = static_cast<char>(u8(b));
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

unsigned digit(std::byte b) {
  const unsigned c = u8(b);
  return c <= '9' ? c - '0' : c - 'A' + 10;
}

/// Of digits already checked.
unsigned number(ByteView digits) {
  unsigned value = 0;
  for (const std::byte b : digits) value = value << 4 | digit(b);
  return value;
}

/// -(sum of the codes) mod 65536. The worked example of the document is wrong by one.
std::uint16_t checksum(ByteView between) {
  unsigned sum = 0;
  for (const std::byte b : between) sum += u8(b);
  return static_cast<std::uint16_t>(0u - sum);
}

/// -(sum of the three nibbles) mod 16, above the number of INFO digits.
unsigned length_field(std::size_t digits) {
  const auto lenid = static_cast<unsigned>(digits);
  const unsigned sum = (lenid >> 8) + (lenid >> 4 & 0xFu) + (lenid & 0xFu);
  return ((0u - sum) & 0xFu) << 12 | lenid;
}

}  // namespace

std::string_view describe(ReturnCode code) {
  switch (code) {
    case ReturnCode::ok:
      return "ok";
    case ReturnCode::version:
      return "protocol version not supported";
    case ReturnCode::checksum:
      return "checksum of the request wrong";
    case ReturnCode::length_checksum:
      return "length checksum of the request wrong";
    case ReturnCode::command:
      return "command not known";
    case ReturnCode::format:
      return "format of the request wrong";
    case ReturnCode::data:
      return "data of the request invalid";
    case ReturnCode::address:
      return "address wrong";
    case ReturnCode::internal:
      return "internal communication error";
  }
  return {};
}

ReturnCode check(ByteView frame) {
  if (frame.size() < shortest_frame || frame.size() > longest_frame || frame.front() != soi ||
      frame.back() != eoi)
    return ReturnCode::format;
  const ByteView digits = frame.subspan(1, frame.size() - 2);
  if (digits.size() % 2 != 0 || !std::ranges::all_of(digits, is_digit)) return ReturnCode::format;
  const unsigned length = number(frame.subspan(length_at, 4));
  if (length != length_field(length & most_info)) return ReturnCode::length_checksum;
  if ((length & most_info) != frame.size() - shortest_frame) return ReturnCode::format;
  const ByteView between = digits.first(digits.size() - checksum_digits);
  return checksum(between) == number(digits.last(checksum_digits)) ? ReturnCode::ok
                                                                   : ReturnCode::checksum;
}

Decoded<AsciiFrame> decode_frame(ByteView frame) {
  switch (check(frame)) {
    case ReturnCode::ok:
      break;
    case ReturnCode::checksum:
      return fail(DecodeErrorKind::checksum, "CHKSUM is wrong");
    case ReturnCode::length_checksum:
      return fail(DecodeErrorKind::checksum, "LCHKSUM is wrong");
    case ReturnCode::version:
    case ReturnCode::command:
    case ReturnCode::format:
    case ReturnCode::data:
    case ReturnCode::address:
    case ReturnCode::internal:
      return fail(DecodeErrorKind::length,
                  std::to_string(frame.size()) + " bytes that are no frame");
  }
  const auto byte_at = [frame](std::size_t i) {
    return static_cast<std::uint8_t>(number(frame.subspan(i, 2)));
  };
  AsciiFrame out{byte_at(1), byte_at(3), byte_at(5), byte_at(7), {}};
  for (std::size_t i = info_at; i < frame.size() - 1 - checksum_digits; i += 2)
    put_u8(out.info, byte_at(i));
  return out;
}

Bytes encode_frame(const AsciiFrame& frame) {
  constexpr std::uint8_t set_limits = 0x94;
  constexpr std::uint8_t switch_off = 0x95;
  if (frame.cid2 == set_limits || frame.cid2 == switch_off) return {};
  if (2 * frame.info.size() > most_info) return {};
  Bytes fields;
  put_u8(fields, frame.version);
  put_u8(fields, frame.address);
  put_u8(fields, frame.cid1);
  put_u8(fields, frame.cid2);
  put_u16_be(fields, length_field(2 * frame.info.size()));
  fields.insert(fields.end(), frame.info.begin(), frame.info.end());
  const std::string between = to_hex(fields);
  Bytes sum;
  put_u16_be(sum, checksum(to_bytes(between)));
  return to_bytes("~" + between + to_hex(sum) + "\r");
}

std::vector<Bytes> FrameReader::feed(ByteView bytes) {
  std::vector<Bytes> out;
  for (const std::byte b : bytes) {
    if (b == soi) {
      if (!frame_.empty()) drop();
      skipping_ = false;
    } else if (frame_.empty() || frame_.size() == longest_frame) {
      drop();
      continue;
    }
    frame_.push_back(b);
    if (b == eoi) out.push_back(std::exchange(frame_, {}));
  }
  return out;
}

void FrameReader::reset() {
  frame_.clear();
  skipping_ = false;
}

void FrameReader::drop() {
  frame_.clear();
  if (!std::exchange(skipping_, true)) ++resyncs_;
}

}  // namespace esshub::protocol::pylontech_rs485
