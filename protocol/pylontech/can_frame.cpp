#include "protocol/pylontech/can_frame.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace esshub::protocol {
namespace {

// The kernel writes can_id in the machine's own order; all machines we build for are little-endian.
static_assert(std::endian::native == std::endian::little);

// reference: pylontech-can#8 (linux/can.h)
constexpr std::uint32_t extended_flag = 0x80000000u;
constexpr std::uint32_t remote_flag = 0x40000000u;
constexpr std::uint32_t error_flag = 0x20000000u;
constexpr std::uint32_t standard_mask = 0x7FFu;
constexpr std::uint32_t extended_mask = 0x1FFFFFFFu;

// Error classes and what byte 1 says of the controller (reference: pylontech-can#8;
// linux/can/error.h).
struct Named {
  std::uint32_t bits;
  std::string_view text;
};
constexpr std::array error_classes{
    Named{0x001, "transmit time-out"},  Named{0x002, "lost arbitration"},
    Named{0x008, "protocol violation"}, Named{0x010, "transceiver"},
    Named{0x020, "no acknowledgement"}, Named{0x040, "bus-off"},
    Named{0x080, "bus error"},          Named{0x100, "controller restarted"},
};
constexpr std::uint32_t class_controller = 0x004;
constexpr std::uint32_t class_no_acknowledgement = 0x020;
constexpr std::uint32_t class_bus_off = 0x040;
constexpr std::uint32_t class_restarted = 0x100;
constexpr std::uint32_t state_transmit_passive = 0x20;
constexpr std::uint32_t state_active = 0x40;
constexpr std::array controller_states{
    Named{0x03, "controller overflow"},
    Named{0x0C, "error warning level"},
    Named{0x30, "error passive"},
    Named{0x40, "error active again"},
};

std::uint32_t flagged_id(const CanFrame& frame) {
  return frame.id | (frame.extended ? extended_flag : 0u) | (frame.remote ? remote_flag : 0u) |
         (frame.error ? error_flag : 0u);
}

CanFrame from_flagged_id(std::uint32_t id) {
  CanFrame frame;
  frame.extended = (id & extended_flag) != 0;
  frame.remote = (id & remote_flag) != 0;
  frame.error = (id & error_flag) != 0;
  frame.id = id & (frame.extended || frame.error ? extended_mask : standard_mask);
  return frame;
}

/// Input shown in an error: printable and short, whatever came.
std::string shown(std::string_view text) {
  std::string out(text.substr(0, 40));
  for (char& c : out)
    if (c < ' ' || c > '~') c = '.';
  return out;
}

/// All of `text` as an unsigned number.
std::optional<std::uint32_t> number(std::string_view text, int base) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Decoded<CanFrame> with_id(std::string_view text) {
  const auto id = number(text, 16);
  if (!id || (text.size() != 3 && text.size() != 8))
    return fail(DecodeErrorKind::content, "not a CAN identifier: " + shown(text));
  if (text.size() == 3) {
    if (*id > standard_mask) return fail(DecodeErrorKind::content, "identifier over 7FF");
    return from_flagged_id(*id);
  }
  // 8 digits mean 29 bits, except that error frames carry their flag in the text.
  if (*id > (extended_mask | error_flag))
    return fail(DecodeErrorKind::content, "identifier over 1FFFFFFF");
  return from_flagged_id((*id & error_flag) != 0 ? *id : *id | extended_flag);
}

Decoded<CanFrame> with_data(CanFrame frame, const Bytes& data) {
  if (data.size() > frame.data.size())
    return fail(DecodeErrorKind::length, std::to_string(data.size()) + " data bytes, at most 8");
  std::copy(data.begin(), data.end(), frame.data.begin());
  frame.size = static_cast<std::uint8_t>(data.size());
  return frame;
}

/// `351#1402F401`, `351#R`, `351#R8`.
Decoded<CanFrame> parse_compact(std::string_view text) {
  const auto hash = text.find('#');
  auto frame = with_id(text.substr(0, hash));
  if (!frame) return frame;
  std::string_view rest = text.substr(hash + 1);
  if (rest.starts_with('#')) return fail(DecodeErrorKind::unsupported, "a CAN FD frame");
  if (rest.starts_with('R')) {
    frame->remote = true;
    rest.remove_prefix(1);
    const auto size = rest.empty() ? std::optional<std::uint32_t>{0u} : number(rest, 16);
    if (!size) return fail(DecodeErrorKind::content, "not a length: " + shown(rest));
    if (*size > 8) return fail(DecodeErrorKind::length, "length over 8");
    frame->size = static_cast<std::uint8_t>(*size);
    return frame;
  }
  std::string digits(rest);
  std::erase(digits, '.');  // cansend's optional separator
  const auto data = from_hex(digits);
  if (!data) return fail(DecodeErrorKind::content, "data is not pairs of hex digits");
  return with_data(*frame, *data);
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  std::size_t at = 0;
  while ((at = text.find_first_not_of(" \t\r\n", at)) != std::string_view::npos) {
    const auto end = std::min(text.find_first_of(" \t\r\n", at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end;
  }
  return out;
}

/// `351`, `[4]`, `14`, ... ; what follows the stated number of bytes is candump's decoration.
Decoded<CanFrame> parse_columns(std::string_view id, std::string_view size,
                                std::vector<std::string_view> data) {
  auto frame = with_id(id);
  if (!frame) return frame;
  const auto count = number(size.substr(1, size.size() - 2), 10);
  if (!count) return fail(DecodeErrorKind::content, "not a length: " + shown(size));
  if (*count > 8) return fail(DecodeErrorKind::length, "length over 8");
  if (!data.empty() && data.front() == "remote") {
    frame->remote = true;
    frame->size = static_cast<std::uint8_t>(*count);
    return frame;
  }
  if (data.size() < *count)
    return fail(DecodeErrorKind::length, "fewer data bytes than " + shown(size) + " states");
  Bytes bytes;
  for (std::size_t i = 0; i < *count; ++i) {
    const auto byte = from_hex(data[i]);
    if (!byte || byte->size() != 1)
      return fail(DecodeErrorKind::content, "not a hex byte: " + shown(data[i]));
    bytes.push_back(byte->front());
  }
  return with_data(*frame, bytes);
}

}  // namespace

CanFrame make_frame(std::uint32_t id, ByteView data) {
  CanFrame frame;
  frame.id = id;
  frame.size = static_cast<std::uint8_t>(std::min(data.size(), frame.data.size()));
  std::copy_n(data.begin(), frame.size, frame.data.begin());
  return frame;
}

Decoded<CanFrame> decode_record(ByteView record) {
  if (record.size() != can_record_size)
    return fail(DecodeErrorKind::length, "a record of " + std::to_string(record.size()) + " bytes");
  CanFrame frame = from_flagged_id(read_u32_le(record, 0));
  frame.size = read_u8(record, 4);
  if (frame.size > frame.data.size())
    return fail(DecodeErrorKind::content,
                "a length of " + std::to_string(frame.size) + ", at most 8");
  if (!frame.remote) std::copy_n(record.begin() + 8, frame.size, frame.data.begin());
  return frame;
}

Bytes encode_record(const CanFrame& frame) {
  Bytes out;
  out.reserve(can_record_size);
  put_u32_le(out, flagged_id(frame));
  put_u32_le(out, frame.size);  // length, then three bytes of padding
  out.insert(out.end(), frame.data.begin(), frame.data.end());
  return out;
}

Decoded<CanFrame> parse_candump(std::string_view line) {
  const auto parts = words(line);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].find('#') != std::string_view::npos) return parse_compact(parts[i]);
    if (i > 0 && parts[i].starts_with('[') && parts[i].ends_with(']'))
      return parse_columns(parts[i - 1], parts[i],
                           {parts.begin() + static_cast<long>(i) + 1, parts.end()});
  }
  return fail(DecodeErrorKind::content, "no CAN frame in this line");
}

