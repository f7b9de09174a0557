// Bounds-checked reading and writing of wire bytes; the byte order is in the name.
#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace esshub::protocol {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

[[nodiscard]] constexpr std::uint8_t u8(std::byte b) {
  return std::to_integer<std::uint8_t>(b);
}

// Readers: a codec checks the length first; reading past the end is its error (asserted, reads
// 0).
[[nodiscard]] constexpr std::uint8_t read_u8(ByteView b, std::size_t i) {
  assert(i < b.size());
  return i < b.size() ? u8(b[i]) : std::uint8_t{0};
}
[[nodiscard]] constexpr std::uint16_t read_u16_le(ByteView b, std::size_t i) {
  return static_cast<std::uint16_t>(read_u8(b, i) | (read_u8(b, i + 1) << 8));
}
[[nodiscard]] constexpr std::uint16_t read_u16_be(ByteView b, std::size_t i) {
  return static_cast<std::uint16_t>((read_u8(b, i) << 8) | read_u8(b, i + 1));
}
[[nodiscard]] constexpr std::int16_t read_s16_le(ByteView b, std::size_t i) {
  return static_cast<std::int16_t>(read_u16_le(b, i));
}
[[nodiscard]] constexpr std::uint32_t read_u24_le(ByteView b, std::size_t i) {
  return static_cast<std::uint32_t>(read_u16_le(b, i)) |
         (static_cast<std::uint32_t>(read_u8(b, i + 2)) << 16);
}
[[nodiscard]] constexpr std::uint32_t read_u32_le(ByteView b, std::size_t i) {
  return static_cast<std::uint32_t>(read_u16_le(b, i)) |
         (static_cast<std::uint32_t>(read_u16_le(b, i + 2)) << 16);
}
[[nodiscard]] constexpr std::uint32_t read_u32_be(ByteView b, std::size_t i) {
  return (static_cast<std::uint32_t>(read_u16_be(b, i)) << 16) |
         static_cast<std::uint32_t>(read_u16_be(b, i + 2));
}
[[nodiscard]] constexpr float read_f32_be(ByteView b, std::size_t i) {
  return std::bit_cast<float>(read_u32_be(b, i));
}

// Writers append.
inline void put_u8(Bytes& out, unsigned value) {
  out.push_back(static_cast<std::byte>(value));
}
inline void put_u16_le(Bytes& out, unsigned value) {
  put_u8(out, value & 0xFFu);
  put_u8(out, (value >> 8) & 0xFFu);
}
inline void put_u16_be(Bytes& out, unsigned value) {
  put_u8(out, (value >> 8) & 0xFFu);
  put_u8(out, value & 0xFFu);
}
inline void put_u24_le(Bytes& out, std::uint32_t value) {
  put_u16_le(out, value & 0xFFFFu);
  put_u8(out, (value >> 16) & 0xFFu);
}
inline void put_u32_le(Bytes& out, std::uint32_t value) {
  put_u16_le(out, value & 0xFFFFu);
  put_u16_le(out, (value >> 16) & 0xFFFFu);
}
inline void put_u32_be(Bytes& out, std::uint32_t value) {
  put_u16_be(out, (value >> 16) & 0xFFFFu);
  put_u16_be(out, value & 0xFFFFu);
}
inline void put_f32_be(Bytes& out, float value) {
  put_u32_be(out, std::bit_cast<std::uint32_t>(value));
}

/// "01 04 0A"-style or "01040a"-style text to bytes; spaces and colons are skipped. nullopt on
/// anything else.
[[nodiscard]] std::optional<Bytes> from_hex(std::string_view text);
/// Upper-case hex without spaces.
[[nodiscard]] std::string to_hex(ByteView bytes);
/// Text bytes (SLCAN, test strings).
[[nodiscard]] Bytes to_bytes(std::string_view text);

}  // namespace esshub::protocol
