#include "sim/site_clock.hpp"

#include <date/date.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace esshub::sim {
namespace {

using testing::HasSubstr;

SiteClock civil(std::string_view start, const std::string& zone = "Europe/London") {
  auto time = SiteClock::starting(start, zone);
  EXPECT_TRUE(time) << time.error();
  return *time;
}

TEST(Civil, RunsWithVirtualTime) {
  auto time = civil("2026-01-31T23:30", "Europe/Berlin");
  EXPECT_EQ(time.at({}).minute_of_day, 23 * 60 + 30);
  EXPECT_EQ(time.at({}).weekday, 6);
  EXPECT_TRUE(time.at({}).trusted);
  EXPECT_EQ(time.at(31min).minute_of_day, 1);
  EXPECT_EQ(time.at(31min).weekday, 7);
  EXPECT_EQ(time.text(24h), "2026-02-01T23:30:00");
  EXPECT_EQ(time.start_of_day(), 23h + 30min);
  EXPECT_EQ(time.wall(1h), WallTime{date::sys_days{date::year{2026} / 1 / 31} + 23h + 30min})
      << "an hour ahead of UTC";
}

TEST(Civil, FollowsBothClockChanges) {
  auto autumn = civil("2026-10-25");
  EXPECT_EQ(autumn.at(1h + 30min).minute_of_day, 90);
  EXPECT_EQ(autumn.at(2h + 30min).minute_of_day, 90) << "the hour comes twice";
  EXPECT_FALSE(autumn.at(1h + 30min).held);
  EXPECT_EQ(autumn.at(2h + 30min).held, (CivilMinute{119, 7})) << "and the plan waits";
  EXPECT_EQ(autumn.at(3h).minute_of_day, 120);
  EXPECT_FALSE(autumn.at(3h).held);
  EXPECT_EQ(autumn.at(1h + 30min).minute_of_day, 90) << "and time may go back";
  auto spring = civil("2026-03-29");
  EXPECT_EQ(spring.at(59min).minute_of_day, 59);
  EXPECT_EQ(spring.at(1h).minute_of_day, 120) << "the hour is left out";
}

TEST(Civil, RefusesWhatIsNoTime) {
  const auto error = [](std::string_view start, const std::string& zone = "Europe/London") {
    return SiteClock::starting(start, zone).error();
  };
  EXPECT_THAT(error("tomorrow"), HasSubstr("expected a local time such as 2026-06-21"));
  EXPECT_THAT(error("2026-02-30"), HasSubstr("expected a local time"));
  EXPECT_THAT(error("2026-06-21T12:00 "), HasSubstr("expected a local time"));
  EXPECT_THAT(error("2026-03-29T01:30"), HasSubstr("leaves out"));
  EXPECT_THAT(error("2300-01-01"), HasSubstr("beyond 1677 to 2262"));
  EXPECT_THAT(error("2026-06-21", "Europe/Atlantis"), HasSubstr("Europe/Atlantis"));
}

}  // namespace
}  // namespace esshub::sim
