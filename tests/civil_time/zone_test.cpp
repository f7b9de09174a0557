#include "civil_time/zone.hpp"

#include <date/tz.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/time_zone.hpp"

namespace esshub::civil_time {
namespace {

using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year_month_day;
using namespace std::chrono_literals;

constexpr year_month_day day(int y, unsigned m, unsigned d) {
  return {std::chrono::year{y}, std::chrono::month{m}, std::chrono::day{d}};
}

Zone zone(const std::string& name) {
  return config::load_time_zone(name).value();
}

TEST(Zone, FirstMomentIsWhenClocksFirstShowATime) {
  struct Row {
    std::string zone;
    local_seconds shown;
    std::optional<sys_seconds> at;
  };
  const auto spring = day(2026, 3, 29);   // 01:00 becomes 02:00
  const auto autumn = day(2026, 10, 25);  // 02:00 becomes 01:00
  const auto reversed = day(2026, 4, 5);  // Auckland, 03:00 becomes 02:00
  const std::vector<Row> rows = {
      {"Europe/London", local_days{day(2026, 1, 15)} + 12h, sys_days{day(2026, 1, 15)} + 12h},
      {"Europe/London", local_days{day(2026, 7, 15)} + 12h, sys_days{day(2026, 7, 15)} + 11h},
      {"Europe/London", local_days{spring} + 59min + 59s, sys_days{spring} + 59min + 59s},
      {"Europe/London", local_days{spring} + 1h, std::nullopt},
      {"Europe/London", local_days{spring} + 1h + 59min + 59s, std::nullopt},
      {"Europe/London", local_days{spring} + 2h, sys_days{spring} + 1h},
      {"Europe/London", local_days{autumn} + 1h, sys_days{autumn}},
      {"Europe/London", local_days{autumn} + 1h + 59min + 59s, sys_days{autumn} + 59min + 59s},
      {"Europe/London", local_days{autumn} + 2h, sys_days{autumn} + 2h},
      // the furthest east and west of Greenwich
      {"Pacific/Kiritimati", local_days{day(2026, 5, 1)} + 6h, sys_days{day(2026, 4, 30)} + 16h},
      {"Pacific/Pago_Pago", local_days{day(2026, 5, 1)} + 20h, sys_days{day(2026, 5, 2)} + 7h},
      {"Pacific/Auckland", local_days{reversed} + 1h + 30min,
       sys_days{day(2026, 4, 4)} + 12h + 30min},
      {"Pacific/Auckland", local_days{reversed} + 2h + 30min,
       sys_days{day(2026, 4, 4)} + 13h + 30min},
      {"Pacific/Auckland", local_days{reversed} + 3h, sys_days{day(2026, 4, 4)} + 15h},
      // Samoa left out a whole day
      {"Pacific/Apia", local_days{day(2011, 12, 30)} + 12h, std::nullopt},
      {"Pacific/Apia", local_days{day(2011, 12, 31)}, sys_days{day(2011, 12, 30)} + 10h},
  };
  for (const auto& row : rows)
    EXPECT_EQ(zone(row.zone).first_moment(row.shown), row.at)
        << row.zone << " " << row.shown.time_since_epoch().count();
}

TEST(Zone, TheFirstMomentIsFoundAsFarFromGreenwichAsAZoneMayBe) {
  // UTC's own list has no change, so that the rule is all. In the autumn 03:00 becomes 02:00.
  const auto ruled = [](std::string_view rule) {
    return Zone{*date::locate_zone("Etc/UTC"), ZoneRule::parse(rule).value()};
  };
  const local_seconds twice = local_days{day(2026, 10, 25)} + 2h + 45min;
  const auto east = ruled("<+2430>-24:30<+2530>-25:30,M3.5.0,M10.5.0/3");
  EXPECT_EQ(east.first_moment(twice), sys_days{day(2026, 10, 24)} + 1h + 15min);
  EXPECT_EQ(east.first_moment(twice + 15min), sys_days{day(2026, 10, 24)} + 2h + 30min);
  const auto west = ruled("<-2530>25:30<-2430>24:30,M3.5.0,M10.5.0/3");
  EXPECT_EQ(west.first_moment(twice), sys_days{day(2026, 10, 26)} + 3h + 15min);
}

TEST(Zone, ThereIsNoFirstMomentBeyondWhatNanosecondsHold) {
  const sys_seconds end = sys_days{day(2262, 4, 11)} + 23h + 47min + 16s;
  for (const auto& where : {zone("Europe/London"), zone("Etc/UTC"), Zone::utc()}) {
    const local_seconds shown{end.time_since_epoch() + where.period(end - 1s).offset};
    EXPECT_EQ(where.first_moment(shown - 1s), end - 1s);
    EXPECT_EQ(where.first_moment(shown), std::nullopt);
    EXPECT_EQ(where.first_moment(local_days{day(2300, 1, 1)}), std::nullopt);
    EXPECT_EQ(where.first_moment(local_days{day(1600, 1, 1)}), std::nullopt);
  }
}

TEST(Zone, TheRuleGoesOnWhereTheListEnds) {
  const Zone london = zone("Europe/London");
  const auto listed = london.period(sys_days{day(2026, 7, 1)});
  EXPECT_EQ(listed.offset, 1h);
  EXPECT_EQ(listed.begin, sys_days{day(2026, 3, 29)} + 1h);
  EXPECT_EQ(listed.end, sys_days{day(2026, 10, 25)} + 1h);
  // The last change of the list is that of October 2037.
  const auto joint = london.period(sys_days{day(2037, 12, 1)});
  EXPECT_EQ(joint.offset, 0s);
  EXPECT_EQ(joint.begin, sys_days{day(2037, 10, 25)} + 1h);
  EXPECT_EQ(joint.end, sys_days{day(2038, 3, 28)} + 1h);
  const auto ruled = london.period(sys_days{day(2060, 7, 1)});
  EXPECT_EQ(ruled.offset, 1h);
  EXPECT_EQ(ruled.begin, sys_days{day(2060, 3, 28)} + 1h);
  EXPECT_EQ(ruled.end, sys_days{day(2060, 10, 31)} + 1h);
}

TEST(Zone, AnEndlessPeriodIsBoundedByWhatNanosecondsHold) {
  // 2^63 ns are 292 years: 21 September 1677 to 11 April 2262
  const auto period = zone("Etc/UTC").period(sys_days{day(2026, 7, 1)});
  EXPECT_EQ(period.offset, 0s);
  EXPECT_EQ(period.begin, sys_days{day(1677, 9, 21)} + 12min + 44s);
  EXPECT_EQ(period.end, sys_days{day(2262, 4, 11)} + 23h + 47min + 16s);
}

}  // namespace
}  // namespace esshub::civil_time
