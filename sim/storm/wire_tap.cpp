#include "sim/storm/wire_tap.hpp"

#include <bit>
#include <span>
#include <string_view>

#include "model/bms.hpp"

namespace esshub::sim::storm {
namespace {

constexpr std::size_t longest_reply = 256;
constexpr std::size_t longest_line = 512;  // of lines whose ends were lost the last may be whole

std::uint8_t u8(std::byte b) {
  return std::to_integer<std::uint8_t>(b);
}

/// MODBUS's, bit by bit.
unsigned crc(std::span<const std::byte> bytes) {
  unsigned sum = 0xFFFF;
  for (const std::byte b : bytes) {
    sum ^= u8(b);
    for (int bit = 0; bit < 8; ++bit) sum = (sum & 1u) != 0 ? (sum >> 1) ^ 0xA001u : sum >> 1;
  }
  return sum;
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/// One byte in two digits; -1: no digits.
int hex_byte(std::string_view line, std::size_t at) {
  const int high = hex(line[at]);
  const int low = hex(line[at + 1]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

std::optional<CanWords> frame_of(std::string_view line) {
  if (line.size() < 5) return std::nullopt;
  CanWords frame;
  for (std::size_t i = 1; i < 4; ++i) {
    if (hex(line[i]) < 0) return std::nullopt;
    frame.id = frame.id * 16 + static_cast<unsigned>(hex(line[i]));
  }
  if (line[4] < '0' || line[4] > '8') return std::nullopt;
  frame.size = static_cast<std::size_t>(line[4] - '0');
  if (line.size() != 5 + 2 * frame.size) return std::nullopt;
  for (std::size_t i = 0; i < frame.size; ++i) {
    const int byte = hex_byte(line, 5 + 2 * i);
    if (byte < 0) return std::nullopt;
    frame.data[i] = static_cast<std::uint8_t>(byte);
  }
  return frame;
}

/// Two bytes of 0x359 (reference: pylontech-can#2.5) as BmsFlag bits; `system` is what bit 3 of the
/// second says.
std::uint32_t flags(const CanWords& frame, std::size_t first, BmsFlag system) {
  constexpr auto none = BmsFlag::unknown;
  const std::array<BmsFlag, 16> names{none,
                                      BmsFlag::high_voltage,
                                      BmsFlag::low_voltage,
                                      BmsFlag::high_temperature,
                                      BmsFlag::low_temperature,
                                      none,
                                      none,
                                      BmsFlag::high_discharge_current,
                                      BmsFlag::high_charge_current,
                                      none,
                                      none,
                                      system,
                                      none,
                                      none,
                                      none,
                                      none};
  std::uint32_t out = 0;
  for (std::size_t i = 0; i < names.size(); ++i)
    if ((frame.u16(first) >> i & 1u) != 0) out |= bit(names[i]);
  return out;
}

}  // namespace

std::uint32_t protections(const CanWords& frame) {
  return flags(frame, 0, BmsFlag::system);
}
std::uint32_t warnings(const CanWords& frame) {
  return flags(frame, 2, BmsFlag::internal_communication);
}

void WireTap::on_sent(Bus bus, protocol::ByteView bytes) {
  if (bus != Bus::meters || bytes.size() != 8) return;
  request_ =
      Request{u8(bytes[0]), u8(bytes[2]) * 256u + u8(bytes[3]), u8(bytes[4]) * 256u + u8(bytes[5])};
  meters_.clear();
}

void WireTap::on_received(Bus bus, protocol::ByteView bytes) {
  switch (bus) {
    case Bus::meters:
      meters_.insert(meters_.end(), bytes.begin(), bytes.end());
      if (meters_.size() > 2 * longest_reply) meters_.clear();
      find_reply();
      break;
    case Bus::battery:
      for (const std::byte b : bytes) {
        const char c = static_cast<char>(u8(b));
        if (c != '\r') {
          if (slcan_.size() <= longest_line) slcan_.push_back(c);
          continue;
        }
        on_line(slcan_);
        slcan_.clear();
      }
      break;
    case Bus::inverter:
      parser_.push(bytes);
      while (const auto frame = parser_.next(counters_)) {
        InterfaceFrame out{.command = {}, .bytes = protocol::mk3::encode(*frame)};
        if (frame->type == protocol::mk3::type_interface) {
          if (!frame->payload.empty()) out.command = static_cast<char>(u8(frame->payload.front()));
        } else {
          constexpr const char* digits = "0123456789ABCDEF";
          out.command = {digits[frame->type >> 4], digits[frame->type & 15]};
        }
        heard_.inverter(out);
      }
      break;
  }
}

void WireTap::find_reply() {
  if (!request_) return;
  const std::size_t size = 3 + 2 * request_->count + 2;
  for (std::size_t at = 0; at + size <= meters_.size(); ++at) {
    const auto frame = std::span(meters_).subspan(at, size);
    if (u8(frame[0]) != request_->unit || u8(frame[1]) > 4 || u8(frame[1]) < 3 ||
        u8(frame[2]) != 2 * request_->count)
      continue;
    const unsigned sum = u8(frame[size - 2]) | unsigned{u8(frame[size - 1])} << 8;
    if (sum != crc(frame.first(size - 2))) continue;
    MeterReply reply{.unit = request_->unit, .start = request_->start, .values = {}};
    for (std::size_t i = 3; i + 4 <= size - 2; i += 4) {
      std::uint32_t word = 0;
      for (std::size_t k = 0; k < 4; ++k) word = word << 8 | u8(frame[i + k]);
      reply.values.push_back(std::bit_cast<float>(word));
    }
    request_.reset();
    meters_.clear();
    heard_.meter(reply);
    return;
  }
}

/// `tIIIL` and L bytes in hexadecimal, behind whatever noise put before it.
void WireTap::on_line(const std::string& line) {
  for (auto at = line.find('t'); at != std::string::npos; at = line.find('t', at + 1))
    if (const auto frame = frame_of(std::string_view{line}.substr(at))) return heard_.bms(*frame);
}

}  // namespace esshub::sim::storm
