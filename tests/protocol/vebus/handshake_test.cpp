#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/protocol/vebus/hand.hpp"

namespace esshub::protocol::vebus {
namespace {

TEST(VebusDriverHandshake, AsksInOrderAndCommandsNothing) {
  Hand hand;
  hand.make_ready();
  ASSERT_GE(hand.sent.size(), 16u);
  EXPECT_TRUE(std::holds_alternative<VersionRequest>(hand.sent[0]));
  EXPECT_EQ(std::get<Address>(hand.sent[1]), (Address{true, 0}));
  const auto set = std::get<StateSet>(hand.sent[2]);
  EXPECT_EQ(set.flags, StateSet::new_format | StateSet::settings_only);
  EXPECT_EQ(set.limit, StateSet::keep_limit);
  EXPECT_EQ(set.ext0, StateSet::long_replies);
  EXPECT_EQ(std::get<HardwareFlags>(hand.sent[3]).flags, 0x07);
  EXPECT_TRUE(hand.words_written().empty());
  EXPECT_TRUE(hand.said("mk3_found"));
  EXPECT_TRUE(hand.said("ess_found"));
  EXPECT_EQ(hand.health().trouble, "");
  EXPECT_FALSE(hand.health().faults.any());
}

TEST(VebusDriverHandshake, TakesScalesInTwoFrames) {
  Hand hand;
  hand.split = true;
  hand.make_ready();
  hand.settle();
  EXPECT_DOUBLE_EQ(hand.value(Point::inverter, Measure::dc_voltage), 50.0);
}

TEST(VebusDriverHandshake, GoesOnWithoutHardwareFlags) {
  Hand hand;
  hand.answers_flags = false;
  hand.make_ready();
  EXPECT_EQ(hand.health().frames[FrameResult::timeout], 2u);
}

TEST(VebusDriverHandshake, FindsTheEssRecordWhereverItIs) {
  using Records = std::map<std::uint8_t, std::uint16_t>;
  const std::vector<std::pair<Records, int>> layouts{
      {{{128, 0x0090}, {129, 0x8800}, {130, 0x0054}}, 131},
      {{{128, 0x0054}}, 129},
      {{{128, 0x0001}, {129, 0x0054}, {130, 0x0054}}, 131},  // a data word is no header
      {{{128, 0x001F}, {144, 0x0022}, {147, 0x0051}}, 148}};
  for (const auto& [records, id] : layouts) {
    Hand hand;
    hand.records = records;
    hand.make_ready();
    hand.command(-100.0);
    hand.answer();
    hand.answer();
    const auto requests = hand.sent_of<Winmon>();
    const auto write = std::ranges::find(requests, Code::write_by_id, &Winmon::code);
    ASSERT_NE(write, requests.end());
    EXPECT_EQ(read_u8(write->data, 0), 0x02);
    EXPECT_EQ(read_u8(write->data, 1), id);
  }
}

TEST(VebusDriverHandshake, WithoutEssItWatchesAndNeverWrites) {
  const std::vector<std::map<std::uint8_t, std::uint16_t>> none{
      {},
      {{128, 0x0090}, {129, 0x8800}},
      {{128, 0x001F},
       {144, 0x001F},
       {160, 0x001F},
       {176, 0x001F},
       {192, 0x001F},
       {208, 0x001F},
       {224, 0x001F},
       {240, 0x001F}},   // runs past 255
      {{128, 0x0050}}};  // no room for a setpoint
  for (const auto& records : none) {
    Hand hand;
    hand.records = records;
    hand.start();
    for (int i = 0; i < 80; ++i) {
      hand.command(-500.0);
      ASSERT_TRUE(hand.answer());
    }
    EXPECT_FALSE(hand.health().ready);
    EXPECT_EQ(hand.health().faults, FaultFlags{Fault::inverter_lost});
    EXPECT_NE(hand.health().trouble.find("ESS"), std::string::npos);
    EXPECT_TRUE(hand.said("ess_missing"));
    EXPECT_TRUE(hand.words_written().empty());
    EXPECT_TRUE(hand.sample(Point::inverter, Measure::main_state));
    EXPECT_FALSE(hand.sample(Point::inverter, Measure::controllable));
  }
}

TEST(VebusDriverHandshake, LooksForEssAgainEveryHalfMinute) {
  Hand hand;
  hand.records.clear();
  hand.start();
  for (int i = 0; i < 60; ++i) hand.answer();
  hand.records = {{128, 0x0054}};
  const Instant until = hand.now + 31s;
  while (hand.now < until) ASSERT_TRUE(hand.answer());
  EXPECT_TRUE(hand.health().ready);
  EXPECT_EQ(std::ranges::count(hand.events, "ess_missing", &Event::name), 1);
}

TEST(VebusDriverHandshake, RefusesSeveralUnitsAndOldInterfaces) {
  {
    Hand hand;
    hand.ac.phase_code = 0x0A;
    hand.start();
    for (int i = 0; i < 40; ++i) hand.answer();
    EXPECT_FALSE(hand.health().ready);
    EXPECT_NE(hand.health().trouble.find("3 phases"), std::string::npos);
  }
  {
    Hand hand;
    hand.ac.mains_factor = 2;
    hand.start();
    for (int i = 0; i < 40; ++i) hand.answer();
    EXPECT_FALSE(hand.health().ready);
  }
  {
    Hand hand;
    hand.version = 1130130;
    hand.start();
    for (int i = 0; i < 40; ++i) hand.answer();
    EXPECT_FALSE(hand.health().ready);
  }
}

TEST(VebusDriverHandshake, ASecondUnitHeardLaterStopsWritingButOneDamagedFrameDoesNot) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  hand.give(AcInfo{.mains_factor = 2, .state = 9});
  hand.give(hand.ac);
  EXPECT_TRUE(hand.health().ready);
  hand.give(AcInfo{.state = 9, .phase_code = 0x07});
  hand.give(AcInfo{.state = 9, .phase_code = 0x07});
  EXPECT_FALSE(hand.health().ready);
  EXPECT_EQ(hand.health().faults, FaultFlags{Fault::inverter_lost});
  EXPECT_NE(hand.health().trouble.find("L2"), std::string::npos);
  EXPECT_TRUE(hand.said("inverter_unusable"));
  const auto before = hand.words_written().size();
  for (int i = 0; i < 20; ++i) {
    hand.command(-100.0);
    hand.answer();
  }
  EXPECT_EQ(hand.words_written().size(), before);
}

TEST(VebusDriverHandshake, WakesASilentInterfaceThenResetsItFromHighSpeed) {
  Hand hand;
  hand.start();
  hand.wait(2100ms);
  EXPECT_EQ(hand.wake_ups, 1u);
  EXPECT_TRUE(hand.said("inverter_silent"));
  EXPECT_EQ(hand.health().faults, FaultFlags{Fault::inverter_lost});
  hand.wait(2100ms);
  EXPECT_EQ(hand.bauds, (std::vector<std::uint32_t>{2400, 115200}));
  EXPECT_TRUE(std::holds_alternative<Reset>(hand.last()));
  hand.wait(1s);
  EXPECT_EQ(hand.bauds.back(), 2400u);
  EXPECT_TRUE(std::holds_alternative<VersionRequest>(hand.last()));
  EXPECT_EQ(hand.reopens, 0u);
  hand.wait(8s);
  EXPECT_EQ(hand.reopens, 1u);
  hand.wait(60s);
  EXPECT_EQ(std::ranges::count(hand.events, "inverter_silent", &Event::name), 1);
}

}  // namespace
}  // namespace esshub::protocol::vebus
