#include "protocol/vebus/mk3_frame.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace esshub::protocol::mk3 {
namespace {

constexpr std::size_t max_length = 39;  // type + 36 bytes of payload + 2 LED bytes
constexpr unsigned leds_appended = 0x80;

// reference: vebus-mk3#2. Type 0x00 (some MK2 at boot) is left out on purpose: with it every small
// number in front of a stray zero would look like a frame's head. That the interface has lost its
// settings is seen by the mode byte of its version broadcast.
constexpr std::array<std::uint8_t, 9> known_types{0xFF, 0x20, 0x41, 0x40, 0x21,
                                                  0x38, 0x3C, 0x3F, 0x3D};

bool known(std::uint8_t type) {
  return std::ranges::find(known_types, type) != known_types.end();
}

bool specially_summed(std::uint8_t type) {
  return type == 0x21 || type == 0x38 || type == 0x3D || type == 0x3F;
}

// `body`: from the length byte to the last one before the checksum (reference: vebus-mk3#2 rule 2).
std::uint8_t checksum(ByteView body) {
  unsigned sum = 0;
  for (const std::byte b : body) sum += u8(b);
  if (specially_summed(read_u8(body, 1))) {
    for (const std::size_t i : {1u, 3u, 5u}) {
      if (i >= body.size()) break;
      const unsigned b = u8(body[i]);
      sum += ((b << 4) | (b >> 4)) & 0xFFu;
    }
  }
  return static_cast<std::uint8_t>(0u - sum);
}

}  // namespace

Bytes encode(const Frame& frame) {
  const std::size_t length = 1 + frame.payload.size() + (frame.leds ? 2 : 0);
  assert(length <= max_length);
  Bytes out;
  out.reserve(length + 2);
  put_u8(out, static_cast<unsigned>(length) | (frame.leds ? leds_appended : 0u));
  put_u8(out, frame.type);
  out.insert(out.end(), frame.payload.begin(), frame.payload.end());
  if (frame.leds) {
    put_u8(out, frame.leds->on);
    put_u8(out, frame.leds->blink);
  }
  put_u8(out, checksum(out));
  return out;
}

Decoded<Frame> decode(ByteView bytes) {
  if (bytes.size() < 4) return fail(DecodeErrorKind::length, "a frame has at least 4 bytes");
  const bool leds = (read_u8(bytes, 0) & leds_appended) != 0;
  const std::size_t length = read_u8(bytes, 0) & 0x7Fu;
  if (length < (leds ? 4u : 2u) || length > max_length || bytes.size() != length + 2)
    return fail(DecodeErrorKind::length, "length byte says " + std::to_string(length + 2) +
                                             " bytes in all, there are " +
                                             std::to_string(bytes.size()));
  const std::uint8_t type = read_u8(bytes, 1);
  if (!known(type)) return fail(DecodeErrorKind::unsupported, "frame type " + std::to_string(type));
  const std::uint8_t expected = checksum(bytes.first(length + 1));
  if (read_u8(bytes, length + 1) != expected)
    return fail(DecodeErrorKind::checksum, "checksum is " + to_hex(bytes.last(1)) + ", expected " +
                                               to_hex(std::array{std::byte{expected}}));
  Frame frame{type, {}, {}};
  const std::size_t end = length + 1 - (leds ? 2 : 0);
  frame.payload.assign(bytes.begin() + 2, bytes.begin() + static_cast<std::ptrdiff_t>(end));
  if (leds) frame.leds = LedBytes{read_u8(bytes, end), read_u8(bytes, end + 1)};
  return frame;
}

void Parser::push(ByteView bytes) {
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  waiting_over_ = false;
}

std::optional<Frame> Parser::next(FrameCounters& counters) {
  while (!buffer_.empty()) {
    const std::size_t length = read_u8(buffer_, 0) & 0x7Fu;
    if (read_u8(buffer_, 0) ==
        0) {  // stray zero: no frame starts with it (reference: vebus-mk3#2 rule 4)
      buffer_.erase(buffer_.begin());
      continue;
    }
    const bool may_start =
        length >= 2 && length <= max_length && (buffer_.size() < 2 || known(read_u8(buffer_, 1)));
    if (!may_start) {
      skip_one(counters, FrameResult::resync);
      continue;
    }
    if (buffer_.size() < length + 2) {
      if (!waiting_over_) return std::nullopt;
      skip_one(counters, FrameResult::resync);
      continue;
    }
    auto frame = decode(ByteView{buffer_}.first(length + 2));
    if (!frame) {
      skip_one(counters, frame.error().kind == DecodeErrorKind::checksum ? FrameResult::checksum
                                                                         : FrameResult::resync);
      continue;
    }
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(length + 2));
    skipping_ = false;
    counters.add(FrameResult::ok);
    return std::move(*frame);
  }
  return std::nullopt;
}

void Parser::skip_one(FrameCounters& counters, FrameResult why) {
  if (!skipping_) counters.add(why);
  skipping_ = true;
  buffer_.erase(buffer_.begin());
}

void Parser::clear() {
  buffer_.clear();
  skipping_ = false;
}

}  // namespace esshub::protocol::mk3
