#include <gtest/gtest.h>

#include "tests/protocol/vebus/hand.hpp"

namespace esshub::protocol::vebus {
namespace {

TEST(VebusDriverWire, LateAnswersAreDroppedAndCounted) {
  Hand hand;
  hand.make_ready();
  hand.command(-100.0);
  hand.answer();
  const auto lost = std::get<Winmon>(hand.last());
  ASSERT_EQ(lost.code, Code::write_by_id);
  hand.wait(600ms);
  hand.give(Winmon{lost.letter, Code::ram_written, {}});
  EXPECT_FALSE(hand.sample(Point::inverter, Measure::setpoint));
  EXPECT_EQ(hand.health().frames[FrameResult::late], 1u);
  EXPECT_EQ(hand.words_written().size(), 2u);  // written again, still alive
}

TEST(VebusDriverWire, OneRequestAtATime) {
  Hand hand;
  hand.make_ready();
  const auto before = hand.sent.size();
  for (int i = 0; i < 20; ++i) {
    hand.command(-100.0 - i);
    hand.give(Version{good_version, 0}, 5ms);
    hand.give(Forwarded{0x38, Bytes(4, std::byte{9})}, 5ms);
  }
  EXPECT_EQ(hand.sent.size(), before);
}

}  // namespace
}  // namespace esshub::protocol::vebus
