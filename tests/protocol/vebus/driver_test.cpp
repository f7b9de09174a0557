#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <random>

#include "tests/protocol/vebus/hand.hpp"

namespace esshub::protocol::vebus {
namespace {

// ---- handshake ----------------------------------------------------------------------------------

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

// ---- the wire -----------------------------------------------------------------------------------

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
