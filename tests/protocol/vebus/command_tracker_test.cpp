#include "protocol/vebus/command_tracker.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "tests/protocol/vebus/hand.hpp"

namespace esshub::protocol::vebus {
namespace {

// ---- the tracker by itself ----------------------------------------------------------------------

constexpr Instant start = Instant{} + 1h;
constexpr Duration setpoint_on_the_wire = mk3::wire_time(9);  // 07 FF 5A 37 02 id lo hi cks
constexpr Duration state_on_the_wire = mk3::wire_time(12);  // 0A FF 53 sw lo hi 01 fl 00 x0 ee cks

struct Tracked {
  explicit Tracked(VebusConfig config = {}) : tracker(config) {}
  void give(double watts, InverterMode mode = InverterMode::follow, bool ready = true,
            Duration life = 1h) {
    Step step;
    tracker.give({Watts{watts}, mode, start + life}, ready, step);
    for (auto& event : step.events) events.push_back(std::move(event));
  }
  /// As decided on the reading of `at` for the first time, or again.
  void give_by(Instant at, double watts, bool ready = true) {
    Step step;
    tracker.give({Watts{watts}, InverterMode::follow, start + 1h, at}, ready, step);
  }
  void acknowledge(SwitchState state) {
    Step step;
    tracker.acknowledge_switch(state, step);
    for (auto& event : step.events) events.push_back(std::move(event));
  }
  CommandTracker tracker;
  std::vector<Event> events;
};

TEST(VebusCommandTracker, NothingIsDueWithoutACommandToFollowGivenWhenReady) {
  Tracked t;
  EXPECT_FALSE(t.tracker.setpoint_due(true, start));
  EXPECT_FALSE(t.tracker.wanted_switch(true, start));
  EXPECT_FALSE(t.tracker.switch_due(true, start));
  t.give(-100.0, InverterMode::follow, false);
  EXPECT_FALSE(t.tracker.setpoint_due(true, start)) << "not ready when it came";
  t.give(-100.0, InverterMode::release);
  EXPECT_FALSE(t.tracker.setpoint_due(true, start));
  EXPECT_FALSE(t.tracker.switch_due(false, start)) << "a release switches nothing by itself";
  t.give(-100.0);
  EXPECT_TRUE(t.tracker.setpoint_due(true, start));
  EXPECT_EQ(t.tracker.word(), 100);
  t.tracker.void_setpoint();
  EXPECT_FALSE(t.tracker.setpoint_due(true, start)) << "never replayed";
  t.give(-100.0);
  t.tracker.drop();
  EXPECT_FALSE(t.tracker.setpoint_due(true, start));
}

TEST(VebusCommandTracker, NothingIsDueThatWouldNotEndOnTheWireWithinItsLife) {
  Tracked t;
  t.give(-100.0, InverterMode::follow, true, 1s);
  EXPECT_TRUE(t.tracker.setpoint_due(true, start + 1s - setpoint_on_the_wire));
  EXPECT_FALSE(t.tracker.setpoint_due(true, start + 1s - setpoint_on_the_wire + 1ns));
  t.give(0.0, InverterMode::off, true, 1s);
  EXPECT_EQ(t.tracker.wanted_switch(false, start + 1s - state_on_the_wire), SwitchState::off);
  EXPECT_TRUE(t.tracker.switch_due(false, start + 1s - state_on_the_wire));
  EXPECT_FALSE(t.tracker.wanted_switch(false, start + 1s - state_on_the_wire + 1ns));
  EXPECT_FALSE(t.tracker.switch_due(false, start + 1s - state_on_the_wire + 1ns));
}

TEST(VebusCommandTracker, AChangeKeepsItsIntervalAndAnUnchangedOneIsRefreshed) {
  VebusConfig config;
  config.refresh = 700ms;
  config.setpoint_interval = 90ms;
  config.setpoint_deadband = Watts{10.0};
  Tracked t{config};
  t.give(-500.0);
  t.tracker.acknowledge_setpoint(500, start);
  EXPECT_FALSE(t.tracker.setpoint_due(true, start + 700ms - 1ns));
  EXPECT_TRUE(t.tracker.setpoint_due(false, start + 700ms)) << "the inverter's own time-out";
  const auto changed = [&](double watts, bool room, Duration later) {
    t.give(watts);
    return t.tracker.setpoint_due(room, start + later);
  };
  EXPECT_FALSE(changed(-600.0, true, 90ms - 1ns));
  EXPECT_TRUE(changed(-600.0, true, 90ms));
  EXPECT_FALSE(changed(-600.0, false, 90ms)) << "a reading goes first";
  EXPECT_FALSE(changed(0.0, false, 90ms - 1ns));
  EXPECT_TRUE(changed(0.0, false, 90ms)) << "0 W waits for nothing else";
  EXPECT_FALSE(changed(-509.0, true, 90ms));
  EXPECT_FALSE(changed(-491.0, true, 90ms));
  EXPECT_TRUE(changed(-510.0, true, 90ms));
  EXPECT_TRUE(changed(-490.0, true, 90ms));
  t.tracker.acknowledge_setpoint(4, start);
  EXPECT_TRUE(changed(4.0, true, 90ms)) << "to the other direction, however small";
  EXPECT_FALSE(changed(-8.0, true, 90ms));
  t.tracker.acknowledge_setpoint(0, start);
  EXPECT_FALSE(changed(-9.0, true, 90ms));
  EXPECT_FALSE(changed(9.0, true, 90ms));
}

TEST(VebusCommandTracker, WhatWasNotAnsweredIsWrittenAgainAtOnce) {
  Tracked t;
  t.give(-500.0);
  t.tracker.acknowledge_setpoint(500, start);
  EXPECT_FALSE(t.tracker.setpoint_due(true, start + 1ms));
  t.tracker.setpoint_timed_out();
  EXPECT_TRUE(t.tracker.setpoint_due(false, start + 1ms));
  t.tracker.acknowledge_setpoint(500, start);
  t.tracker.void_setpoint();
  t.give(-500.0);
  EXPECT_TRUE(t.tracker.setpoint_due(false, start + 1ms)) << "the inverter forgot it";
}

TEST(VebusCommandTracker, FiftyWattsAreALargeChange) {
  Tracked t;
  EXPECT_TRUE(t.tracker.is_large_change(0));
  t.tracker.acknowledge_setpoint(100, start);
  for (const int word : {50, 150, 40, 400})
    EXPECT_TRUE(t.tracker.is_large_change(static_cast<std::int16_t>(word))) << word;
  for (const int word : {51, 149, 100})
    EXPECT_FALSE(t.tracker.is_large_change(static_cast<std::int16_t>(word))) << word;
}

TEST(VebusCommandTracker, AnImpossibleSetpointIsToldOnceAndNeverDue) {
  Tracked t;
  t.give(1e6, InverterMode::release);
  t.give(1e6, InverterMode::off);
  EXPECT_TRUE(t.events.empty()) << "its power means nothing";
  t.give(1e6);
  t.give(-1e6);
  ASSERT_EQ(t.events.size(), 1u);
  EXPECT_EQ(t.events[0].name, "setpoint_impossible");
  EXPECT_EQ(t.events[0].level, Level::error);
  EXPECT_FALSE(t.tracker.setpoint_due(true, start));
  t.give(-100.0);
  t.give(1e6);
  EXPECT_EQ(t.events.size(), 2u);
}

TEST(VebusCommandTracker, TheReadingThatChangedTheWordIsToldOnceAsItIsSent) {
  const auto reading = [](int n) { return start + n * 200ms; };
  const std::optional<Instant> none;
  Tracked t;
  t.give_by(reading(1), -100.0);
  EXPECT_EQ(t.tracker.setpoint_sent(100), reading(1));
  EXPECT_EQ(t.tracker.setpoint_sent(100), none) << "written again";
  t.tracker.acknowledge_setpoint(100, start);
  t.give_by(reading(2), -100.0);
  EXPECT_EQ(t.tracker.setpoint_sent(100), none) << "a refresh";
  t.give_by(reading(2), -120.0);
  EXPECT_EQ(t.tracker.setpoint_sent(120), none) << "the ramp, not the reading";
  t.tracker.acknowledge_setpoint(120, start);
  t.give_by(reading(3), -150.0);
  t.give_by(reading(3), -150.0);
  EXPECT_EQ(t.tracker.setpoint_sent(150), reading(3)) << "it waited for its turn";
  t.tracker.acknowledge_setpoint(150, start);
  t.give_by(reading(4), -200.0);
  t.give_by(reading(5), -210.0);
  EXPECT_EQ(t.tracker.setpoint_sent(210), reading(5)) << "the newest wins";
  t.tracker.acknowledge_setpoint(210, start);
  t.give_by(reading(6), -300.0);
  t.give_by(reading(7), -210.0);
  EXPECT_EQ(t.tracker.setpoint_sent(210), none) << "taken back before it was written";
  t.give_by(reading(8), -220.0);
  t.tracker.void_setpoint();
  t.give_by(reading(9), -230.0, false);
  t.give_by(reading(9), -230.0);
  EXPECT_EQ(t.tracker.setpoint_sent(230), none) << "the handshake took the time";
  t.give(-100.0);
  EXPECT_EQ(t.tracker.setpoint_sent(100), none) << "by no reading";
}

TEST(VebusCommandTracker, OffIsRepeatedUntilItIsAcknowledgedAndThenEveryFiveSeconds) {
  Tracked t;
  t.give(0.0, InverterMode::off);
  EXPECT_TRUE(t.tracker.switch_due(false, start));
  t.tracker.switch_sent(SwitchState::off, start);
  EXPECT_TRUE(t.tracker.switch_due(false, start)) << "not acknowledged";
  t.acknowledge(SwitchState::off);
  t.acknowledge(SwitchState::off);
  ASSERT_EQ(t.events.size(), 1u) << "told once";
  EXPECT_EQ(t.events[0].name, "inverter_switched");
  EXPECT_EQ(t.events[0].level, Level::notice);
  EXPECT_EQ(t.events[0].detail, "to=off");
  EXPECT_FALSE(t.tracker.switch_due(false, start + 5s - 1ns));
  EXPECT_TRUE(t.tracker.switch_due(false, start + 5s));
  t.tracker.switch_sent(SwitchState::off, start + 5s);
  EXPECT_FALSE(t.tracker.switch_due(false, start + 10s - 1ns));
}

TEST(VebusCommandTracker, WhatWeSwitchedOffIsSwitchedOnByFollowAndRelease) {
  for (const auto mode : {InverterMode::follow, InverterMode::release}) {
    for (const bool acknowledged : {true, false}) {
      Tracked t;
      t.give(0.0, InverterMode::off);
      t.tracker.switch_sent(SwitchState::off, start);
      if (acknowledged) t.acknowledge(SwitchState::off);
      t.tracker.drop();
      EXPECT_FALSE(t.tracker.wanted_switch(false, start)) << "no command";
      t.give(-100.0, mode);
      EXPECT_FALSE(t.tracker.setpoint_due(true, start)) << "a setpoint to a unit that is off";
      EXPECT_EQ(t.tracker.wanted_switch(false, start), SwitchState::on);
      EXPECT_TRUE(t.tracker.switch_due(false, start));
      t.tracker.switch_sent(SwitchState::on, start);
      EXPECT_TRUE(t.tracker.switch_due(false, start)) << "until it is acknowledged";
      t.events.clear();
      t.acknowledge(SwitchState::on);
      ASSERT_EQ(t.events.size(), 1u);
      EXPECT_EQ(t.events[0].detail, "to=on");
      EXPECT_FALSE(t.tracker.switch_due(false, start + 1min));
      EXPECT_EQ(t.tracker.setpoint_due(true, start), mode == InverterMode::follow);
      t.give(0.0, InverterMode::off);
      t.tracker.switch_sent(SwitchState::off, start + 1min);
      t.acknowledge(SwitchState::off);
      EXPECT_EQ(t.events.back().detail, "to=off") << "told anew";
    }
  }
}

TEST(VebusCommandTracker, AUnitFoundOffIsSwitchedOnByACommandToFollowAlone) {
  Tracked t;
  t.give(-100.0);
  EXPECT_EQ(t.tracker.wanted_switch(true, start), SwitchState::on);
  EXPECT_TRUE(t.tracker.switch_due(true, start));
  EXPECT_FALSE(t.tracker.wanted_switch(false, start));
  t.give(-100.0, InverterMode::release);
  EXPECT_FALSE(t.tracker.wanted_switch(true, start)) << "switching on in release";
  t.give(-100.0, InverterMode::follow, false);
  EXPECT_FALSE(t.tracker.wanted_switch(true, start)) << "not ready when it came";
  t.give(0.0, InverterMode::off);
  EXPECT_EQ(t.tracker.wanted_switch(true, start), SwitchState::off);
}

TEST(VebusCommandTracker, AUnitFoundOffIsSwitchedOnByTheEndOfACutoff) {
  Tracked t;
  const auto end = [&](bool ready, Duration life = 1h) {
    Step step;
    t.tracker.give({.mode = InverterMode::release, .valid_until = start + life, .switch_on = true},
                   ready, step);
  };
  EXPECT_FALSE(t.tracker.ends_cutoff());
  end(true);
  EXPECT_TRUE(t.tracker.ends_cutoff());
  EXPECT_EQ(t.tracker.wanted_switch(true, start), SwitchState::on);
  EXPECT_FALSE(t.tracker.wanted_switch(false, start)) << "it is not off";
  EXPECT_FALSE(t.tracker.setpoint_due(true, start));
  end(false);
  EXPECT_FALSE(t.tracker.wanted_switch(true, start)) << "not ready when it came";
  end(true, 0s);
  EXPECT_FALSE(t.tracker.wanted_switch(true, start)) << "it has expired";
  t.give(0.0, InverterMode::release);
  EXPECT_FALSE(t.tracker.ends_cutoff());
}

// ---- setpoints ----------------------------------------------------------------------------------

TEST(VebusDriverSetpoint, IsWrittenWithTheWiresSignAndStampedAtTheAcknowledgement) {
  Hand hand;
  hand.make_ready();
  hand.command(-370.0);
  hand.answer();  // whatever was under way
  ASSERT_EQ(hand.words_written(), std::vector<int>{370});
  EXPECT_FALSE(hand.sample(Point::inverter, Measure::setpoint));
  hand.reply(Code::ram_written, "0000");
  const auto acknowledged = hand.sample(Point::inverter, Measure::setpoint);
  ASSERT_TRUE(acknowledged);
  EXPECT_EQ(acknowledged->value, -370.0);
  EXPECT_EQ(acknowledged->at, hand.now);
}

TEST(VebusDriverSetpoint, TellsTheReadingWhoseSetpointIsAmongItsFrames) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  hand.sent.clear();
  const Instant reading = hand.now - 10ms;
  hand.command(-100.0, InverterMode::follow, 1s, reading);
  while (hand.words_written().empty()) {
    EXPECT_TRUE(hand.written_for.empty());
    if (!hand.answer()) hand.wait(1ms);
  }
  EXPECT_EQ(hand.written_for, std::vector<Instant>{reading});
  for (int i = 0; i < 20; ++i) {
    hand.command(-100.0, InverterMode::follow, 1s, hand.now);
    hand.answer();
  }
  EXPECT_GT(hand.words_written().size(), 1u) << "refreshed";
  EXPECT_EQ(hand.written_for.size(), 1u);
}

TEST(VebusDriverSetpoint, TheNewestWinsAndNothingQueues) {
  Hand hand;
  hand.make_ready();
  for (const double w : {-100.0, -200.0, 300.0}) hand.command(w);
  hand.answer();
  EXPECT_EQ(hand.words_written(), std::vector<int>{-300});
}

TEST(VebusDriverSetpoint, IsNeverWrittenPastItsLife) {
  Hand hand;
  hand.make_ready();
  hand.command(-100.0, InverterMode::follow, 80ms);
  hand.answer(60ms);  // 20 ms left, the frame takes 37
  EXPECT_TRUE(hand.words_written().empty());
  hand.command(-100.0, InverterMode::follow, 1s);
  for (int i = 0; i < 60; ++i) hand.answer();
  EXPECT_GE(hand.words_written().size(), 1u);
  EXPECT_LE(hand.words_written().size(), 2u);  // 1 s of life, refreshed once after 0.8 s
}

TEST(VebusDriverSetpoint, IsNotWrittenAgainOnceItIsWithdrawn) {
  Hand hand;
  hand.make_ready();
  hand.command(-100.0, InverterMode::follow, 5s);
  hand.answer();
  EXPECT_EQ(hand.words_written().size(), 1u);
  hand.order(Setpoint{});
  for (int i = 0; i < 60; ++i) hand.answer();
  EXPECT_EQ(hand.words_written().size(), 1u);
}

TEST(VebusDriverSetpoint, UnchangedIsRefreshedAndChangedIsNotHurried) {
  Hand hand;
  hand.make_ready();
  std::vector<std::pair<Instant, int>> writes;
  for (int i = 0; i < 200; ++i) {
    hand.command(i < 100 ? -500.0 : -500.0 - i);
    const auto before = hand.words_written().size();
    hand.answer();
    if (hand.words_written().size() > before)
      writes.emplace_back(hand.now, hand.words_written().back());
  }
  ASSERT_GT(writes.size(), 10u);
  for (std::size_t i = 1; i < writes.size(); ++i) {
    const auto gap = writes[i].first - writes[i - 1].first;
    EXPECT_GE(gap, writes[i].second == writes[i - 1].second ? Duration{800ms}
                                                            : VebusConfig{}.setpoint_interval);
    EXPECT_LE(gap, 1s);
  }
}

// After everything that may be under way, a refresh of the unchanged setpoint included.
TEST(VebusDriverSetpoint, SmallChangesWaitButZeroDoesNot) {
  VebusConfig config;
  config.setpoint_deadband = Watts{10.0};
  Hand hand{config};
  hand.make_ready();
  hand.command(5.0);
  hand.answer();
  hand.answer();
  for (int i = 0; i < 6; ++i) hand.answer();
  ASSERT_EQ(hand.words_written(), std::vector<int>{-5});
  hand.command(9.0);
  for (int i = 0; i < 3; ++i) hand.answer();
  EXPECT_EQ(hand.words_written().size(), 1u);
  hand.command(0.0);
  hand.answer();
  EXPECT_EQ(hand.words_written(), (std::vector<int>{-5, 0}));
}

TEST(VebusDriverSetpoint, ReleaseWritesNothing) {
  Hand hand;
  hand.make_ready();
  for (int i = 0; i < 50; ++i) {
    hand.command(-500.0, InverterMode::release);
    hand.answer();
  }
  EXPECT_TRUE(hand.words_written().empty());
  EXPECT_EQ(hand.sent_of<StateSet>().size(), 1u);  // the handshake's
}

TEST(VebusDriverSetpoint, NotANumberIsNotWritten) {
  Hand hand;
  hand.make_ready();
  for (int i = 0; i < 20; ++i) {
    hand.command(std::numeric_limits<double>::quiet_NaN());
    hand.answer();
  }
  EXPECT_TRUE(hand.words_written().empty());
  EXPECT_EQ(std::ranges::count(hand.events, "setpoint_impossible", &Event::name), 1);
}

TEST(VebusDriverSetpoint, GivenBeforeReadyIsNeverReplayed) {
  Hand hand;
  hand.start();
  hand.command(-2000.0, InverterMode::follow, 1h);
  for (int i = 0; i < 60; ++i) hand.answer();
  EXPECT_TRUE(hand.health().ready);
  EXPECT_TRUE(hand.words_written().empty());
  hand.command(-100.0);
  hand.answer();
  EXPECT_EQ(hand.words_written(), std::vector<int>{100});
}

TEST(VebusDriverSetpoint, ARefusalStartsOverAndASecondOneStopsWriting) {
  Hand hand;
  hand.make_ready();
  hand.command(-100.0);
  hand.answer();
  hand.reply(Code::access_denied, "00");
  EXPECT_FALSE(hand.health().ready);
  EXPECT_EQ(hand.health().faults, FaultFlags{Fault::inverter_lost});
  EXPECT_EQ(hand.health().frames[FrameResult::exception], 1u);
  EXPECT_TRUE(hand.said("setpoint_refused"));
  hand.wait(300ms);
  for (int i = 0; i < 40 && !hand.health().ready; ++i) hand.answer();
  ASSERT_TRUE(hand.health().ready);
  EXPECT_EQ(hand.words_written().size(), 1u);
  hand.command(-100.0);
  hand.answer();
  hand.reply(Code::unknown_command, "00");
  for (int i = 0; i < 40; ++i) {
    hand.command(-100.0);
    hand.answer();
  }
  EXPECT_FALSE(hand.health().ready);
  EXPECT_NE(hand.health().trouble.find("setpoint"), std::string::npos);
  EXPECT_EQ(hand.words_written().size(), 2u);
}

TEST(VebusDriverSetpoint, ARefusalForEverIsToldFirstAndEveryHundredthTimeAndItsEnd) {
  Hand hand;
  hand.make_ready();
  const auto told = [&](std::string_view name) {
    return std::ranges::count(hand.events, name, &Event::name);
  };
  bool refuses = true;
  unsigned refusals = 0;
  const auto live = [&] {
    hand.command(-100.0);
    const auto* request = std::get_if<Winmon>(&hand.last());
    if (refuses && request != nullptr && request->code == Code::write_by_id) {
      ++refusals;
      hand.reply(Code::access_denied, "00");
      hand.wait(300ms);
    } else if (!hand.answer(200ms)) {
      hand.wait(600ms);
    }
    hand.sent.erase(hand.sent.begin(), hand.sent.end() - 1);
  };
  while (refusals < 99) live();
  EXPECT_EQ(told("setpoint_refused"), 1);
  EXPECT_EQ(told("inverter_unusable"), 1);
  EXPECT_EQ(told("ess_found"), 1);
  while (refusals < 101) live();
  EXPECT_EQ(told("setpoint_refused"), 2);
  refuses = false;
  for (const Instant end = hand.now + 40s; hand.now < end;) live();
  EXPECT_EQ(told("setpoint_accepted"), 1);
  EXPECT_TRUE(hand.health().ready);
}

TEST(VebusDriverSetpoint, AMovedRecordIsNotWrittenTo) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  hand.records = {{128, 0x0090}, {129, 0x0054}};
  const Instant until = hand.now + 3s;
  while (hand.health().ready && hand.now < until) hand.answer();
  EXPECT_FALSE(hand.health().ready);
  EXPECT_TRUE(hand.said("ess_moved"));
}

