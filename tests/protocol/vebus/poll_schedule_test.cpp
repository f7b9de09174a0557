#include "protocol/vebus/poll_schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "tests/protocol/vebus/hand.hpp"

namespace esshub::protocol::vebus {
namespace {

// ---- the schedule by itself ---------------------------------------------------------------------

constexpr Instant start = Instant{} + 1h;

/// Without its power readings: what has a period, and which (protocol/vebus/poll_schedule.hpp).
const std::vector<std::pair<Task, Duration>> periods{
    {Task::mains, 750ms}, {Task::leds, 1200ms}, {Task::heartbeat, 2s},   {Task::device_state, 6s},
    {Task::input, 30s},   {Task::battery, 9s},  {Task::keep_flags, 15s},
};

/// Everything was read just now; last of all what the next one may follow.
void read_all(PollSchedule& schedule, Instant now, Task last = Task::snapshot,
              Task but = Task::setpoint) {
  for (const auto& periodic : periods)
    if (periodic.first != but) schedule.asked(periodic.first, now);
  schedule.asked(Task::check_record, now);
  schedule.asked(last, now);
}

PollSchedule schedule_read_at(Instant now) {
  PollSchedule schedule;
  schedule.start(now);
  read_all(schedule, now);
  return schedule;
}

TEST(VebusPollSchedule, AtTheStartEverythingIsDueAndPowerAlternatesWithTheRest) {
  using enum Task;
  for (const bool with_battery : {true, false}) {
    PollSchedule schedule;
    schedule.start(start);
    std::vector<Task> asked;
    Instant now = start;
    for (int i = 0; i < 14; ++i, now += 50ms) {
      asked.push_back(schedule.next(now, true, with_battery));
      schedule.asked(asked.back(), now);
    }
    std::vector<Task> expected{mains,     input,      check_record, leds,     snapshot,
                               heartbeat, snapshot,   device_state, snapshot, battery,
                               snapshot,  keep_flags, snapshot,     snapshot};
    if (!with_battery) {
      expected.erase(expected.begin() + 9, expected.begin() + 11);
      expected.insert(expected.end(), 2, snapshot);
    }
    EXPECT_EQ(asked, expected);
  }
}

TEST(VebusPollSchedule, EachReadingIsDueAfterItsPeriodAndNotBefore) {
  for (const auto& [task, period] : periods) {
    PollSchedule schedule = schedule_read_at(start);
    const Instant due = start + period;
    read_all(schedule, due - 1ms, task == Task::input ? Task::mains : Task::snapshot, task);
    EXPECT_EQ(schedule.next(due - 1ns, true, true), Task::snapshot) << static_cast<int>(task);
    EXPECT_EQ(schedule.next(due, true, true), task) << static_cast<int>(task);
    EXPECT_EQ(schedule.next(due, true, false), task == Task::battery ? Task::snapshot : task);
    schedule.timed_out(task, due);
    const Instant again = due + period / 4;
    read_all(schedule, again - 1ms, task == Task::input ? Task::mains : Task::snapshot, task);
    EXPECT_EQ(schedule.next(again - 1ns, true, true), Task::snapshot) << static_cast<int>(task);
    EXPECT_EQ(schedule.next(again, true, true), task) << static_cast<int>(task);
  }
}

TEST(VebusPollSchedule, TheRecordIsCheckedInPlaceOfASnapshot) {
  PollSchedule schedule = schedule_read_at(start);
  const Instant due = start + 1500ms;
  for (const auto& periodic : periods) schedule.asked(periodic.first, due - 1ms);
  EXPECT_EQ(schedule.next(due - 1ns, true, true), Task::snapshot);
  EXPECT_EQ(schedule.next(due, true, true), Task::check_record);
  EXPECT_EQ(schedule.next(due, false, true), Task::snapshot);
  schedule.asked(Task::check_record, due);
  EXPECT_EQ(schedule.next(due, true, true), Task::snapshot);
  schedule.check_record_again(due);
  EXPECT_EQ(schedule.next(due, true, true), Task::check_record);
}

TEST(VebusPollSchedule, OfWhatIsDueTheRelativelyLatestIsNext) {
  const auto next = [](Duration leds_late, Duration state_late) {
    PollSchedule schedule = schedule_read_at(start);
    const Instant now = start + 20s;
    read_all(schedule, now);
    schedule.asked(Task::leds, now - 1200ms - leds_late);
    schedule.asked(Task::device_state, now - 6s - state_late);
    schedule.asked(Task::snapshot, now);
    return schedule.next(now, true, true);
  };
  EXPECT_EQ(next(600ms, 2900ms), Task::leds);
  EXPECT_EQ(next(600ms, 3100ms), Task::device_state);
  EXPECT_EQ(next(600ms, 3s), Task::leds) << "as late: the order of the table";
}

TEST(VebusPollSchedule, PowerIsReadBetweenTheRestAndFirstAfterAWrite) {
  // Heartbeat due, but not owed.
  PollSchedule schedule = schedule_read_at(start);
  const Instant now = start + 2s;
  read_all(schedule, now, Task::snapshot, Task::heartbeat);
  schedule.wrote_setpoint(false, now);
  EXPECT_EQ(schedule.next(now, true, true), Task::snapshot);
  schedule.asked(Task::snapshot, now);
  EXPECT_EQ(schedule.next(now, true, true), Task::heartbeat);
  schedule.asked(Task::leds, now);
  EXPECT_EQ(schedule.next(now, true, true), Task::snapshot);
  // LEDs due: those are owed, and go before power for half a second.
  const Instant later = start + 10s;
  read_all(schedule, later, Task::snapshot);
  schedule.asked(Task::leds, later - 1200ms);
  schedule.wrote_setpoint(false, later);
  EXPECT_EQ(schedule.next(later, true, true), Task::leds);
  EXPECT_EQ(schedule.next(later + 500ms - 1ns, true, true), Task::leds);
  EXPECT_EQ(schedule.next(later + 500ms, true, true), Task::snapshot);
}

TEST(VebusPollSchedule, WhatTakesLongFollowsTheMainStateAndKeepsAwayFromALargeChange) {
  const auto next = [](bool large_change, Duration after_it, Duration late) {
    PollSchedule schedule = schedule_read_at(start);
    const Instant now = start + 2min;
    read_all(schedule, now, Task::mains);
    schedule.wrote_setpoint(large_change, now - after_it);
    schedule.asked(Task::input, now - 30s - late);
    schedule.asked(Task::mains, now);
    return schedule.next(now, true, true);
  };
  EXPECT_EQ(next(false, 0s, 0s), Task::input);
  EXPECT_EQ(next(true, 3s - 1ns, 0s), Task::snapshot);
  EXPECT_EQ(next(true, 3s, 0s), Task::input);
  EXPECT_EQ(next(true, 0s, 30s - 1ns), Task::snapshot);
  EXPECT_EQ(next(true, 0s, 30s), Task::input) << "not put off for ever";
  PollSchedule schedule = schedule_read_at(start);
  const Instant due = start + 30s;
  read_all(schedule, due, Task::snapshot, Task::input);
  EXPECT_EQ(schedule.next(due, true, true), Task::snapshot) << "not behind a power reading";
  schedule.asked(Task::mains, due);
  EXPECT_EQ(schedule.next(due, true, true), Task::input);
  schedule.heard_input(due);
  EXPECT_EQ(schedule.next(due, true, true), Task::snapshot) << "told without being asked";
}

TEST(VebusPollSchedule, ASetpointAfterASetpointLeavesRoomForWhatIsOwed) {
  // What is owed how long after it was read; battery and input may stretch.
  const std::vector<std::pair<Task, Duration>> owed{
      {Task::snapshot, 300ms}, {Task::mains, 750ms},     {Task::leds, 1200ms},
      {Task::heartbeat, 3s},   {Task::device_state, 9s}, {Task::keep_flags, 22500ms}};
  for (const auto& [task, age] : owed) {
    for (const bool is_owed : {false, true}) {
      const Instant now = start + 1min;
      PollSchedule schedule = schedule_read_at(now - age + (is_owed ? 0ns : 1ns));
      for (const auto& periodic : periods)
        if (periodic.first != task) schedule.asked(periodic.first, now);
      if (task != Task::snapshot) schedule.asked(Task::snapshot, now);
      schedule.wrote_setpoint(false, now);
      schedule.wrote_setpoint(false, now);  // nothing spared
      EXPECT_EQ(schedule.leaves_room_for_setpoint(now), !is_owed) << static_cast<int>(task);
      EXPECT_EQ(schedule.next(now, true, true) == task, is_owed || task == Task::snapshot)
          << static_cast<int>(task);
      schedule.asked(Task::device_state, now);
      EXPECT_TRUE(schedule.leaves_room_for_setpoint(now)) << "one reading is enough";
    }
  }
  for (const Task task : {Task::battery, Task::input}) {
    const Instant now = start + 1h;
    PollSchedule schedule = schedule_read_at(start);
    read_all(schedule, now, Task::snapshot, task);
    schedule.wrote_setpoint(false, now);
    schedule.wrote_setpoint(false, now);
    EXPECT_TRUE(schedule.leaves_room_for_setpoint(now)) << static_cast<int>(task);
  }
}

/// Two polls between two writes: one write may follow another although something is owed.
TEST(VebusPollSchedule, CalmSparesOneWrite) {
  const auto rooms = [](std::initializer_list<int> polls_before_each_write) {
    PollSchedule schedule = schedule_read_at(start);
    schedule.wrote_setpoint(false, start);
    schedule.wrote_setpoint(false, start);
    const Instant now = start + 10s;  // everything is owed
    std::vector<bool> out;
    for (const int polls : polls_before_each_write) {
      for (int i = 0; i < polls; ++i) schedule.asked(Task::battery, now);
      schedule.wrote_setpoint(false, now);
      out.push_back(schedule.leaves_room_for_setpoint(now));
    }
    return out;
  };
  EXPECT_EQ(rooms({0}), (std::vector<bool>{false}));
  EXPECT_EQ(rooms({1}), (std::vector<bool>{false}));
  EXPECT_EQ(rooms({2}), (std::vector<bool>{true}));
  EXPECT_EQ(rooms({3}), (std::vector<bool>{true}));
  EXPECT_EQ(rooms({2, 0, 1}), (std::vector<bool>{true, false, false}));
  EXPECT_EQ(rooms({2, 1, 1, 0}), (std::vector<bool>{true, true, true, false}));
}

// ---- in the driver ------------------------------------------------------------------------------

TEST(VebusDriverSetpoint, ANewTargetWaitsForNothingButTheTransactionUnderWay) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  double watts = -500.0;
  unsigned behind_a_refresh = 0;
  for (int i = 0; i < 100; ++i) {
    for (int quiet = 0; quiet < 20 + i % 10; ++quiet) {
      hand.command(watts);
      hand.answer(90ms);
    }
    const auto* under_way = std::get_if<Winmon>(&hand.last());
    if (under_way != nullptr && under_way->code == Code::write_by_id) ++behind_a_refresh;
    watts -= 3.0;
    hand.command(watts);
    hand.answer(90ms);
    ASSERT_EQ(-hand.words_written().back(), static_cast<int>(watts)) << i;
  }
  EXPECT_GT(behind_a_refresh, 2u);
}

TEST(VebusDriverSetpoint, ARestlessTargetIsHeldUpByOneReadingAtMost) {
  Hand hand;
  hand.make_ready();
  hand.settle();
  std::size_t writes = hand.words_written().size();
  unsigned others = 0;
  for (int i = 0; i < 500; ++i) {
    hand.command(-500.0 - 2.0 * i);
    hand.answer(90ms);
    const bool written =
        hand.words_written().size() > std::exchange(writes, hand.words_written().size());
    others = written ? 0 : others + 1;
    ASSERT_LE(others, 1u) << i;
  }
}

TEST(VebusDriverSetpoint, ARestlessTargetLeavesTimeToReadPowersAndTheRest) {
  Hand hand;
  hand.make_ready();
  const auto powers = [&] {
    return std::ranges::count(hand.samples, Channel{Point::inverter, Measure::power},
                              &Sample::channel);
  };
  const auto states = [&] {
    return std::ranges::count(hand.samples, Channel{Point::inverter, Measure::main_state},
                              &Sample::channel);
  };
  const auto powers_before = powers();
  const auto states_before = states();
  const Instant begun = hand.now;
  for (int i = 0; i < 200; ++i) {
    hand.command(i % 2 == 0 ? -500.0 : -900.0);
    hand.answer();
  }
  const double seconds = Seconds{hand.now - begun}.count();
  EXPECT_GT(static_cast<double>(powers() - powers_before), 1.5 * seconds);
  EXPECT_GT(static_cast<double>(states() - states_before), 0.8 * seconds);
}

TEST(VebusDriverSetpoint, NoRestlessTargetMakesReadingsStale) {
  const std::vector<std::array<double, 2>> targets{{0.0, -400.0}, {300.0, -300.0}, {5.0, -5.0}};
  for (const auto& target : targets) {
    Hand hand;
    hand.make_ready();
    hand.settle();
    hand.samples.clear();
    std::map<Measure, Instant> seen;
    std::map<Measure, Duration> longest;
    for (int i = 0; i < 600; ++i) {
      hand.command(target[static_cast<std::size_t>(i % 2)]);
      hand.answer(100ms);
      for (const auto& sample : std::exchange(hand.samples, {})) {
        const auto [before, first] = seen.try_emplace(sample.channel.measure, sample.at);
        const Duration gap = sample.at - std::exchange(before->second, sample.at);
        longest[sample.channel.measure] = std::max(longest[sample.channel.measure], gap);
      }
    }
    EXPECT_LE(longest[Measure::main_state], 1500ms) << target[0];
    EXPECT_LE(longest[Measure::dc_power], 1500ms) << target[0];
    EXPECT_LE(longest[Measure::alarms], 3s) << target[0];
    for (const auto needed : {Measure::dc_power, Measure::main_state, Measure::alarms})
      EXPECT_LE(hand.now - seen[needed], 3s) << name(needed);
  }
}

}  // namespace
}  // namespace esshub::protocol::vebus
