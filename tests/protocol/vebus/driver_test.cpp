#include <gtest/gtest.h>

#include <array>
#include <random>

#include "tests/protocol/vebus/hand.hpp"

namespace esshub::protocol::vebus {
namespace {

TEST(VebusDriverWire, ThreeUnansweredRequestsMeanSilenceWithinThreeSeconds) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  hand.wait(3s);
  EXPECT_FALSE(hand.health().ready);
  EXPECT_EQ(hand.health().faults, FaultFlags{Fault::inverter_lost});
  EXPECT_TRUE(hand.said("inverter_silent"));
  for (int i = 0; i < 60 && !hand.health().ready; ++i)
    if (!hand.answer()) hand.wait(500ms);
  EXPECT_TRUE(hand.said("inverter_back"));
  EXPECT_TRUE(hand.words_written().empty());
}

TEST(VebusDriverWire, AnInterfaceThatForgotItsAddressIsSetUpAgain) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  hand.command(-100.0, InverterMode::follow, 1h);
  hand.give(Version{good_version, 'B'});
  EXPECT_FALSE(hand.health().ready);
  EXPECT_TRUE(hand.said("interface_reset"));
  hand.wait(300ms);
  hand.sent.erase(hand.sent.begin(), hand.sent.end() - 1);
  for (int i = 0; i < 60; ++i) hand.answer();
  EXPECT_TRUE(hand.health().ready);
  EXPECT_TRUE(hand.words_written().empty());
}

TEST(VebusDriverWire, RoundTripsAndTheTimeOfTheBytesAreCounted) {
  Hand hand;
  hand.start();
  const auto asked = hand.health().wire_busy;
  EXPECT_EQ(asked, 4 * mk3::byte_time);
  hand.answer(80ms);
  EXPECT_EQ(hand.health().round_trip.count(), 1u);
  EXPECT_DOUBLE_EQ(hand.health().round_trip.sum_seconds, 0.08);
  EXPECT_EQ(hand.health().wire_busy - asked, (9 + 6) * mk3::byte_time);  // version; address
}

TEST(VebusDriverWire, NothingIsAskedOfALineThatIsDown) {
  Hand hand;
  hand.make_ready();
  hand.down();
  const auto before = hand.sent.size();
  hand.command(-100.0);
  hand.wait(1s);
  hand.give(Version{good_version, 0});
  EXPECT_EQ(hand.sent.size(), before);
  EXPECT_FALSE(hand.health().ready);
}

TEST(VebusDriverWire, RandomBytesAndFramesNeverCrashNorReachTheSetpoint) {
  std::mt19937 random{11};
  const auto draw = [&](unsigned n) { return static_cast<unsigned>(random()) % n; };
  for (int round = 0; round < 20; ++round) {
    Hand hand;
    hand.start();
    for (int i = 0; i < 300; ++i) {
      Bytes bytes;
      if (draw(3) == 0) {
        for (unsigned n = draw(20); n > 0; --n) put_u8(bytes, draw(256));
      } else {
        constexpr std::array<std::uint8_t, 4> types{0xFF, 0x20, 0x41, 0x38};
        constexpr std::string_view letters = "VALFSHRWXYZXYZ";
        mk3::Frame frame{types[draw(4)], {}, {}};
        put_u8(frame.payload, static_cast<unsigned>(letters[draw(letters.size())]));
        put_u8(frame.payload, 0x80 + draw(0x20));
        for (unsigned n = draw(16); n > 0; --n) put_u8(frame.payload, draw(256));
        bytes = mk3::encode(frame);
      }
      hand.now += 1ms * draw(400);
      hand.bytes(bytes);
      if (draw(4) == 0) hand.answer();
      if (draw(4) == 0) hand.wait(1ms * draw(1500));
      hand.command(0.0, InverterMode::release);
    }
    EXPECT_TRUE(hand.words_written().empty());
  }
}

}  // namespace
}  // namespace esshub::protocol::vebus
