// F21: a grid meter that answers our own power the wrong way round.
#include "control/sign_check.hpp"

#include <cmath>
#include <functional>

#include <gtest/gtest.h>

namespace esshub::control {
namespace {

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

}  // namespace
}  // namespace esshub::control