// ---- switch -------------------------------------------------------------------------------------

TEST(VebusDriverSwitch, OffIsSentAcknowledgedRepeatedAndUndone) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  const auto switches = [&] {
    std::vector<unsigned> out;
    for (const auto& set : hand.sent_of<StateSet>())
      if ((set.flags & StateSet::settings_only) == 0) out.push_back(set.switch_state);
    return out;
  };
  for (int i = 0; i < 20; ++i) {
    hand.command(0.0, InverterMode::off);
    hand.answer();
  }
  EXPECT_EQ(switches(), std::vector<unsigned>{4});
  EXPECT_TRUE(hand.words_written().empty());
  for (int i = 0; i < 100; ++i) {
    hand.command(0.0, InverterMode::off);
    hand.answer();
  }
  EXPECT_EQ(switches().size(), 2u);  // after 5 s
  for (int i = 0; i < 20; ++i) {
    hand.command(-100.0);
    hand.answer();
  }
  EXPECT_EQ(switches(), (std::vector<unsigned>{4, 4, 3}));
  EXPECT_FALSE(hand.words_written().empty());
}

TEST(VebusDriverSwitch, OnIsNotSentWhereWeSwitchedNothingOff) {
  Hand hand;
  hand.make_ready();
  for (int i = 0; i < 50; ++i) {
    hand.command(-100.0);
    hand.answer();
  }
  for (const auto& set : hand.sent_of<StateSet>())
    EXPECT_NE(set.flags & StateSet::settings_only, 0);
}

