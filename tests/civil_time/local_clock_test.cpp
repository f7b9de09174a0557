#include "civil_time/local_clock.hpp"

#include <date/tz.h>
#include <gtest/gtest.h>

#include "config/time_zone.hpp"

namespace esshub::civil_time {
namespace {

using date::operator""_y;

struct Civil {
  LocalClock clock{config::load_time_zone("Europe/London").value()};
  Instant steady{1000s};
  WallTime started{};
  /// The local time at a UTC moment, both clocks running together.
  LocalTime at(date::sys_days day, std::chrono::minutes of_day, bool synchronised = true) {
    const WallTime wall = day + of_day;
    if (started == WallTime{}) started = wall;
    return clock.at(wall, steady + (wall - started), synchronised);
  }
};

TEST(LocalClock, CountsMinutesAndIsoWeekdaysInTheZone) {
  Civil c;
  // Monday 1 June 2026, 12:34 BST
  const auto t = c.at(2026_y / 6 / 1, 11h + 34min);
  EXPECT_EQ(t.minute_of_day, 12 * 60 + 34);
  EXPECT_EQ(t.weekday, 1);
  EXPECT_TRUE(t.trusted);
}

TEST(LocalClock, MidnightBeginsTheNextDay) {
  Civil c;
  const auto before = c.at(2026_y / 1 / 4, 23h + 59min);  // a Sunday, GMT
  EXPECT_EQ(before.minute_of_day, 1439);
  EXPECT_EQ(before.weekday, 7);
  const auto after = c.at(2026_y / 1 / 5, 0min);
  EXPECT_EQ(after.minute_of_day, 0);
  EXPECT_EQ(after.weekday, 1);
}

TEST(LocalClock, SpringForwardSkipsTheHourAtOnce) {
  Civil c;
  EXPECT_EQ(c.at(2026_y / 3 / 29, 59min).minute_of_day, 59);
  EXPECT_EQ(c.at(2026_y / 3 / 29, 60min).minute_of_day, 120);
}

TEST(LocalClock, FallBackRepeatsTheHour) {
  Civil c;
  EXPECT_EQ(c.at(2026_y / 10 / 25, 59min).minute_of_day, 119);
  EXPECT_EQ(c.at(2026_y / 10 / 25, 60min).minute_of_day, 60);
}

TEST(LocalClock, UtcNeedsNoZoneOfTheSystem) {
  LocalClock clock{Zone::utc()};
  const auto t = clock.at(date::sys_days(2100_y / 7 / 1) + 90min, Instant{}, true);
  EXPECT_EQ(t.minute_of_day, 90);
  EXPECT_EQ(t.weekday, 4);
  EXPECT_FALSE(t.held);
  EXPECT_TRUE(clock.at(WallTime{}, Instant{}, true).minute_of_day == 0);
  EXPECT_EQ(Zone::utc().first_moment(std::chrono::local_seconds{5s}), std::chrono::sys_seconds{5s});
}

TEST(LocalClock, AZoneWithoutClockChangesWorksToo) {
  LocalClock clock{config::load_time_zone("Etc/UTC").value()};
  EXPECT_EQ(clock.at(date::sys_days(2026_y / 7 / 1) + 90min, Instant{}, true).minute_of_day, 90);
}

TEST(LocalClock, UnsynchronisedIsNotTrusted) {
  Civil c;
  EXPECT_FALSE(c.at(2026_y / 6 / 1, 600min, false).trusted);
  EXPECT_TRUE(c.at(2026_y / 6 / 1, 601min, true).trusted);
}

TEST(LocalClock, AStepIsDistrustedForAMinute) {
  Civil c;
  EXPECT_TRUE(c.at(2026_y / 6 / 1, 600min).trusted);
  c.steady -= 10s;  // the wall clock runs 10 s ahead of the steady one all of a sudden
  EXPECT_FALSE(c.at(2026_y / 6 / 1, 601min).trusted);
  EXPECT_FALSE(c.at(2026_y / 6 / 1, 602min).trusted);
  EXPECT_TRUE(c.at(2026_y / 6 / 1, 603min).trusted);
}

TEST(LocalClock, TwoSecondsAreNoStepAndAMinuteIsDistrusted) {
  const auto wall = [](Duration since) { return WallTime{1780000000s} + since; };
  for (const auto sign : {-1, 1}) {
    LocalClock clock{config::load_time_zone("Etc/UTC").value()};
    const auto trusted = [&](Duration steady, Duration ahead) {
      return clock.at(wall(steady + sign * ahead), Instant{steady}, true).trusted;
    };
    EXPECT_TRUE(trusted(1s, 0s));
    EXPECT_TRUE(trusted(2s, 2s));
    EXPECT_TRUE(trusted(3s, 4s)) << "each is compared with the one before";
    EXPECT_FALSE(trusted(4s, 6s + 1ns));
    EXPECT_FALSE(trusted(64s, 6s + 1ns));
    EXPECT_TRUE(trusted(64s + 1ns, 6s + 1ns));
  }
}

TEST(LocalClock, AWallClockThatGoesBackAcrossAClockChangeShowsTheOldOffset) {
  Civil c;
  EXPECT_EQ(c.at(2026_y / 6 / 1, 600min).minute_of_day, 660);
  EXPECT_EQ(c.at(2026_y / 1 / 1, 600min).minute_of_day, 600);
  EXPECT_EQ(c.at(2026_y / 12 / 1, 600min).minute_of_day, 600);
}

TEST(LocalClock, ThePlanIsHeldInTheRepeatedHourAlone) {
  Civil c;
  EXPECT_FALSE(c.at(2026_y / 10 / 25, 59min).held);
  for (const auto minute : {60min, 90min, 119min})
    EXPECT_EQ(c.at(2026_y / 10 / 25, minute).held, (CivilMinute{119, 7})) << minute.count();
  EXPECT_FALSE(c.at(2026_y / 10 / 25, 120min).held);
  Civil spring;
  EXPECT_FALSE(spring.at(2026_y / 3 / 29, 60min).held);
  EXPECT_FALSE(spring.at(2026_y / 3 / 29, 121min).held);
}

TEST(LocalClock, ThePlanIsHeldAtTheLastMinuteThatWasShownIfOnlyForASecond) {
  // Clocks are set back at 02:00:01.
  const auto rule = ZoneRule::parse("GMT0BST,M3.5.0,M10.5.0/2:00:01").value();
  LocalClock clock{Zone{*date::locate_zone("Etc/UTC"), rule}};
  const WallTime change = date::sys_days(2026_y / 10 / 25) + 1h + 1s;
  EXPECT_FALSE(clock.at(change - 1s, Instant{}, true).held);
  EXPECT_EQ(clock.at(change, Instant{1s}, true).held, (CivilMinute{120, 7}));
}

}  // namespace
}  // namespace esshub::civil_time
