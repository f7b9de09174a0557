#include "protocol/modbus/rtu.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace esshub::protocol::modbus {
namespace {

constexpr std::size_t buffer_limit = 512;
constexpr std::size_t max_read = 125;   // registers in one response of at most 256 bytes
constexpr std::size_t max_write = 123;  // registers in one request of at most 256 bytes

bool legal_unit(std::uint8_t unit) {
  return unit >= 1 && unit <= 247;
}
bool is_read(std::uint8_t function) {
  return function == read_holding || function == read_input;
}

Bytes with_crc(Bytes frame) {
  put_u16_le(frame, crc16(frame));
  return frame;
}

std::string expected(std::string_view what, std::size_t found, std::size_t wanted) {
  return std::string(what) + " " + std::to_string(found) + ", expected " + std::to_string(wanted);
}

tl::unexpected<DecodeError> wrong_crc(ByteView frame) {
  return fail(DecodeErrorKind::checksum, "CRC of " + to_hex(frame) + " is wrong");
}

std::string describe(std::uint8_t code) {
  switch (static_cast<Exception>(code)) {
    case Exception::illegal_function:
      return "exception 1: illegal function";
    case Exception::illegal_address:
      return "exception 2: illegal register or number of registers";
    case Exception::illegal_value:
      return "exception 3: illegal value";
    case Exception::device_failure:
      return "exception 5: the device could not store the setting";
  }
  return "exception " + std::to_string(code);
}

// ---- shapes: what may stand at the front of a stream --------------------------------------------

enum class Fit : std::uint8_t { no, wait, damaged, yes };
struct Shape {
  Fit fit = Fit::no;
  std::size_t length = 0;
};

Shape of_length(ByteView bytes, std::size_t length) {
  if (bytes.size() < length) return {Fit::wait, length};
  return {crc_ok(bytes.first(length)) ? Fit::yes : Fit::damaged, length};
}

/// `offset` has not arrived yet, or holds `value`.
bool may_be(ByteView bytes, std::size_t offset, std::size_t value) {
  return bytes.size() <= offset || u8(bytes[offset]) == value;
}

// Of what begins with a legal unit and a function: see unasked_shape().

Shape request_shape(ByteView bytes) {
  const auto function = u8(bytes[1]);
  if (function == diagnostics) return of_length(bytes, request_size);
  if (!is_read(function) && function != write_registers) return {};
  if (bytes.size() < 6) return {Fit::wait};
  const std::size_t count = read_u16_be(bytes, 4);
  if (function == write_registers) {
    if (count < 1 || count > max_write || !may_be(bytes, 6, 2 * count)) return {};
    return of_length(bytes, 9 + 2 * count);
  }
  if (count < 1 || count > max_read) return {};
  return of_length(bytes, request_size);
}

/// What a slave hears: a function it does not know has the length of the short requests.
Shape slave_shape(ByteView bytes) {
  if (u8(bytes[1]) != write_registers) return of_length(bytes, request_size);
  if (bytes.size() < 7) return {Fit::wait};
  return of_length(bytes, 9u + u8(bytes[6]));
}

Shape exception_shape(ByteView bytes) {
  const auto function = u8(bytes[1]) & ~exception_bit;
  if (!(u8(bytes[1]) & exception_bit) || function == 0) return {};
  return of_length(bytes, exception_size);
}

/// A response whose request is not known.
Shape stray_response_shape(ByteView bytes) {
  const auto function = u8(bytes[1]);
  if (function == write_registers) return of_length(bytes, request_size);
  if (!is_read(function)) return {};
  if (bytes.size() < 3) return {Fit::wait};
  const std::size_t n = u8(bytes[2]);
  if (n == 0 || n % 2 != 0 || n > 2 * max_read) return {};
  return of_length(bytes, 5 + n);
}

/// A frame of this kind that answers no known request.
Shape unasked_shape(ScannedFrame::Kind kind, ByteView bytes, bool server) {
  if (!legal_unit(u8(bytes[0]))) return {};
  if (bytes.size() < 2) return {Fit::wait};
  if (kind == ScannedFrame::Kind::request) {
    return server ? slave_shape(bytes) : request_shape(bytes);
  }
  if (server) return {};
  return kind == ScannedFrame::Kind::exception ? exception_shape(bytes)
                                               : stray_response_shape(bytes);
}

/// The response to `request`, waited for in its full length.
Shape response_shape(ByteView bytes, const RtuRequest& request) {
  if (!may_be(bytes, 0, request.unit) || !may_be(bytes, 1, request.function)) return {};
  if (is_read(request.function)) {
    if (!may_be(bytes, 2, 2u * request.count)) return {};
  } else if (!may_be(bytes, 2, request.start >> 8) || !may_be(bytes, 3, request.start & 0xFFu) ||
             !may_be(bytes, 4, request.count >> 8) || !may_be(bytes, 5, request.count & 0xFFu)) {
    return {};
  }
  return of_length(bytes, response_size(request));
}

Shape expected_exception_shape(ByteView bytes, const RtuRequest& request) {
  const std::size_t function = request.function | exception_bit;
  if (!may_be(bytes, 0, request.unit) || !may_be(bytes, 1, function)) return {};
  return of_length(bytes, exception_size);
}

RtuRequest parse_request(ByteView frame) {
  RtuRequest request{.unit = u8(frame[0]),
                     .function = u8(frame[1]),
                     .start = read_u16_be(frame, 2),
                     .count = read_u16_be(frame, 4),
                     .data = {}};
  if (request.function == write_registers) {
    request.data.assign(frame.begin() + 7, frame.end() - 2);
  }
  return request;
}

}  // namespace