TEST(VebusDriverSwitch, WhatWeSwitchedOffIsSwitchedOnInTheNextHandshake) {
  Hand hand;
  hand.make_ready();
  hand.command(0.0, InverterMode::off);
  hand.answer();
  hand.answer();
  hand.down();
  hand.now += 10s;
  hand.sent.clear();
  hand.start();
  hand.command(0.0, InverterMode::release);
  for (int i = 0; i < 5; ++i) hand.answer();
  const auto sets = hand.sent_of<StateSet>();
  ASSERT_EQ(sets.size(), 1u);
  EXPECT_EQ(sets[0].switch_state, 3);
  EXPECT_EQ(sets[0].flags, StateSet::new_format);
}

TEST(VebusDriverSwitch, OffWaitsUntilTheStandbyLineIsHeld) {
  Hand hand;
  hand.start();
  hand.command(0.0, InverterMode::off, 1h);
  bool held = false;
  bool off = false;
  for (int i = 0; i < 8; ++i) {
    hand.answer();
    for (const auto& flags : hand.sent_of<HardwareFlags>())
      held = held || (flags.flags.value_or(0) & HardwareFlags::standby) != 0;
    for (const auto& set : hand.sent_of<StateSet>()) {
      if ((set.flags & StateSet::settings_only) != 0) continue;
      EXPECT_TRUE(held);
      off = off || set.switch_state == 4;
    }
  }
  EXPECT_TRUE(off);
}

