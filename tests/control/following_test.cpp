#include "control/following.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace esshub::control {
namespace {

constexpr Duration period = 100ms;

struct Inverter {
  Following following;
  Instant now = Instant{} + 100s;
  std::optional<Followed> power;

  Inverter(double told, double does) : power(Followed{Watts{told}, Watts{does}}) {}
  void does(double watts) { power->does = Watts{watts}; }
  const Following& tick() {
    now += period;
    evaluate_following(following, power, now);
    return following;
  }
  const Following& run(Duration time) {
    for (const Instant end = now + time; now < end;) tick();
    return following;
  }
};

TEST(FollowingTimes, MoreOrTheOtherWayIsUnsafeLessIsItsOwnLimit) {
  enum class Is : std::uint8_t { followed, unsafe, less };
  struct {
    double told, does;
    Is is;
  } constexpr rows[]{
      {500, 650, Is::followed},     {500, 650.1, Is::unsafe},     {500, 350, Is::followed},
      {500, 349.9, Is::less},       {500, 0, Is::less},           {500, -50, Is::less},
      {500, -50.1, Is::unsafe},     {2000, 2300, Is::followed},   {2000, 2300.1, Is::unsafe},
      {2000, 1700, Is::followed},   {2000, 1699.9, Is::less},     {100, -50, Is::followed},
      {100, -50.1, Is::unsafe},     {0, 150, Is::followed},       {0, 150.1, Is::unsafe},
      {0, -150.1, Is::unsafe},      {-500, -650, Is::followed},   {-500, -650.1, Is::unsafe},
      {-500, -349.9, Is::less},     {-500, 50, Is::less},         {-500, 50.1, Is::unsafe},
      {-2000, -2300, Is::followed}, {-2000, -2300.1, Is::unsafe}, {-2000, -1699.9, Is::less},
  };
  for (const auto& row : rows) {
    Inverter inverter{row.told, row.does};
    inverter.tick();
    const Following before = inverter.run(15s - period);
    EXPECT_FALSE(before.not_followed || before.derating);
    const Following& after = inverter.tick();
    EXPECT_EQ(after.not_followed, row.is == Is::unsafe) << row.told << " W, does " << row.does;
    EXPECT_EQ(after.derating, row.is == Is::less) << row.told << " W, does " << row.does;
  }
}

TEST(FollowingTimes, AReleaseEndsWhatItWasHeldBackTo) {
  Inverter inverter{2000, 900};
  ASSERT_TRUE(inverter.run(16s).derating);
  inverter.does(-900);
  EXPECT_TRUE(inverter.run(20s).derating);
  ASSERT_TRUE(inverter.run(20s).released_until);
  EXPECT_FALSE(inverter.following.derating);
}

TEST(FollowingTimes, AnInverterThatHoldsBackIsNeverReleased) {
  for (const double does : {0.0, 900.0, -20.0}) {
    Inverter inverter{2000, does};
    for (int n = 0; n < 6000; ++n) ASSERT_FALSE(inverter.tick().released_until) << does;
    EXPECT_TRUE(inverter.following.derating);
    EXPECT_FALSE(inverter.following.not_followed);
  }
}

TEST(FollowingTimes, WhatItDoesAndTwiceTheToleranceIsTheMostToCommand) {
  EXPECT_EQ(Inverter(2000, 800).run(16s).most, Watts{1100});
  EXPECT_EQ(Inverter(2400, 2000).run(16s).most, Watts{2600});
  EXPECT_EQ(Inverter(2000, -30).run(16s).most, Watts{300});
  EXPECT_EQ(Inverter(-2000, -800).run(16s).most, Watts{-1100});
  EXPECT_EQ(Inverter(-2000, 30).run(16s).most, Watts{-300});
}

TEST(FollowingTimes, TheLimitMovesWithWhatItDoes) {
  Inverter inverter{2000, 800};
  inverter.run(16s);
  inverter.does(500);
  EXPECT_EQ(inverter.tick().most, Watts{800});
  inverter.does(1200);
  EXPECT_EQ(inverter.tick().most, Watts{1560});
}

TEST(FollowingTimes, TheOtherDirectionIsFree) {
  Inverter inverter{2000, 800};
  inverter.run(16s);
  inverter.power = Followed{Watts{-900}, Watts{-880}};
  EXPECT_EQ(inverter.tick().most, Watts{1100});
  inverter.power = Followed{Watts{}, Watts{}};
  EXPECT_EQ(inverter.tick().most, Watts{1100});
  Inverter discharging{-2000, -800};
  discharging.run(16s);
  discharging.power = Followed{Watts{}, Watts{}};
  EXPECT_EQ(discharging.tick().most, Watts{-1100}) << "at rest it shows nothing";
}

TEST(FollowingTimes, ALimitIsTheSameWhileTheUnitStandsAtIt) {
  Inverter inverter{2000, 800};
  inverter.run(16s);
  inverter.power->told = inverter.following.most;  // as control then commands
  EXPECT_TRUE(inverter.run(600s).derating) << "it is seen to do less for ever";
  EXPECT_EQ(inverter.following.most, Watts{1100});
}

TEST(FollowingTimes, HoldingBackEndsAfterFiveSecondsOfDoingAsTold) {
  Inverter inverter{2000, 800};
  inverter.run(16s);
  inverter.does(2000);
  inverter.tick();
  EXPECT_TRUE(inverter.run(5s - period).derating);
  EXPECT_FALSE(inverter.tick().derating);
}

TEST(FollowingTimes, HoldingBackEndsTheAlarm) {
  Inverter inverter{500, 900};
  ASSERT_TRUE(inverter.run(16s).not_followed);
  inverter.does(300);
  inverter.tick();
  EXPECT_TRUE(inverter.run(15s - period).not_followed);
  EXPECT_FALSE(inverter.tick().not_followed);
  EXPECT_TRUE(inverter.following.derating);
}

TEST(FollowingTimes, TimesAreOfOneKindEach) {
  Inverter inverter{1000, 500};
  for (int n = 0; n < 4; ++n) {  // less and more by turns
    inverter.does(500);
    EXPECT_FALSE(inverter.run(14s).derating);
    inverter.does(1500);
    EXPECT_FALSE(inverter.run(14s).not_followed);
  }
}

TEST(FollowingTimes, UnsafeIsReleasedAfterThirtySecondsForAMinute) {
  Inverter inverter{500, 1000};
  inverter.tick();
  EXPECT_FALSE(inverter.run(30s - period).released_until);
  EXPECT_TRUE(inverter.tick().released_until);
  inverter.does(500);
  EXPECT_TRUE(inverter.run(60s - period).released_until);
  EXPECT_FALSE(inverter.tick().released_until);
  EXPECT_TRUE(inverter.following.not_followed) << "not yet proved";
  EXPECT_FALSE(inverter.run(5s).not_followed);
}

TEST(FollowingTimes, TheAlarmWaitsForAWordAfterARelease) {
  for (const auto& [silence, stays] :
       {std::pair<Duration, bool>{15s - period, true}, {15s, false}}) {
    Inverter inverter{500, 900};
    const auto told = inverter.power;
    ASSERT_TRUE(inverter.run(31s).released_until);
    inverter.power.reset();
    inverter.run(59s);
    while (inverter.tick().released_until) continue;
    inverter.run(silence);
    EXPECT_EQ(inverter.following.not_followed, stays);
    inverter.power = told;
    EXPECT_EQ(inverter.run(5s).not_followed, stays) << "it does as little as before";
    inverter.does(500);
    EXPECT_FALSE(inverter.run(6s).not_followed) << "it follows";
  }
}

TEST(FollowingTimes, WhatIsNotKnownBeginsAnew) {
  Inverter inverter{2000, 800};
  inverter.run(16s);
  const auto power = std::exchange(inverter.power, std::nullopt);
  EXPECT_FALSE(inverter.tick().derating);
  inverter.power = power;
  EXPECT_FALSE(inverter.run(14s).derating);
}

/// F7a: what it does now is its limit, as long as it is not seen to follow for 5 s.
TEST(FollowingTimes, TheLimitIsWhatItDoesNowAlsoInAMomentInWhichItFollows) {
  Inverter inverter{2000, 800};
  inverter.run(16s);
  inverter.power = Followed{Watts{1100}, Watts{1100}};
  EXPECT_EQ(inverter.tick().most, Watts{1430});
  inverter.power = Followed{Watts{1430}, Watts{900}};
  EXPECT_EQ(inverter.tick().most, Watts{1200});
  EXPECT_TRUE(inverter.following.derating);
}

}  // namespace
}  // namespace esshub::control