std::uint16_t crc16(ByteView bytes) {
  unsigned crc = 0xFFFFu;
  for (const std::byte b : bytes) {
    crc ^= u8(b);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1u) ? (crc >> 1) ^ 0xA001u : crc >> 1;
  }
  return static_cast<std::uint16_t>(crc);
}

bool crc_ok(ByteView frame) {
  if (frame.size() < 4) return false;
  return crc16(frame.first(frame.size() - 2)) == read_u16_le(frame, frame.size() - 2);
}

Bytes encode(const RtuRequest& request) {
  Bytes frame;
  frame.reserve(9 + request.data.size());
  put_u8(frame, request.unit);
  put_u8(frame, request.function);
  put_u16_be(frame, request.start);
  put_u16_be(frame, request.count);
  if (request.function == write_registers) {
    put_u8(frame, static_cast<unsigned>(request.data.size()));
    frame.insert(frame.end(), request.data.begin(), request.data.end());
  }
  return with_crc(std::move(frame));
}

Bytes encode_response(const RtuRequest& request, ByteView registers) {
  Bytes frame;
  put_u8(frame, request.unit);
  put_u8(frame, request.function);
  if (is_read(request.function)) {
    put_u8(frame, static_cast<unsigned>(registers.size()));
    frame.insert(frame.end(), registers.begin(), registers.end());
  } else {
    put_u16_be(frame, request.start);
    put_u16_be(frame, request.count);
  }
  return with_crc(std::move(frame));
}

Bytes encode_exception(std::uint8_t unit, std::uint8_t function, Exception code) {
  Bytes frame;
  put_u8(frame, unit);
  put_u8(frame, function | exception_bit);
  put_u8(frame, static_cast<unsigned>(code));
  return with_crc(std::move(frame));
}

std::size_t response_size(const RtuRequest& request) {
  return is_read(request.function) ? 5 + 2 * std::size_t{request.count} : request_size;
}

Decoded<RtuRequest> decode_request(ByteView frame) {
  if (frame.size() < request_size) {
    return fail(DecodeErrorKind::length, expected("bytes", frame.size(), request_size));
  }
  const auto function = u8(frame[1]);
  const std::size_t wanted =
      function == write_registers ? 9 + std::size_t{u8(frame[6])} : request_size;
  if (frame.size() != wanted) {
    return fail(DecodeErrorKind::length, expected("bytes", frame.size(), wanted));
  }
  if (!legal_unit(u8(frame[0]))) {
    return fail(DecodeErrorKind::address,
                "unit " + std::to_string(u8(frame[0])) + " is not 1 to 247");
  }
  if (!is_read(function) && function != diagnostics && function != write_registers) {
    return fail(DecodeErrorKind::function,
                "function " + std::to_string(function) + " is not known");
  }
  if (!crc_ok(frame)) return wrong_crc(frame);
  RtuRequest request = parse_request(frame);
  const std::size_t count = request.count;
  if ((is_read(function) && (count < 1 || count > max_read)) ||
      (function == write_registers &&
       (count < 1 || count > max_write || request.data.size() != 2 * count))) {
    return fail(DecodeErrorKind::content, "cannot be " + std::to_string(count) + " registers");
  }
  return request;
}