// ---- by the tracker's own words -----------------------------------------------------------------

TEST(VebusCommandTracker, IsWrittenSaysThatTheNewestCommandIsAcknowledged) {
  Tracked t;
  EXPECT_FALSE(t.tracker.is_written()) << "no command";
  t.give(-100.0);
  EXPECT_FALSE(t.tracker.is_written()) << "not acknowledged";
  t.tracker.acknowledge_setpoint(100, start);
  EXPECT_TRUE(t.tracker.is_written());
  t.give(-101.0);
  EXPECT_FALSE(t.tracker.is_written()) << "a newer one";
  t.give(-100.0, InverterMode::release);
  EXPECT_FALSE(t.tracker.is_written()) << "nothing to write";
  t.give(-100.0);
  EXPECT_TRUE(t.tracker.is_written());
  t.tracker.setpoint_timed_out();
  EXPECT_FALSE(t.tracker.is_written()) << "whether it was heard is not known";
  t.tracker.acknowledge_setpoint(100, start);
  t.tracker.drop();
  EXPECT_FALSE(t.tracker.is_written()) << "the command is gone";
}

TEST(VebusCommandTracker, AnUnchangedZeroIsNotHurriedAndASignThatTurnsIs) {
  VebusConfig config;
  config.setpoint_deadband = Watts{10.0};
  Tracked t{config};
  t.give(0.0);
  t.tracker.acknowledge_setpoint(0, start);
  EXPECT_FALSE(t.tracker.setpoint_due(true, start + 100ms));
  t.give(-1.0);
  EXPECT_FALSE(t.tracker.setpoint_due(true, start + 100ms)) << "within the deadband";
  t.tracker.acknowledge_setpoint(-1, start);
  EXPECT_TRUE(t.tracker.setpoint_due(true, start + 100ms)) << "from charging to feeding in";
}

