#include "app/bus_tools/capture.hpp"

#include <fmt/format.h>

namespace esshub::app {
namespace pcapng {
namespace {

using protocol::Bytes;
using protocol::ByteView;
using protocol::put_u16_be;
using protocol::put_u16_le;
using protocol::put_u32_be;
using protocol::put_u32_le;
using protocol::put_u8;

// draft-ietf-opsawg-pcapng, section 4: blocks and options are little-endian here, as the byte-order
// magic says, and padded to 32 bits.
constexpr std::uint32_t section_header = 0x0A0D0D0A;
constexpr std::uint32_t interface_description = 1;
constexpr std::uint32_t enhanced_packet = 6;
constexpr std::uint32_t byte_order_magic = 0x1A2B3C4D;
constexpr std::uint16_t option_end = 0;
constexpr std::uint16_t option_interface_name = 2;
constexpr std::uint16_t option_program = 4;
constexpr std::uint16_t option_time_resolution = 9;

constexpr std::uint8_t data_rx_start = 2;  // packet-rtacser.c

void put(Bytes& out, ByteView bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
  while (out.size() % 4 != 0) put_u8(out, 0);
}

void put_option(Bytes& out, std::uint16_t code, ByteView value) {
  put_u16_le(out, code);
  put_u16_le(out, static_cast<unsigned>(value.size()));
  put(out, value);
}

Bytes block(std::uint32_t type, const Bytes& body) {
  Bytes out;
  const auto length = static_cast<std::uint32_t>(body.size() + 12);
  put_u32_le(out, type);
  put_u32_le(out, length);
  put(out, body);
  put_u32_le(out, length);
  return out;
}

}  // namespace

Bytes header(std::string_view program, std::string_view interface) {
  Bytes section;
  put_u32_le(section, byte_order_magic);
  put_u16_le(section, 1);  // version 1.0
  put_u16_le(section, 0);
  put_u32_le(section, 0xFFFFFFFF);  // length of the section: not given
  put_u32_le(section, 0xFFFFFFFF);
  put_option(section, option_program, protocol::to_bytes(program));
  put_option(section, option_end, {});

  Bytes description;
  put_u16_le(description, link_type);
  put_u16_le(description, 0);
  put_u32_le(description, 0);  // no limit of the packet length
  put_option(description, option_interface_name, protocol::to_bytes(interface));
  put_option(description, option_time_resolution, Bytes{std::byte{9}});  // 10^-9 s
  put_option(description, option_end, {});

  Bytes out = block(section_header, section);
  put(out, block(interface_description, description));
  return out;
}

Bytes packet(WallTime at, ByteView bytes) {
  const auto ns = static_cast<std::uint64_t>(at.time_since_epoch().count());
  Bytes data;
  put_u32_be(data, static_cast<std::uint32_t>(ns / 1'000'000'000));
  put_u32_be(data, static_cast<std::uint32_t>(ns % 1'000'000'000 / 1000));
  put_u8(data, data_rx_start);
  put_u8(data, 0);
  put_u16_be(data, 0);
  data.insert(data.end(), bytes.begin(), bytes.end());

  Bytes body;
  put_u32_le(body, 0);  // the first interface
  put_u32_le(body, static_cast<std::uint32_t>(ns >> 32));
  put_u32_le(body, static_cast<std::uint32_t>(ns));
  put_u32_le(body, static_cast<std::uint32_t>(data.size()));
  put_u32_le(body, static_cast<std::uint32_t>(data.size()));
  put(body, data);
  return block(enhanced_packet, body);
}

}  // namespace pcapng

std::string candump_line(WallTime at, std::string_view interface, const protocol::CanFrame& frame) {
  const auto us =
      std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count();
  return fmt::format("({}.{:06}) {} {}\n", us / 1'000'000, us % 1'000'000, interface,
                     protocol::to_text(frame));
}

}  // namespace esshub::app
