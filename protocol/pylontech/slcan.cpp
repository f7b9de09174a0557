#include "protocol/pylontech/slcan.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace esshub::protocol {
namespace {

constexpr char cr = '\r';
constexpr char bel = '\a';
constexpr std::uint32_t time_stamp_wrap = 60000;  // milliseconds

// LAWICEL's meaning of the status bits, bit 0 first (reference: pylontech-can#7).
constexpr std::array<std::string_view, 8> status_names{
    "receive queue full", "transmit queue full", "error warning", "data overrun", "bit 4",
    "error passive",      "arbitration lost",    "bus error"};

/// All of `text` as hex digits.
std::optional<std::uint32_t> hex(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Characters of its line without time stamp and CR.
std::size_t unstamped_size(const CanFrame& frame) {
  const std::size_t head = frame.extended ? 10 : 5;
  return frame.remote ? head : head + 2u * frame.size;
}

SlcanItem item(std::string_view line) {
  if (line.empty()) return SlcanResponse::accepted;
  if (line == "z" || line == "Z") return SlcanResponse::transmitted;
  switch (line.front()) {
    case 'V':
    case 'v':
    case 'N':
      return SlcanResponse::information;
    case 'F':
      if (const auto bits = hex(line.substr(1)); bits && line.size() == 3)
        return SlcanStatus{static_cast<std::uint8_t>(*bits)};
      return DecodeError{DecodeErrorKind::content, "a status that is not two hex digits"};
    default:
      break;
  }
  auto frame = parse_slcan(line);
  if (!frame) return std::move(frame.error());
  return *frame;
}

}  // namespace

Bytes encode_slcan(const CanFrame& frame) {
  Bytes id;
  put_u32_be(id, frame.id);
  std::string digits = to_hex(id);
  if (!frame.extended) digits.erase(0, 5);
  const char letter = frame.remote ? (frame.extended ? 'R' : 'r') : (frame.extended ? 'T' : 't');
  return to_bytes(letter + digits + std::to_string(frame.size) + to_hex(frame.payload()) + cr);
}

Decoded<CanFrame> parse_slcan(std::string_view line) {
  const char letter = line.empty() ? '\0' : line.front();
  CanFrame frame;
  frame.extended = letter == 'T' || letter == 'R';
  frame.remote = letter == 'r' || letter == 'R';
  if (!frame.extended && !frame.remote && letter != 't')
    return fail(DecodeErrorKind::unsupported, "a line that is no frame");

  const std::size_t id_digits = frame.extended ? 8 : 3;
  const std::size_t head = 1 + id_digits + 1;
  if (line.size() < head) return fail(DecodeErrorKind::length, "a frame line cut short");
  const auto id = hex(line.substr(1, id_digits));
  const auto size = hex(line.substr(1 + id_digits, 1));
  if (!id || *id > (frame.extended ? 0x1FFFFFFFu : 0x7FFu))
    return fail(DecodeErrorKind::content, "not a CAN identifier");
  if (!size || *size > 8) return fail(DecodeErrorKind::content, "length over 8");
  frame.id = *id;
  frame.size = static_cast<std::uint8_t>(*size);

  const std::size_t data_digits = frame.remote ? 0 : 2u * frame.size;
  const std::string_view rest = line.substr(head);
  if (rest.size() != data_digits && rest.size() != data_digits + 4)
    return fail(DecodeErrorKind::length,
                "a frame line longer or shorter than its length digit states");
  for (std::size_t i = 0; i < data_digits; i += 2) {
    const auto byte = hex(rest.substr(i, 2));
    if (!byte) return fail(DecodeErrorKind::content, "data is not hex");
    frame.data[i / 2] = static_cast<std::byte>(*byte);
  }
  if (rest.size() > data_digits) {
    const auto stamp = hex(rest.substr(data_digits));
    if (!stamp || *stamp >= time_stamp_wrap)
      return fail(DecodeErrorKind::content, "not a time stamp of 0 to 59999 ms");
  }
  return frame;
}

std::vector<SlcanItem> SlcanReader::feed(ByteView bytes) {
  std::vector<SlcanItem> out;
  for (const std::byte b : bytes) {
    const char c = static_cast<char>(u8(b));
    if (c != cr && c != bel) {
      if (line_.size() < longest_line) {
        line_.push_back(c);
      } else {
        too_long_ = true;
      }
      continue;
    }
    if (too_long_) {
      out.emplace_back(DecodeError{DecodeErrorKind::length, "a line of more than 32 characters"});
    } else if (c == cr) {
      out.push_back(whole_line());
    } else if (!line_.empty()) {
      out.emplace_back(DecodeError{DecodeErrorKind::length, "a line cut short by BEL"});
    }
    if (c == bel) out.emplace_back(SlcanResponse::refused);
    reset();
  }
  return out;
}

SlcanItem SlcanReader::whole_line() {
  SlcanItem out = item(line_);
  const auto* const frame = std::get_if<CanFrame>(&out);
  if (frame == nullptr) return out;
  const bool stamped = line_.size() != unstamped_size(*frame);
  other_way_ = stamped != stamped_ && !other_way_;
  if (other_way_)
    return DecodeError{DecodeErrorKind::length, "a time stamp, or none, unlike before"};
  stamped_ = stamped;
  return out;
}

void SlcanReader::reset() {
  line_.clear();
  too_long_ = false;
}

Bytes slcan_status_request() {
  return to_bytes("F\r");
}

std::string describe(SlcanStatus status) {
  std::string names;
  for (std::size_t i = 0; i < status_names.size(); ++i) {
    if ((status.bits >> i & 1u) == 0) continue;
    names += names.empty() ? " (LAWICEL: " : ", ";
    names += status_names[i];
  }
  const std::byte bits{status.bits};
  return "F" + to_hex({&bits, 1}) + names + (names.empty() ? "" : ")");
}

Bytes SlcanOpening::command(std::size_t index) const {
  // The first CR ends whatever a crash left half-sent, so that C is not taken for its tail.
  if (index == 0) return to_bytes("\rC\r");
  if (index == 1) return to_bytes("S6\r");
  return to_bytes(mode_ == SlcanMode::listen_only ? "L\r" : "O\r");
}

Bytes SlcanOpening::start(Instant now, SlcanMode mode) {
  mode_ = mode;
  next_ = 1;
  deadline_ = now + response_timeout;
  return command(0);
}

std::optional<Bytes> SlcanOpening::on_response(Instant now) {
  if (done()) return std::nullopt;
  if (next_ == commands) {
    deadline_.reset();
    return std::nullopt;
  }
  deadline_ = now + response_timeout;
  return command(next_++);
}

std::optional<Bytes> SlcanOpening::on_timer(Instant now) {
  if (done() || now < *deadline_) return std::nullopt;
  return on_response(now);
}

}  // namespace esshub::protocol
