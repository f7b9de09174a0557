#include "control/plan/expected_sun.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "tests/control/plan/plain.hpp"
#include "tests/control/plan/plain_time.hpp"

namespace esshub::control {
namespace {

constexpr std::int64_t hour = 3600;
constexpr std::int64_t day = 24 * hour;
constexpr UnixSeconds now = 20000 * day;

/// An hour each, from so many hours after midnight on.
std::vector<AheadSlot> hours(int count, UnixSeconds from = now) {
  std::vector<AheadSlot> all;
  for (int n = 0; n < count; ++n) all.push_back({from + n * hour, from + (n + 1) * hour, 0.3, 0.1});
  return all;
}

/// W, from midnight on, an hour each.
PlanSettings told(const std::vector<double>& watts, UnixSeconds from = now) {
  PlanSettings s;
  for (const double power : watts) {
    s.sun.push_back({from, from + hour, Watts{power}});
    from += hour;
  }
  return s;
}

DayAhead sunny(const std::vector<double>& solar) {
  DayAhead all;
  for (const double energy : solar) all.push_back({100, energy, 0, 0});
  return all;
}

std::vector<double> solar(const DayAhead& of) {
  std::vector<double> all;
  for (const auto& slot : of) all.push_back(slot.solar);
  return all;
}

TEST(PlanExpectedSun, ADaysMeanIsWhatIsToldAndTheDaysStayAsUnlike) {
  std::vector<DayAhead> days{sunny({0, 400, 800}), sunny({0, 300, 100}), sunny({0, 200, 0})};
  EXPECT_TRUE(expect_sun(days, hours(3), told({0, 0, 300}))) << "half of the mean of 600";
  EXPECT_EQ(solar(days[0]), (std::vector<double>{0, 200, 400}));
  EXPECT_EQ(solar(days[1]), (std::vector<double>{0, 150, 50}));
  EXPECT_EQ(solar(days[2]), (std::vector<double>{0, 100, 0}));
  EXPECT_EQ(days[0][1].load, 100);
}

TEST(PlanExpectedSun, NoneGetsMoreThanTheBrightestHad) {
  std::vector<DayAhead> days{sunny({400, 800}), sunny({100, 800}), sunny({0, 200}), sunny({0, 0})};
  EXPECT_TRUE(expect_sun(days, hours(2), told({400, 250})));
  EXPECT_EQ(solar(days[0]), (std::vector<double>{400, 800}));
  EXPECT_NEAR(days[1][0].solar, 200, 1e-6) << "twice as much: together 2600";
  EXPECT_EQ(days[1][1].solar, 800);
  EXPECT_NEAR(days[2][1].solar, 400, 1e-6);
  for (const double absurd : {1e9, std::numeric_limits<double>::infinity()}) {
    EXPECT_TRUE(expect_sun(days, hours(2), told({absurd, absurd})));
    EXPECT_EQ(solar(days[1]), (std::vector<double>{400, 800}));
    EXPECT_EQ(solar(days[2]), (std::vector<double>{0, 800}));
    EXPECT_EQ(solar(days[3]), (std::vector<double>{0, 0}));
  }
}

TEST(PlanExpectedSun, HalfAWattHourIsSunAsWell) {
  std::vector<DayAhead> days{{{0, 0.5, 0.1, 0}}, {{0, 0.3, 0, 0}}};
  EXPECT_TRUE(expect_sun(days, hours(1), told({0.2})));
  EXPECT_NEAR(days[0][0].solar, 0.25, 1e-6);
  EXPECT_NEAR(days[0][0].crossing, 0.05, 1e-6);
  EXPECT_TRUE(expect_sun(days, hours(1), told({5})));
  EXPECT_NEAR(days[1][0].solar, 0.25, 1e-6) << "as the brightest had";
}

TEST(PlanExpectedSun, OfNoneThereIsNone) {
  for (const double none : {0.0, -50.0, std::numeric_limits<double>::quiet_NaN()}) {
    std::vector<DayAhead> days{{{100, 400, 30, 60}}, {{100, 300, 0, 0}}};
    EXPECT_TRUE(expect_sun(days, hours(1), told({none})));
    EXPECT_EQ(solar(days[0]), std::vector{0.0});
    EXPECT_EQ(days[0][0].crossing, 0.0);
    EXPECT_EQ(days[0][0].beyond, 0.0);
    EXPECT_EQ(solar(days[1]), std::vector{0.0});
  }
}

TEST(PlanExpectedSun, WhatIsNotToldStays) {
  const auto was = std::vector{sunny({400, 800, 400}), sunny({200, 400, 0})};
  auto days = was;
  PlanSettings s;
  EXPECT_FALSE(expect_sun(days, hours(3), s));
  EXPECT_EQ(solar(days[0]), solar(was[0]));
  s.sun = {{now + 1, now + hour, Watts{9000}},
           {now + hour, now + hour + 600, Watts{600}},
           {now + hour + 600, now + 2 * hour, Watts{240}},
           {now + 2 * hour, now + 2 * hour + 1799, Watts{9000}},
           {now + 2 * hour + 1800, now + 4 * hour, Watts{9000}}};
  EXPECT_TRUE(expect_sun(days, hours(3), s)) << "300 Wh of the hour in between, in place of 600";
  EXPECT_EQ(solar(days[0]), (std::vector<double>{400, 400, 400}));
  EXPECT_EQ(solar(days[1]), (std::vector<double>{200, 200, 0}));
  s.sun = {{now - 2 * hour, now - hour, Watts{9000}}, {now - hour, now + 4 * hour, Watts{0}}};
  EXPECT_TRUE(expect_sun(days, hours(1), s)) << "longer than the slot at either end";
  EXPECT_EQ(solar(days[0]), (std::vector<double>{0, 400, 400}));
}

TEST(PlanExpectedSun, AtNightThereIsNoSun) {
  std::vector<DayAhead> days{sunny({0, 400}), sunny({-2, 200})};
  EXPECT_FALSE(expect_sun(days, hours(1), told({500})));
  EXPECT_TRUE(expect_sun(days, hours(2), told({50, 100}))) << "counts to the day";
  EXPECT_EQ(solar(days[0]), (std::vector<double>{0, 200}));
  EXPECT_EQ(solar(days[1]), (std::vector<double>{-2, 100}));
  std::vector<DayAhead> none;
  EXPECT_FALSE(expect_sun(none, hours(2), told({50, 100})));
}

TEST(PlanExpectedSun, WhatNobodyStoredIsMissingFirst) {
  const auto with = [](const SlotEnergy& was, double sun) {
    std::vector<DayAhead> days{{was}, {{0, 2000, 0, 0}}};
    const double times = sun / (was.solar + was.beyond);
    const double both = sun + std::min(times, 1.0) * 2000;
    EXPECT_TRUE(expect_sun(days, hours(1), told({both / 2.0})));
    return days[0][0];
  };
  const SlotEnergy clear{100, 600, 0, 400};
  EXPECT_NEAR(with(clear, 700).solar, 600, 1e-9);
  EXPECT_NEAR(with(clear, 700).beyond, 100, 1e-9);
  EXPECT_NEAR(with(clear, 500).solar, 500, 1e-9);
  EXPECT_NEAR(with(clear, 500).beyond, 0, 1e-9);
  const SlotEnergy broken{300, 600, 60, 200};
  EXPECT_NEAR(with(broken, 1000).solar, 750, 1e-9) << "of more as large a part is beyond";
  EXPECT_NEAR(with(broken, 1000).beyond, 250, 1e-9);
  EXPECT_NEAR(with(broken, 1000).crossing, 60, 1e-9);
  EXPECT_NEAR(with(broken, 300).solar, 300, 1e-9);
  EXPECT_NEAR(with(broken, 300).crossing, 30, 1e-9);
  const SlotEnergy taken{300, 0, 0, 200};
  EXPECT_EQ(with(taken, 100).solar, 0);
  EXPECT_EQ(with(taken, 100).crossing, 0) << "and no number's absence";
  EXPECT_NEAR(with(taken, 100).beyond, 100, 1e-9);
}

/// The clocks change by an hour in the first of two days: 23 or 25 hours.
TEST(PlanExpectedSun, ADayIsTheSitesDay) {
  for (const int change : {-60, 0, 60}) {
    auto s = told(std::vector<double>(60, 150.0), now - 2 * hour);
    s.utc_offset = [=](UnixSeconds at) { return at < now + 2 * hour ? 120 : 120 + change; };
    // Midnight of the site's clock is at 22:00 UTC; the second one comes with the new clock.
    const std::size_t first = static_cast<std::size_t>(24 - change / 60);
    std::vector<DayAhead> days(2);
    for (std::size_t k = 0; k < 48; ++k) {
      days[0].push_back({0, k < first ? 200.0 : 1000.0, 0, 0});
      days[1].push_back({0, 100.0, 0, 0});
    }
    EXPECT_TRUE(expect_sun(days, hours(48, now - 2 * hour), s));
    EXPECT_NEAR(days[0][first - 1].solar, 200, 1e-6) << "as the days had it";
    EXPECT_NEAR(days[0][first].solar, 150 * 1000 / 550.0, 1e-6);
    EXPECT_NEAR(days[1][first].solar, 150 * 100 / 550.0, 1e-6);
  }
}

TEST(PlanExpectedSun, EqualsTheReference) {
  for (unsigned seed = 0; seed < 400 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    plain::Draw draw{seed};
    PlanSettings s;
    const int offset = static_cast<int>(draw.of({-600, 0, 60, 120, 780}));
    const auto change = now + static_cast<UnixSeconds>(draw.of({0, 7200, 43200, 90000}));
    if (!draw.one_in(4))
      s.utc_offset = [=](UnixSeconds at) { return at < change ? offset : offset + 60; };
    std::vector<AheadSlot> ahead;
    for (UnixSeconds at = now; at < now + day + 6 * hour;) {
      const auto length = static_cast<UnixSeconds>(draw.of({1800, 3600, 7200}));
      ahead.push_back({at, at + length});
      at += length;
    }
    for (UnixSeconds at = now - hour; at < now + 2 * day;) {
      const auto length = static_cast<UnixSeconds>(draw.of({900, 3600, 5400}));
      if (!draw.one_in(6))
        s.sun.push_back({at, at + length, Watts{draw.of({0, 20, 100, 300, 700, 1e6})}});
      at += length;
    }
    std::vector<DayAhead> days(1 + draw.below(4));
    for (auto& one : days)
      for (std::size_t k = 0; k < ahead.size(); ++k) {
        const double energy = draw.of({0, 0, 30, 100, 400});
        one.push_back({50, energy, std::min(draw.of({0, 10}), energy), draw.of({0, 0, 40})});
      }
    auto right = days;
    const bool any = plain::expect_sun(right, ahead, s);
    EXPECT_EQ(expect_sun(days, ahead, s), any);
    for (std::size_t d = 0; d < days.size(); ++d)
      for (std::size_t k = 0; k < ahead.size(); ++k) {
        EXPECT_EQ(days[d][k].load, right[d][k].load);
        EXPECT_NEAR(days[d][k].solar, right[d][k].solar, 1e-4) << d << ' ' << k;
        EXPECT_NEAR(days[d][k].crossing, right[d][k].crossing, 1e-4);
        EXPECT_NEAR(days[d][k].beyond, right[d][k].beyond, 1e-4);
      }
  }
}

}  // namespace
}  // namespace esshub::control
