#include "civil_time/zone_rule.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace esshub::civil_time {
namespace {

using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using namespace std::chrono_literals;

const std::string london = "GMT0BST,M3.5.0/1,M10.5.0";

TEST(ZoneRule, RefusesWhatRfc8536DoesNotAllow) {
  const std::vector<std::string> wrong = {
      "",
      "GMT",
      "1GMT0",
      "<+03-3",
      "GMT-+3",
      "GMT+-3",
      "GMT168",
      "GMT1:60",
      "GMT1:00:60",
      "GMT1:",
      "GMT99999999999999999999",
      // one change, none, or more after them
      "GMT0BST",
      "GMT0BST,M3.5.0/1",
      "GMT0BST,M3.5.0/1,M10.5.0x",
      "GMT0BST,M3.5.0/1,M10.5.0,M11.5.0",
      "GMT0,M3.5.0/1,M10.5.0",
      // the form of a change
      "GMT0BST,3.5.0/1,M10.5.0",
      "GMT0BSTM3.5.0/1,M10.5.0",
      "GMT0BST,M.5.0/1,M10.5.0",
      "GMT0BST,M3..0/1,M10.5.0",
      "GMT0BST,M3.5./1,M10.5.0",
      "GMT0BST,M3/1,M10.5.0",
      "GMT0BST,M3.5/1,M10.5.0",
      "GMT0BST,M3.5.0/,M10.5.0",
      "GMT0BST,M3.5.0/x,M10.5.0",
      "GMT0BST,M3.5.0/168,M10.5.0",
      // its numbers
      "GMT0BST,M0.5.0/1,M10.5.0",
      "GMT0BST,M13.5.0/1,M10.5.0",
      "GMT0BST,M3.0.0/1,M10.5.0",
      "GMT0BST,M3.6.0/1,M10.5.0",
      "GMT0BST,M3.5.7/1,M10.5.0",
  };
  for (const auto& text : wrong) EXPECT_FALSE(ZoneRule::parse(text)) << text;
  const std::vector<std::string> right = {london,
                                          "GMT0",
                                          "GMT+0",
                                          "GMT167",
                                          "GMT0:59:59",
                                          "GMT0BST,M1.1.0,M12.1.6",
                                          "GMT0BST,M1.5.0/-167,M12.5.6/167"};
  for (const auto& text : right) EXPECT_TRUE(ZoneRule::parse(text)) << text;
}

TEST(ZoneRule, ReadsNothingBehindTheText) {
  const std::string_view longer = "GMT0BST,M3.5.0/1,M10.5.0/4";
  const auto rule = ZoneRule::parse(longer.substr(0, longer.size() - 2));
  ASSERT_TRUE(rule);
  EXPECT_EQ(rule->period(sys_days{std::chrono::year{2050} / 7 / 1}).end,
            sys_days{std::chrono::year{2050} / 10 / 30} + 1h);
}

/// A period as the rule gives it around a moment of UTC.
struct Expected {
  std::string rule;
  sys_seconds at;
  seconds offset;
  sys_seconds begin;
  sys_seconds end;
};

constexpr sys_seconds utc(int year, unsigned month, unsigned day, seconds time = 0s) {
  return sys_days{std::chrono::year{year} / static_cast<int>(month) / static_cast<int>(day)} + time;
}

TEST(ZoneRule, GivesTheStretchOfOneOffsetAroundAMoment) {
  const auto spring = utc(2050, 3, 27, 1h);   // the last Sunday
  const auto autumn = utc(2050, 10, 30, 1h);  // 2 h by the summer's clock
  const std::vector<Expected> rows = {
      {london, spring - 1s, 0s, utc(2049, 10, 31, 1h), spring},
      {london, spring, 1h, spring, autumn},
      {london, autumn - 1s, 1h, spring, autumn},
      {london, autumn, 0s, autumn, utc(2051, 3, 26, 1h)},
      {london, utc(2050, 12, 31, 24h - 1s), 0s, autumn, utc(2051, 3, 26, 1h)},
      {london, utc(2050, 1, 1), 0s, utc(2049, 10, 31, 1h), spring},
      // New Zealand: the year begins in summer; the first Sunday of April; 3 h is 2 h of UTC - 12 h
      {"NZST-12NZDT,M9.5.0,M4.1.0/3", utc(2050, 2, 1), 13h, utc(2049, 9, 25, 14h),
       utc(2050, 4, 2, 14h)},
      {"NZST-12NZDT,M9.5.0,M4.1.0/3", utc(2050, 6, 1), 12h, utc(2050, 4, 2, 14h),
       utc(2050, 9, 24, 14h)},
      // New York, with the time that is meant where none stands: 2 h; second and first Sunday
      {"EST5EDT,M3.2.0,M11.1.0", utc(2050, 7, 1), -4h, utc(2050, 3, 13, 7h), utc(2050, 11, 6, 6h)},
      // Ireland: the summer is the standard
      {"IST-1GMT0,M10.5.0,M3.5.0/1", utc(2050, 12, 1), 0s, utc(2050, 10, 30, 1h),
       utc(2051, 3, 26, 1h)},
      // Lord Howe: half an hour; Nuuk: before midnight; a weekday in the middle of a month
      {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", utc(2050, 1, 1), 11h, utc(2049, 10, 2, 15h + 30min),
       utc(2050, 4, 2, 15h)},
      {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", utc(2050, 7, 1), -1h, utc(2050, 3, 27, 1h),
       utc(2050, 10, 30, 1h)},
      {"EET-2EEST,M3.3.4/0:30:15,M10.3.6/1", utc(2050, 7, 1), 3h,
       utc(2050, 3, 16, 22h + 30min + 15s), utc(2050, 10, 14, 22h)},
      // no changes
      {"<+0330>-3:30", utc(2050, 7, 1), 3h + 30min, sys_seconds::min(), sys_seconds::max()},
      {"EST5", utc(2050, 7, 1), -5h, sys_seconds::min(), sys_seconds::max()},
  };
  for (const auto& row : rows) {
    const auto rule = ZoneRule::parse(row.rule);
    ASSERT_TRUE(rule) << row.rule;
    const auto period = rule->period(row.at);
    const auto where = row.rule + " at " + std::to_string(row.at.time_since_epoch().count());
    EXPECT_EQ(period.offset, row.offset) << where;
    EXPECT_EQ(period.begin, row.begin) << where;
    EXPECT_EQ(period.end, row.end) << where;
  }
}

}  // namespace
}  // namespace esshub::civil_time