std::string to_text(const CanFrame& frame) {
  const std::uint32_t id = frame.error ? frame.id | error_flag : frame.id;
  Bytes bytes;
  put_u32_be(bytes, id);
  std::string digits = to_hex(bytes);
  if (!frame.extended && !frame.error) digits.erase(0, 5);
  if (!frame.remote) return digits + "#" + to_hex(frame.payload());
  return digits + "#R" + (frame.size > 0 ? std::to_string(frame.size) : "");
}

std::string describe_error(const CanFrame& frame) {
  std::string out;
  const auto add = [&out](std::string_view text) {
    if (!out.empty()) out += ", ";
    out += text;
  };
  for (const auto& [bits, text] : error_classes)
    if ((frame.id & bits) != 0) add(text);
  if ((frame.id & class_controller) != 0) {
    const std::uint32_t state = u8(frame.data[1]);
    for (const auto& [bits, text] : controller_states)
      if ((state & bits) != 0) add(text);
    if (state == 0) add("controller trouble");
  }
  return out.empty() ? "unspecified" : out;
}

CanBusState bus_state(const CanFrame& frame) {
  if (!frame.error) return CanBusState::unchanged;
  const std::uint32_t state = (frame.id & class_controller) != 0 ? u8(frame.data[1]) : 0u;
  if ((frame.id & class_bus_off) != 0) return CanBusState::bus_off;
  // Alone, a controller retransmits until it is error passive, and stays there (ISO 11898-1: an
  // error-passive transmitter no longer counts missing acknowledgements); few report each one.
  if ((frame.id & class_no_acknowledgement) != 0 || (state & state_transmit_passive) != 0)
    return CanBusState::no_ack;
  if ((frame.id & class_restarted) != 0 || (state & state_active) != 0)
    return CanBusState::error_active;
  return CanBusState::unchanged;
}

}  // namespace esshub::protocol
