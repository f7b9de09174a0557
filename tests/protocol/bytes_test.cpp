#include "protocol/bytes.hpp"

#include <gtest/gtest.h>

#include <string>

namespace esshub::protocol {
namespace {

TEST(Bytes, EachReaderTakesItsBytesInItsOrder) {
  const Bytes b = from_hex("00 81 82 83 84 85").value();
  EXPECT_EQ(read_u8(b, 1), 0x81);
  EXPECT_EQ(read_u16_le(b, 1), 0x8281);
  EXPECT_EQ(read_u16_be(b, 1), 0x8182);
  EXPECT_EQ(read_s16_le(b, 1), -0x7D7F);
  EXPECT_EQ(read_u24_le(b, 1), 0x838281u);
  EXPECT_EQ(read_u32_le(b, 1), 0x84838281u);
  EXPECT_EQ(read_u32_be(b, 1), 0x81828384u);
  EXPECT_EQ(read_f32_be(from_hex("C3E46000").value(), 0), -456.75f);
}

TEST(Bytes, EachWriterAppendsItsBytesInItsOrder) {
  Bytes b;
  put_u8(b, 0x1FF);
  put_u16_le(b, 0x0102);
  put_u16_be(b, 0x0304);
  put_u24_le(b, 0x050607);
  put_u32_le(b, 0x08090A0B);
  put_u32_be(b, 0x0C0D0E0F);
  put_f32_be(b, -456.75f);
  EXPECT_EQ(to_hex(b),
            "FF"
            "0201"
            "0304"
            "070605"
            "0B0A0908"
            "0C0D0E0F"
            "C3E46000");
}

TEST(Bytes, EveryBitOfAWrittenWordArrives) {
  for (std::uint32_t bit = 1; bit != 0; bit <<= 1) {
    Bytes b;
    put_u16_le(b, bit);
    put_u16_be(b, bit);
    put_u24_le(b, bit);
    put_u32_le(b, bit);
    put_u32_be(b, bit);
    EXPECT_EQ(read_u16_le(b, 0), bit & 0xFFFFu);
    EXPECT_EQ(read_u16_be(b, 2), bit & 0xFFFFu);
    EXPECT_EQ(read_u24_le(b, 4), bit & 0xFFFFFFu);
    EXPECT_EQ(read_u32_le(b, 7), bit);
    EXPECT_EQ(read_u32_be(b, 11), bit);
    EXPECT_EQ(b.size(), 15u);
  }
}

/// Asserted; without assertions it reads 0.
TEST(BytesDeathTest, NothingIsReadPastTheEnd) {
  const Bytes b = from_hex("818283").value();
  const ByteView two = ByteView(b).first(2);
#ifdef NDEBUG
  EXPECT_EQ(read_u8(two, 2), 0);
#else
  EXPECT_DEATH((void)read_u8(two, 2), "i < b.size");
#endif
}

TEST(Bytes, HexIsReadInEveryFormAndNothingElseIs) {
  EXPECT_EQ(to_hex(from_hex("0123456789abcdefABCDEF").value()), "0123456789ABCDEFABCDEF");
  EXPECT_EQ(to_hex(from_hex(" 01:02\t03\r04 ").value()), "01020304");
  EXPECT_TRUE(from_hex("").value().empty());
  for (const std::string bad :
       {"0", "012", "0 1", "0:1", "0\t1", "0\r", "0g", "g0", "/0", ":0x", "@0", "`0", "0x1"})
    EXPECT_FALSE(from_hex(bad)) << bad;
  for (int c = 0; c < 128; ++c) {
    const std::string text{'0', static_cast<char>(c)};
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    EXPECT_EQ(from_hex(text).has_value(), digit) << c;
  }
  EXPECT_EQ(to_hex(to_bytes("t3~")), "74337E");
}

}  // namespace
}  // namespace esshub::protocol