Decoded<ByteView> decode_response(ByteView frame, const RtuRequest& request) {
  const bool refused = frame.size() > 1 && (u8(frame[1]) & exception_bit);
  const std::size_t wanted = refused ? exception_size : response_size(request);
  if (frame.size() != wanted) {
    return fail(DecodeErrorKind::length, expected("bytes", frame.size(), wanted));
  }
  if (is_read(request.function) && !refused && u8(frame[2]) != 2 * request.count) {
    return fail(DecodeErrorKind::length, expected("byte count", u8(frame[2]), 2u * request.count));
  }
  if (u8(frame[0]) != request.unit) {
    return fail(DecodeErrorKind::address, expected("unit", u8(frame[0]), request.unit));
  }
  if ((u8(frame[1]) & ~exception_bit) != request.function) {
    return fail(DecodeErrorKind::function, expected("function", u8(frame[1]), request.function));
  }
  if (!crc_ok(frame)) return wrong_crc(frame);
  if (refused) return fail(DecodeErrorKind::exception, describe(u8(frame[2])));
  if (is_read(request.function)) return frame.subspan(3, 2 * std::size_t{request.count});
  if (read_u16_be(frame, 2) != request.start || read_u16_be(frame, 4) != request.count) {
    return fail(DecodeErrorKind::content, "the answer does not repeat the request");
  }
  return ByteView{};
}

bool is_response(ByteView frame, const RtuRequest& request) {
  const auto response = decode_response(frame, request);
  return response || response.error().kind == DecodeErrorKind::exception;
}

void FrameScanner::push(ByteView bytes, Instant at) {
  if (bytes.empty()) return;
  cut_ = false;
  chunks_.push_back({bytes.size(), at});
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  while (buffer_.size() > buffer_limit) skip_byte();
}

void FrameScanner::restart(std::optional<RtuRequest> request) {
  buffer_.clear();
  chunks_.clear();
  pending_ = std::move(request);
  skipping_ = false;
}

ScannedFrame FrameScanner::take(ScannedFrame::Kind kind, std::size_t length,
                                std::optional<RtuRequest> request) {
  const auto end = buffer_.begin() + static_cast<std::ptrdiff_t>(length);
  ScannedFrame frame{kind, Bytes(buffer_.begin(), end), std::move(request), arrival_of(length)};
  drop(length);
  skipping_ = false;
  return frame;
}

void FrameScanner::skip_byte() {
  drop(1);
  if (!skipping_) ++resyncs_;
  skipping_ = true;
  ++skipped_;
}

void FrameScanner::drop(std::size_t bytes) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(bytes));
  while (bytes > 0) {
    auto& chunk = chunks_.front();
    const std::size_t part = std::min(bytes, chunk.bytes);
    chunk.bytes -= part;
    bytes -= part;
    if (chunk.bytes == 0) chunks_.pop_front();
  }
}

/// When the first `bytes` of the buffer had arrived.
Instant FrameScanner::arrival_of(std::size_t bytes) const {
  for (const auto& chunk : chunks_) {
    if (bytes <= chunk.bytes) return chunk.at;
    bytes -= chunk.bytes;
  }
  return {};
}

std::optional<ScannedFrame> FrameScanner::next() {
  using Kind = ScannedFrame::Kind;
  while (!buffer_.empty()) {
    // The awaited answer first and in full: its first 8 bytes can be a valid request.
    Shape awaited;
    if (pending_) {
      for (const auto kind : {Kind::response, Kind::exception}) {
        const Shape shape = kind == Kind::response ? response_shape(buffer_, *pending_)
                                                   : expected_exception_shape(buffer_, *pending_);
        if (shape.fit == Fit::yes) return take(kind, shape.length, std::exchange(pending_, {}));
        if (shape.fit == Fit::wait && !cut_) return std::nullopt;
        if (shape.fit == Fit::damaged) awaited = shape;
      }
    }

    bool wait = false;
    for (const auto kind : {Kind::request, Kind::exception, Kind::response}) {
      const Shape shape = unasked_shape(kind, buffer_, role_ == Role::server);
      if (shape.fit == Fit::wait) wait = true;
      if (shape.fit != Fit::yes) continue;
      if (kind != Kind::request) return take(kind, shape.length, std::nullopt);
      RtuRequest request = parse_request(ByteView(buffer_).first(shape.length));
      if (role_ == Role::everything) pending_ = request;
      return take(kind, shape.length, std::move(request));
    }

    if (awaited.fit == Fit::damaged) {
      // One byte is skipped, not the whole: a valid frame may begin inside.
      const auto end = buffer_.begin() + static_cast<std::ptrdiff_t>(awaited.length);
      ScannedFrame frame{Kind::damaged, Bytes(buffer_.begin(), end), std::exchange(pending_, {}),
                         arrival_of(awaited.length)};
      skip_byte();
      return frame;
    }
    if (wait && !cut_) return std::nullopt;
    skip_byte();
  }
  return std::nullopt;
}

}  // namespace esshub::protocol::modbus
