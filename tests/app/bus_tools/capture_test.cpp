#include "app/bus_tools/capture.hpp"

#include <gtest/gtest.h>

namespace esshub::app {
namespace {

using namespace std::chrono_literals;
using protocol::Bytes;
using protocol::ByteView;
using protocol::read_u16_le;
using protocol::read_u32_be;
using protocol::read_u32_le;

constexpr WallTime noon{1700000000s + 123456789ns};

/// One block cut off the front: type and body, if the frame around them is right.
struct Block {
  std::uint32_t type = 0;
  Bytes body;
};
Block take_block(Bytes& file) {
  Block block;
  if (file.size() < 12) {
    ADD_FAILURE() << "no whole block left";
    return block;
  }
  const std::size_t length = read_u32_le(file, 4);
  EXPECT_EQ(length % 4, 0u);
  if (length < 12 || length > file.size()) {
    ADD_FAILURE() << "length " << length;
    return block;
  }
  EXPECT_EQ(read_u32_le(file, length - 4), length) << "both lengths must agree";
  const auto at = [&](std::size_t i) { return file.begin() + static_cast<std::ptrdiff_t>(i); };
  block = {read_u32_le(file, 0), Bytes(at(8), at(length - 4))};
  file.erase(file.begin(), at(length));
  return block;
}

/// The value of an option in a block's options, which begin at `offset`.
Bytes option(const Bytes& body, std::size_t offset, unsigned code) {
  while (offset + 4 <= body.size()) {
    const std::size_t length = read_u16_le(body, offset + 2);
    const auto begin = body.begin() + static_cast<std::ptrdiff_t>(offset + 4);
    if (read_u16_le(body, offset) == code)
      return {begin, begin + static_cast<std::ptrdiff_t>(length)};
    offset += 4 + (length + 3) / 4 * 4;
  }
  return {};
}

TEST(Pcapng, HeaderIsASectionWithOneRtacSerialInterface) {
  auto file = pcapng::header("program", "/dev/ttyUSB0");
  const auto section = take_block(file);
  EXPECT_EQ(section.type, 0x0A0D0D0Au);
  EXPECT_EQ(read_u32_le(section.body, 0), 0x1A2B3C4Du);
  EXPECT_EQ(read_u16_le(section.body, 4), 1);
  EXPECT_EQ(read_u16_le(section.body, 6), 0);
  EXPECT_EQ(option(section.body, 16, 4), protocol::to_bytes("program"));
  const auto interface = take_block(file);
  EXPECT_EQ(interface.type, 1u);
  EXPECT_EQ(read_u16_le(interface.body, 0), 250);
  EXPECT_EQ(option(interface.body, 8, 2), protocol::to_bytes("/dev/ttyUSB0"));
  EXPECT_EQ(option(interface.body, 8, 9), Bytes{std::byte{9}});
  EXPECT_TRUE(file.empty());
}

TEST(Pcapng, PacketKeepsTimeAndBytesWhateverTheirNumber) {
  for (const std::string_view text : {"", "a", "abc", "abcd", "abcdefghi"}) {
    const auto bytes = protocol::to_bytes(text);
    auto file = pcapng::packet(noon, bytes);
    const auto packet = take_block(file);
    EXPECT_TRUE(file.empty());
    EXPECT_EQ(packet.type, 6u);
    const auto ns = std::uint64_t{read_u32_le(packet.body, 4)} << 32 | read_u32_le(packet.body, 8);
    EXPECT_EQ(ns, 1700000000123456789u);
    ASSERT_EQ(read_u32_le(packet.body, 12), bytes.size() + 12);
    EXPECT_EQ(read_u32_le(packet.body, 16), bytes.size() + 12);
    const auto data = ByteView{packet.body}.subspan(20, bytes.size() + 12);
    EXPECT_EQ(read_u32_be(data, 0), 1700000000u);
    EXPECT_EQ(read_u32_be(data, 4), 123456u);
    EXPECT_EQ(data[8], std::byte{2}) << "DATA_RX_START";
    EXPECT_EQ(Bytes(data.begin() + 12, data.end()), bytes);
  }
}

TEST(Candump, LineIsReadBackByTheDecoder) {
  const auto frame = protocol::make_frame(0x351, *protocol::from_hex("1402F401"));
  const auto line = candump_line(noon, "can0", frame);
  EXPECT_EQ(line, "(1700000000.123456) can0 351#1402F401\n");
  EXPECT_EQ(protocol::parse_candump(line.substr(0, line.size() - 1)), frame);
}

}  // namespace
}  // namespace esshub::app