TEST(VebusCommandTracker, TheReadingIsThatWhichChangedTheWordLast) {
  const Instant first = start - 2s;
  const Instant second = start - 1s;
  const auto order = [](Tracked& t, double watts, InverterMode mode, std::optional<Instant> by) {
    Step step;
    t.tracker.give({Watts{watts}, mode, start + 1h, by}, true, step);
  };
  using enum InverterMode;
  Tracked unread;
  order(unread, -100.0, follow, first);
  order(unread, -200.0, follow, {});
  EXPECT_EQ(unread.tracker.setpoint_sent(200), first) << "not told yet";

  Tracked released;
  order(released, -100.0, release, first);
  order(released, -100.0, follow, {});
  EXPECT_EQ(released.tracker.setpoint_sent(100), std::nullopt) << "a release has no word";

  Tracked back;
  order(back, -100.0, release, first);
  order(back, -100.0, follow, first);
  EXPECT_EQ(back.tracker.setpoint_sent(100), first) << "from none to one";

  Tracked same;
  order(same, -100.0, follow, first);
  EXPECT_EQ(same.tracker.setpoint_sent(100), first);
  order(same, -100.0, follow, second);
  EXPECT_EQ(same.tracker.setpoint_sent(100), std::nullopt) << "a reading that changed nothing";

  Tracked unanswered;
  order(unanswered, -100.0, follow, {});
  unanswered.tracker.acknowledge_setpoint(100, start);
  unanswered.tracker.setpoint_timed_out();
  order(unanswered, -150.0, follow, first);
  order(unanswered, -100.0, follow, second);
  EXPECT_EQ(unanswered.tracker.setpoint_sent(100), second) << "nothing is known to be written";
}

