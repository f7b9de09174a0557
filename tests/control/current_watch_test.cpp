#include "control/current_watch.hpp"

#include <gtest/gtest.h>

namespace esshub::control {
namespace {

constexpr Duration period = 100ms;

/// 50 V, an inverter of 1000 W/s.
struct Pack {
  CurrentWatch watch;
  Instant now = Instant{} + 100s;
  PackCurrent pack{Amperes{0}, Amperes{50}, Amperes{50}, Volts{50}};
  bool known = true;
  WattsPerSecond ramp{1000};

  const CurrentWatch& tick() {
    now += period;
    watch_current(watch, known ? std::optional{pack} : std::nullopt, ramp, now);
    return watch;
  }
  const CurrentWatch& run(Duration time) {
    for (const Instant end = now + time; now < end;) tick();
    return watch;
  }
  bool exceeds(double amperes, double ccl, double dcl) {
    Pack other;
    other.pack = {Amperes{amperes}, Amperes{ccl}, Amperes{dcl}, Volts{50}};
    return other.run(10s).exceeded();
  }
};

TEST(CurrentWatch, AllowsMax3AmperesOr15PercentBeyondEitherLimit) {
  struct {
    double amperes, ccl, dcl;
    bool exceeded;
  } constexpr rows[]{
      {3.0, 0, 0, false},   {3.01, 0, 0, true},    {-3.0, 0, 0, false},   {-3.01, 0, 0, true},
      {23.0, 20, 0, false}, {23.01, 20, 0, true},  {-23.0, 0, 20, false}, {-23.01, 0, 20, true},
      {46.0, 40, 9, false}, {46.01, 40, 99, true}, {-46.0, 9, 40, false}, {-46.01, 99, 40, true},
  };
  for (const auto& row : rows)
    EXPECT_EQ(Pack{}.exceeds(row.amperes, row.ccl, row.dcl), row.exceeded)
        << row.amperes << " A, CCL " << row.ccl << ", DCL " << row.dcl;
}

TEST(CurrentWatch, WaitsTwoSecondsLongerThanTheRampNeeds) {
  for (const double sign : {1.0, -1.0}) {
    Pack p;
    p.pack.ccl = p.pack.dcl = Amperes{10};
    p.pack.current = Amperes{sign * 40};  // 30 A x 50 V: 1.5 s at 1000 W/s
    p.tick();
    EXPECT_FALSE(p.run(3400ms).exceeded());
    EXPECT_TRUE(p.tick().exceeded());
  }
}

TEST(CurrentWatch, AnExcessThatGrowsBuysNoTime) {
  Pack p;
  p.pack.ccl = Amperes{0};
  p.pack.current = Amperes{4};  // 0.2 s
  p.tick();
  p.pack.current = Amperes{40};
  EXPECT_FALSE(p.run(2100ms).exceeded());
  EXPECT_TRUE(p.tick().exceeded());
}

TEST(CurrentWatch, AnExcessThatEndsInTimeIsForgotten) {
  Pack p;
  p.pack.ccl = Amperes{0};
  for (int n = 0; n < 5; ++n) {
    p.pack.current = Amperes{4};
    EXPECT_FALSE(p.run(2s).exceeded());
    p.pack.current = Amperes{};
    p.tick();
  }
}

TEST(CurrentWatch, ReleasesForAMinuteWhenRestDoesNotHelp) {
  Pack p;
  p.pack.ccl = Amperes{0};
  p.pack.current = Amperes{4};
  p.tick();
  ASSERT_TRUE(p.run(2200ms).exceeded());
  EXPECT_FALSE(p.run(2100ms).released_until);
  EXPECT_TRUE(p.tick().released_until);
  p.pack.current = Amperes{};
  EXPECT_TRUE(p.run(60s - period).released_until);
  EXPECT_FALSE(p.tick().released_until);
}

TEST(CurrentWatch, RestThatHelpsIsEnough) {
  Pack p;
  p.pack.ccl = Amperes{0};
  p.pack.current = Amperes{4};
  p.run(2400ms);
  p.pack.current = Amperes{};
  p.run(1s);
  p.pack.current = Amperes{4};  // anew: it has its time again
  EXPECT_FALSE(p.run(2200ms).released_until);
  EXPECT_TRUE(p.run(200ms).released_until);
}

TEST(CurrentWatch, IsOverAfterTenSecondsWithin) {
  Pack p;
  p.pack.ccl = Amperes{0};
  p.pack.current = Amperes{4};
  p.run(2400ms);
  p.pack.current = Amperes{3};
  p.tick();
  EXPECT_TRUE(p.run(10s - period).exceeded());
  EXPECT_FALSE(p.tick().exceeded());
  p.pack.current = Amperes{4};
  p.run(2400ms);
  for (int n = 0; n < 3; ++n) {
    p.pack.current = Amperes{};
    EXPECT_TRUE(p.run(9s).exceeded()) << "never ten in one piece";
    p.pack.current = Amperes{4};
    p.tick();
  }
}

TEST(CurrentWatch, WhatIsNotKnownIsNeitherJudgedNorCleared) {
  Pack p;
  p.pack.ccl = Amperes{0};
  p.pack.current = Amperes{4};
  p.run(2s);
  p.known = false;
  EXPECT_FALSE(p.run(20s).exceeded());
  p.known = true;
  EXPECT_FALSE(p.run(2s).exceeded()) << "begins anew";
  ASSERT_TRUE(p.run(1s).exceeded());
  p.pack.current = Amperes{};
  p.run(9s);
  p.known = false;
  EXPECT_TRUE(p.run(20s).exceeded());
  p.known = true;
  EXPECT_TRUE(p.run(9s).exceeded());
  EXPECT_FALSE(p.run(2s).exceeded());
}

}  // namespace
}  // namespace esshub::control
