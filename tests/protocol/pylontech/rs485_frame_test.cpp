#include "protocol/pylontech/rs485_frame.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocol/pylontech/rs485_messages.hpp"
#include "tests/protocol/pylontech/text.hpp"

namespace esshub::protocol::pylontech_rs485 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Rs485Frame, TheLengthChecksumStaysOneNibble) {
  // The nibbles of 0x088 sum to 16: (~sum & 15) + 1 would be 0x10.
  EXPECT_EQ(text(encode_frame({.info = Bytes(8)})).substr(9, 4), "F010");
  for (std::size_t n = 0; n <= most_info / 2; ++n) {
    const Bytes frame = encode_frame({.info = Bytes(n)});
    ASSERT_EQ(frame.size(), shortest_frame + 2 * n);
    ASSERT_EQ(check(frame), ReturnCode::ok) << n;
  }
  EXPECT_EQ(text(encode_frame({.info = Bytes(0x88 / 2)})).substr(9, 4), "0088");
}

TEST(Rs485Frame, DamageIsNamedAsADeviceWouldNameIt) {
  const Bytes good = encode({CommandCode::analog, 2});
  EXPECT_EQ(check(good), ReturnCode::ok);
  EXPECT_EQ(check(to_bytes("~20024642E00202FD34\r")), ReturnCode::checksum);
  EXPECT_EQ(check(to_bytes("~20024642D00202FD34\r")), ReturnCode::length_checksum);
  EXPECT_EQ(check(to_bytes("~20024642C00402FD33\r")), ReturnCode::format) << "4 digits, 2 sent";
  EXPECT_EQ(check(to_bytes("~20024642F00102FD33\r")), ReturnCode::format) << "1 digit, 2 sent";
  EXPECT_EQ(check(to_bytes("~20024642e00202FD13\r")), ReturnCode::format) << "lower case";
  EXPECT_EQ(check(to_bytes("~20024642E00202FD33\n")), ReturnCode::format);
  EXPECT_EQ(check({}), ReturnCode::format);
}

TEST(Rs485Frame, MoreThanLengthCanStateIsNotEncoded) {
  EXPECT_THAT(encode_frame({.info = Bytes(0x800)}), IsEmpty());
}

TEST(Rs485Frame, CommandsThatSwitchOffOrSetLimitsCannotBeEncoded) {
  for (unsigned value = 0; value < 256; ++value) {
    for (const bool whole_stack : {false, true}) {
      const Bytes request = encode({static_cast<CommandCode>(value), 2, whole_stack});
      ASSERT_EQ(request.empty(), value >= enum_count<CommandCode>) << value;
      if (request.empty()) continue;
      const auto cid2 = decode_frame(request).value().cid2;
      EXPECT_TRUE(cid2 != 0x94 && cid2 != 0x95);
    }
    const Bytes any = encode_frame({.cid2 = static_cast<std::uint8_t>(value), .info = {}});
    EXPECT_EQ(any.empty(), value == 0x94 || value == 0x95) << value;
  }
}

std::vector<std::string> found(FrameReader& reader, std::string_view bytes) {
  std::vector<std::string> out;
  for (const auto& frame : reader.feed(to_bytes(bytes))) out.push_back(text(frame));
  return out;
}

TEST(Rs485Reader, SkipsNoiseAndCountsItsRuns) {
  FrameReader reader;
  EXPECT_THAT(found(reader, "\r\nxx~20\r"), ElementsAre("~20\r"));
  EXPECT_EQ(reader.resyncs(), 1u);
  EXPECT_THAT(found(reader, "\n~21\r"), ElementsAre("~21\r"));
  EXPECT_EQ(reader.resyncs(), 2u);
}

TEST(Rs485Reader, ABeginningCutsOffWhatCameBefore) {
  FrameReader reader;
  EXPECT_THAT(found(reader, "~2002460~~21\r"), ElementsAre("~21\r"));
  EXPECT_EQ(reader.resyncs(), 2u);
}

TEST(Rs485Reader, AnEndlessFrameIsDropped) {
  FrameReader reader;
  EXPECT_THAT(found(reader, "~" + std::string(10 * longest_frame, '0') + "\r"), IsEmpty());
  EXPECT_EQ(reader.resyncs(), 1u);
  EXPECT_THAT(found(reader, "~" + std::string(longest_frame - 2, '0') + "\r~1\r"),
              testing::SizeIs(2));
}

TEST(Rs485Reader, ResetForgetsTheHalf) {
  FrameReader reader;
  EXPECT_THAT(found(reader, "~20"), IsEmpty());
  reader.reset();
  EXPECT_THAT(found(reader, "024642\r"), IsEmpty());
}

}  // namespace
}  // namespace esshub::protocol::pylontech_rs485
