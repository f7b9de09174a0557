// F21: a grid meter that answers our own power the wrong way round.
#include "control/sign_check.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <utility>

namespace esshub::control {
namespace {

using namespace esshub::literals;

/// A meter that shows sign x (load + own), every `poll`.
struct Meter {
  SignCheck check{};
  double sign = 1.0;
  Duration poll = 150ms;
  Instant now{1h};

  using Power = std::function<double(double seconds)>;
  void run(Duration time, const Power& own, const Power& load) {
    for (const Instant begin = now; now - begin < time; now += poll) {
      const double t = Seconds{now - begin}.count();
      check_sign(check, {now, Watts{sign * (load(t) + own(t))}, Watts{own(t)}});
    }
  }
  void move(
      double from, double to, const Power& load = [](double) { return 400.0; }) {
    run(
        5s, [=](double t) { return from + (to - from) * std::min(1.0, t / 2.0); }, load);
  }
  [[nodiscard]] bool rests() const { return check.rest_until && now < *check.rest_until; }
};

TEST(SignCheck, AMoveThatIsMirroredPutsTheBatteryToRestASecondOneIsCertain) {
  for (const Duration poll : {100ms, 330ms, 1000ms}) {
    Meter m{.sign = -1.0, .poll = poll};
    m.move(-400, 300);
    EXPECT_TRUE(m.rests());
    EXPECT_FALSE(m.check.reversed);
    m.move(600, 0);
    EXPECT_TRUE(m.check.reversed) << "poll " << poll / 1ms;
    m.run(
        14min, [](double) { return 0.0; }, [](double) { return 400.0; });
    EXPECT_TRUE(m.rests());
    EXPECT_TRUE(m.check.reversed);
  }
}

TEST(SignCheck, OneMoveThatIsAnsweredRightEndsIt) {
  Meter m{.sign = -1.0};
  m.move(-400, 300);
  m.move(600, 0);
  m.run(
      16min, [](double) { return 0.0; }, [](double) { return 400.0; });
  EXPECT_FALSE(m.rests()) << "one more try";
  EXPECT_TRUE(m.check.reversed);
  m.sign = 1.0;
  m.move(0, -1000);
  EXPECT_FALSE(m.check.reversed);
  EXPECT_FALSE(m.rests());
}

TEST(SignCheck, AfterTheRestOneMirroredMoveIsEnough) {
  Meter m{.sign = -1.0};
  m.move(-400, 300);
  m.move(600, 0);
  m.run(
      16min, [](double) { return 0.0; }, [](double) { return 400.0; });
  m.move(0, 1000);
  EXPECT_TRUE(m.rests());
  EXPECT_TRUE(m.check.reversed);
}

TEST(SignCheck, ASuspicionAloneIsForgotten) {
  Meter m{.sign = -1.0};
  m.move(-400, 300);
  EXPECT_TRUE(m.check.suspected);
  m.run(
      3min, [](double) { return 0.0; }, [](double) { return 400.0; });
  EXPECT_FALSE(m.check.suspected);
  EXPECT_FALSE(m.rests());
}

TEST(SignCheck, LoadsThatTheBatteryFollowsRaiseNoSuspicion) {
  Meter m;
  // A kettle of 2 kW every 20 s, seen through the meter's filter and followed 0.4 s later at 1
  // kW/s.
  const auto kettle = [](double t) {
    const double phase = std::fmod(t, 20.0);
    return phase < 10.0 ? 400.0 + 2000.0 * (1.0 - std::exp(-phase / 0.217))
                        : 400.0 + 2000.0 * std::exp(-(phase - 10.0) / 0.217);
  };
  const auto followed = [](double t) {
    const double phase = std::fmod(t, 20.0);
    const double up = std::clamp((phase - 0.4) * 1000.0, 0.0, 2000.0);
    const double down = std::clamp((phase - 10.4) * 1000.0, 0.0, 2000.0);
    return -400.0 - up + down;
  };
  for (int i = 0; i < 20; ++i) {
    m.run(60s, followed, kettle);
    ASSERT_FALSE(m.check.suspected);
  }
}

TEST(SignCheck, AnotherBatteryThatWorksAgainstUsIsNoReversedMeter) {
  Meter m;
  m.move(-400, 1600, [](double t) { return 400.0 - 2000.0 * std::min(1.0, t / 2.0); });
  EXPECT_FALSE(m.check.suspected);
}

TEST(SignCheck, ALoadThatMirrorsUsTwiceIsRefutedByTheWayToRest) {
  Meter m;
  // By chance the load rises as twice the mirror of our own move,
  m.move(0, -1200, [](double t) { return 400.0 + 2400.0 * std::min(1.0, t / 2.0); });
  EXPECT_TRUE(m.rests());
  // and stays: the way to rest is answered right.
  m.move(-1200, 0, [](double) { return 2800.0; });
  EXPECT_FALSE(m.rests());
  EXPECT_FALSE(m.check.suspected);
}

TEST(SignCheck, ASmallMoveIsEnoughToClearIt) {
  Meter m{.sign = -1.0};
  m.move(-400, 300);
  m.sign = 1.0;
  m.move(300, 0);
  EXPECT_FALSE(m.rests());
}

TEST(SignCheck, SmallOrOldMovesProveNothing) {
  Meter m{.sign = -1.0};
  m.move(0, 400);
  EXPECT_FALSE(m.check.suspected);
  m.run(
      60s, [](double t) { return 400.0 + 20.0 * t; }, [](double) { return 400.0; });
  EXPECT_FALSE(m.check.suspected) << "120 W in 6 s";
}

// ---- each threshold at its limit
// ------------------------------------------------------------------

/// Pairs `step` apart in which our own power goes from 0 to `move` in equal steps and the house
/// without us drifts by `drift`.
SignCheck moved(double sign, double move, int pairs, Duration step, double drift = 0.0,
                SignCheck check = {}) {
  const Instant begin = check.count > 0 || check.suspected ? Instant{2h} : Instant{1h};
  for (int i = 0; i < pairs; ++i) {
    const double share = static_cast<double>(i) / (pairs - 1);
    const Watts own{move * share};
    check_sign(check, {begin + i * step, sign * own + Watts{400.0 + drift * share}, own});
  }
  return check;
}

struct Suspicion {
  const char* what;
  double move;
  int pairs;
  Duration step;
  double drift;
  bool suspected;
};
TEST(SignCheck, AMirroredMoveIsOf500WattsInFivePairsOverASecond) {
  for (const auto& row : {
           Suspicion{"enough", 500, 5, 250ms, 0, true},
           Suspicion{"too small", 499, 5, 250ms, 0, false},
           Suspicion{"enough, downwards", -500, 5, 250ms, 0, true},
           Suspicion{"four pairs", 500, 4, 500ms, 0, false},
           Suspicion{"too fast", 500, 5, 249ms, 0, false},
           Suspicion{"the house moves a fifth of it", 500, 5, 250ms, 100, true},
           Suspicion{"the house moves more", 500, 5, 250ms, 101, false},
           Suspicion{"the house moves more, the other way", 500, 5, 250ms, -101, false},
           Suspicion{"within six seconds", 500, 7, 1s, 0, true},
           Suspicion{"not within six seconds", 500, 9, 1s, 0, false},
           Suspicion{"polled slowly", 500, 5, 1500ms, 0, true},
       })
    EXPECT_EQ(moved(-1.0, row.move, row.pairs, row.step, row.drift).suspected.has_value(),
              row.suspected)
        << row.what;
}

SignCheck suspicious() {
  SignCheck check;
  check.suspected = Instant{2h};
  check.rest_until = Instant{2h} + 6s;
  check.reversed = true;
  return check;
}

TEST(SignCheck, AClearingMoveIsOf250WattsInFivePairsOverASecond) {
  for (const auto& row : {
           Suspicion{"enough", 250, 5, 250ms, 0, false},
           Suspicion{"too small", 249, 5, 250ms, 0, true},
           Suspicion{"enough, downwards", -250, 5, 250ms, 0, false},
           Suspicion{"four pairs", 250, 4, 500ms, 0, true},
           Suspicion{"too fast", 250, 5, 249ms, 0, true},
           Suspicion{"the house moves a fifth of it", 250, 5, 250ms, 50, false},
           Suspicion{"the house moves more", 250, 5, 250ms, 51, true},
       }) {
    const SignCheck check = moved(1.0, row.move, row.pairs, row.step, row.drift, suspicious());
    EXPECT_EQ(check.suspected.has_value(), row.suspected) << row.what;
    EXPECT_EQ(check.rest_until.has_value(), row.suspected) << row.what;
    EXPECT_EQ(check.reversed, row.suspected) << row.what;
  }
}

TEST(SignCheck, RestsSixSecondsOnASuspicionAndFifteenMinutesWhenCertain) {
  SignCheck check = moved(-1.0, 1000, 5, 250ms);
  EXPECT_EQ(check.rest_until, Instant{1h} + 1s + 6s);
  EXPECT_FALSE(check.reversed);
  check = moved(-1.0, 1000, 5, 250ms, 0, check);  // an hour later: a suspicion again
  EXPECT_EQ(check.rest_until, Instant{2h} + 1s + 6s);
  EXPECT_FALSE(check.reversed);
  check.suspected = Instant{2h} - 119s + 1s;
  check = moved(-1.0, 1000, 5, 250ms, 0, check);
  EXPECT_EQ(check.rest_until, Instant{2h} + 1s + 15min);
  EXPECT_TRUE(check.reversed);
}

TEST(SignCheck, ASecondMirroredMoveCountsWithinTwoMinutes) {
  for (const auto& [ago, certain] : {std::pair{2min + 0ms, true}, std::pair{2min + 1ms, false}}) {
    SignCheck check;
    check.suspected = Instant{2h} + 1s - ago;
    EXPECT_EQ(moved(-1.0, 1000, 5, 250ms, 0, check).reversed, certain) << ago / 1ms << " ms";
  }
}

TEST(SignCheck, APairThatIsNotNewerIsNotTaken) {
  SignCheck check;
  const SignCheck::Pair first{Instant{1h}, 400.0_W, 0.0_W};
  check_sign(check, first);
  check_sign(check, first);
  check_sign(check, {Instant{1h} - 1ms, 400.0_W, 0.0_W});
  EXPECT_EQ(check.count, 1u);
  check_sign(check, {Instant{1h} + 1ms, 400.0_W, 0.0_W});
  EXPECT_EQ(check.count, 2u);
}

TEST(SignCheck, AfterAGapOfMoreThanSixSecondsItBeginsAnew) {
  for (const auto& [gap, count] : {std::pair{6000ms, 2u}, std::pair{6001ms, 1u}}) {
    SignCheck check;
    check_sign(check, {Instant{1h}, 400.0_W, 0.0_W});
    check_sign(check, {Instant{1h} + gap, 400.0_W, 0.0_W});
    EXPECT_EQ(check.count, count);
  }
}

TEST(SignCheck, AfterASuspicionWhatComesNextIsAnotherMove) {
  SignCheck check = moved(-1.0, 1000, 5, 250ms);
  for (int i = 1; i <= 8; ++i)  // the battery stands still
    check_sign(check, {Instant{1h} + 1s + i * 250ms, Watts{-600}, Watts{1000}});
  EXPECT_FALSE(check.reversed);
}

TEST(SignCheck, EveryPairOfAMoveHasToFit) {
  for (int odd = 0; odd < 5; ++odd) {
    SignCheck check;
    for (int i = 0; i < 5; ++i) {
      const double own = 250.0 * i;
      check_sign(check,
                 {Instant{1h} + i * 250ms, Watts{400 - own + (i == odd ? 300 : 0)}, Watts{own}});
    }
    EXPECT_FALSE(check.suspected) << odd;
  }
}

/// A meter that is read faster than the ring holds six seconds: what it still holds is looked at.
TEST(SignCheck, AFastMeterIsJudgedByWhatIsKept) {
  SignCheck check = moved(1.0, 0, 500, 20ms);
  check = moved(-1.0, 2000, 60, 20ms, 0, check);
  EXPECT_TRUE(check.suspected);
}

}  // namespace
}  // namespace esshub::control
