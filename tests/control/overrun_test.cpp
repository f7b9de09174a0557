#include "control/overrun.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace esshub::control {
namespace {

// Written from safety contract F10: "no decision for max(300 ms, 3 periods), or more than 10 % of
// the periods of 6 s lost: safe setpoint; clears when 6 s with less than 2 % lost and no gap over
// 100 ms".

struct Control {
  Duration period = 20ms;
  OverrunWatch watch{};
  Instant now{1000s};

  bool tick(Duration gap, std::uint64_t missed = 0) {
    now += gap;
    watch.on_tick(now, period, missed);
    return watch.active();
  }
  /// One that comes as late as the periods it has missed.
  bool miss(std::uint64_t missed) {
    return tick(period * static_cast<Duration::rep>(missed + 1), missed);
  }
  /// In time, for that long; whether it was ever active.
  bool run(Duration time) {
    bool active = false;
    for (const Instant end = now + time; now < end;) active |= tick(period);
    return active;
  }
  /// From now until it is not active any more, ticking in time.
  Duration until_clear() {
    const Instant since = now;
    while (watch.active() && now - since < 60s) tick(period);
    return now - since;
  }
};

TEST(Overrun, AGapIsTooLongBeyond300MsAndThreePeriods) {
  struct Row {
    Duration period;
    Duration longest;
  };
  for (const auto& [period, longest] :
       std::vector<Row>{{10ms, 300ms}, {20ms, 300ms}, {100ms, 300ms}, {200ms, 600ms}, {1s, 3s}}) {
    Control in_time{period};
    in_time.run(10s);
    EXPECT_FALSE(in_time.tick(longest)) << period / 1ms << " ms";
    Control late{period};
    late.run(10s);
    EXPECT_TRUE(late.tick(longest + 1ms)) << period / 1ms << " ms";
  }
}

TEST(Overrun, TheFirstTickIsNoGap) {
  Control control;
  EXPECT_FALSE(control.tick(1000s));
}

TEST(Overrun, MoreThanATenthOfThePeriodsOf6SecondsLost) {
  struct Row {
    Duration period;
    int lost;  ///< one by one, that many are a tenth of 6 s
  };
  for (const auto& [period, tenth] :
       std::vector<Row>{{10ms, 60}, {20ms, 30}, {50ms, 12}, {100ms, 6}, {600ms, 1}}) {
    Control control{period};
    control.run(10s);
    for (int i = 0; i < tenth; ++i) ASSERT_FALSE(control.miss(1)) << i << " of " << period / 1ms;
    EXPECT_TRUE(control.miss(1)) << period / 1ms << " ms";
  }
}

TEST(Overrun, WhatWasLostMoreThan6SecondsAgoDoesNotCount) {
  for (const auto& [rest, active] : {std::pair{5780ms, true}, {6000ms, false}}) {
    Control control;
    control.run(10s);
    for (int i = 0; i < 6; ++i) control.miss(5);  // 30 of 300: a tenth
    ASSERT_FALSE(control.watch.active());
    control.run(rest - 600ms);  // the first five are that old
    EXPECT_EQ(control.miss(1), active) << rest / 1ms;
  }
}

TEST(Overrun, APeriodNowAndThenIsNotMoreThanATenth) {
  Control control;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_FALSE(control.miss(1)) << i;
    ASSERT_FALSE(control.run(180ms)) << i;  // 1 of 11
  }
}

TEST(Overrun, AfterAGapItClearsIn6Seconds) {
  for (const Duration period : {10ms, 20ms, 100ms}) {
    Control control{period};
    control.run(10s);
    ASSERT_TRUE(control.tick(301ms));
    EXPECT_EQ(control.until_clear(), Duration{6s}) << period / 1ms;
    EXPECT_FALSE(control.run(10s));
  }
}

TEST(Overrun, AfterAStallWhosePeriodsAreToldATickLaterItClears6SecondsAfterThat) {
  Control control;
  control.run(10s);
  ASSERT_TRUE(control.tick(5s));
  ASSERT_TRUE(control.tick(20ms, 249));
  EXPECT_EQ(control.until_clear(), Duration{6s});
}

TEST(Overrun, ItDoesNotClearWith2PercentLost) {
  struct Row {
    int lost;
    bool clears;
  };
  // 300 periods in 6 s: 6 of them are 2 %.
  for (const auto& [lost, clears] : std::vector<Row>{{5, true}, {6, false}}) {
    Control control;
    control.run(10s);
    control.tick(301ms);
    for (int round = 0; round < 5; ++round) {
      for (int i = 0; i < lost; ++i) {
        control.miss(1);
        control.run(Duration{6s} / lost - 40ms);
      }
    }
    EXPECT_EQ(control.watch.active(), !clears) << lost;
  }
}

TEST(Overrun, ItDoesNotClearWithin6SecondsOfAGapOver100Ms) {
  for (const auto& [gap, clears] : {std::pair{100ms, true}, {101ms, false}}) {
    Control control;
    control.run(10s);
    control.tick(301ms);
    control.run(3s);
    control.tick(gap);
    control.run(3s);
    EXPECT_EQ(control.watch.active(), !clears) << gap / 1ms;
    if (!clears) {
      EXPECT_EQ(control.until_clear(), Duration{3s});
    }
  }
}

TEST(Overrun, AGapOfLongPeriodsIsOneOverTwo) {
  for (const auto& [gap, clears] : {std::pair{1000ms, true}, {1001ms, false}}) {
    Control control{500ms};
    control.run(10s);
    control.tick(1501ms);
    control.run(3s);
    control.tick(gap);
    control.run(1s);
    ASSERT_TRUE(control.watch.active());
    control.run(1500ms);
    EXPECT_EQ(control.watch.active(), !clears) << gap / 1ms;
  }
}

TEST(Overrun, ANewPeriodHoldsFromTheNextWaitOn) {
  Control shorter{1s};
  shorter.run(10s);
  shorter.period = 20ms;
  EXPECT_FALSE(shorter.tick(1s)) << "it had waited for the old one";
  EXPECT_TRUE(shorter.tick(301ms));
  Control longer{20ms};
  longer.run(10s);
  longer.period = 1s;
  EXPECT_FALSE(longer.tick(20ms));
  EXPECT_FALSE(longer.tick(1s));
}

TEST(Overrun, AStallOfUpToTenSecondsIsToldForASecond) {
  Control control;
  control.run(10s);
  control.tick(300ms);
  EXPECT_EQ(control.watch.stall(), Duration{});
  control.tick(5s);
  EXPECT_EQ(control.watch.stall(), Duration{5s});
  control.run(980ms);
  EXPECT_EQ(control.watch.stall(), Duration{5s});
  control.tick(20ms);
  EXPECT_EQ(control.watch.stall(), Duration{});
  control.tick(10s);
  EXPECT_EQ(control.watch.stall(), Duration{10s});
  control.tick(10s + 1ms);
  EXPECT_EQ(control.watch.stall(), Duration{});
}

TEST(Overrun, WithMoreLossesThanItCanTellApartItForgetsNoneTooEarly) {
  Control control{1ms};
  control.run(10s);
  for (int i = 0; i < 2000; ++i) control.miss(1);  // 4 s
  EXPECT_TRUE(control.watch.active());
  control.run(5s);
  EXPECT_TRUE(control.watch.active());
  control.run(1100ms);
  EXPECT_FALSE(control.watch.active());
}

}  // namespace
}  // namespace esshub::control
