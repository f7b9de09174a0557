#include "tests/app/bus_tools/tried_listener.hpp"

namespace esshub::app {
namespace {

TEST(CanListener, SlcanAndSocketCanTellTheSame) {
  const auto frame = protocol::make_frame(0x355, *protocol::from_hex("54006300"));
  TriedListener slcan{SniffKind::slcan};
  TriedListener can{SniffKind::can};
  slcan.hear(protocol::to_bytes("t355454"), 0ms);
  slcan.hear(protocol::to_bytes("006300\r"), 5ms);
  can.hear(protocol::encode_record(frame), 5ms);
  for (const auto* ear : {&slcan, &can}) {
    ASSERT_THAT(ear->outcomes(), testing::ElementsAre(Outcome::ok));
    EXPECT_EQ(ear->heard.transactions[0].who, "0x355");
    EXPECT_EQ(ear->heard.transactions[0].fields["soc_percent"], 84);
    ASSERT_EQ(ear->heard.can_packets.size(), 1u);
    EXPECT_EQ(ear->heard.can_packets[0].frame, frame);
    EXPECT_EQ(ear->heard.can_packets[0].at, start + 5ms);
  }
}

TEST(CanListener, WhatIsNoFrameIsAnErrorOfTheLine) {
  TriedListener slcan{SniffKind::slcan};
  slcan.hear(protocol::to_bytes("t3559zz\r\rz\r"), 0ms);
  ASSERT_THAT(slcan.outcomes(), testing::ElementsAre(Outcome::error));
  EXPECT_EQ(slcan.heard.transactions[0].who, "line");
  EXPECT_TRUE(slcan.heard.can_packets.empty());
}

TEST(CanListener, ImpossibleValuesAndBusTroubleAreErrors) {
  TriedListener can{SniffKind::can};
  can.hear(protocol::encode_record(
               protocol::make_frame(0x355, *protocol::from_hex("C8006300"))),  // 200 %
           0ms);
  protocol::CanFrame off{.id = 0x40, .error = true, .size = 8};
  can.hear(protocol::encode_record(off), 1ms);
  ASSERT_THAT(can.outcomes(), testing::ElementsAre(Outcome::error, Outcome::error));
  EXPECT_EQ(can.heard.transactions[1].who, "bus");
}

}  // namespace
}  // namespace esshub::app
