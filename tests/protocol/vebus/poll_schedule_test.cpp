#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "tests/protocol/vebus/hand.hpp"

namespace esshub::protocol::vebus {
namespace {

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
  const Instant start = hand.now;
  for (int i = 0; i < 200; ++i) {
    hand.command(i % 2 == 0 ? -500.0 : -900.0);
    hand.answer();
  }
  const double seconds = Seconds{hand.now - start}.count();
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