TEST(VebusCommandTracker, SwitchingOnWhatWasFoundOffIsNotRemembered) {
  Tracked t;
  t.give(-100.0);
  EXPECT_EQ(t.tracker.wanted_switch(true, start), SwitchState::on);
  t.tracker.switch_sent(SwitchState::on, start);
  EXPECT_FALSE(t.tracker.wanted_switch(false, start)) << "we did not switch it off";
  EXPECT_TRUE(t.tracker.setpoint_due(true, start));
}

TEST(VebusCommandTracker, AnOffIsRepeatedUntilItsOwnAnswer) {
  Tracked t;
  t.give(0.0, InverterMode::off);
  t.tracker.switch_sent(SwitchState::off, start);
  EXPECT_TRUE(t.tracker.switch_due(false, start + 1s)) << "the first was not answered";
  t.acknowledge(SwitchState::off);
  EXPECT_FALSE(t.tracker.switch_due(false, start + 1s));
  t.give(-100.0);
  t.tracker.switch_sent(SwitchState::on, start + 2s);
  t.acknowledge(SwitchState::on);
  t.give(0.0, InverterMode::off);
  t.tracker.switch_sent(SwitchState::off, start + 3s);
  EXPECT_TRUE(t.tracker.switch_due(false, start + 4s)) << "nor is the second";
}

TEST(VebusCommandTracker, AnOffAfterAnUnansweredOnIsDueAtOnce) {
  Tracked t;
  t.give(0.0, InverterMode::off);
  t.tracker.switch_sent(SwitchState::off, start);
  t.acknowledge(SwitchState::off);
  t.give(-100.0);
  t.tracker.switch_sent(SwitchState::on, start + 1min);
  t.give(0.0, InverterMode::off);
  EXPECT_TRUE(t.tracker.switch_due(false, start + 1min + 1s)) << "the on may have been heard";
  t.tracker.switch_sent(SwitchState::off, start + 1min + 1s);
  t.acknowledge(SwitchState::off);
  EXPECT_FALSE(t.tracker.switch_due(false, start + 1min + 2s));
}

}  // namespace
}  // namespace esshub::protocol::vebus
