#include "service/savings.hpp"

#include <date/date.h>
#include <date/tz.h>
#include <gtest/gtest.h>

#include "service/feed.hpp"

namespace esshub::service {
namespace {

using std::chrono::local_days;
using std::chrono::year_month_day;

local_days day(int year, unsigned month, unsigned number) {
  return local_days{
      year_month_day{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{number}}};
}

civil_time::Zone zone(const char* name) {
  return {*date::locate_zone(name), std::nullopt};
}

std::string begin_of(const char* name, local_days when) {
  return utc_text(unix_seconds(day_begin(zone(name), when)));
}

TEST(SavingsDay, BeginsAtTheSitesMidnight) {
  EXPECT_EQ(begin_of("Europe/London", day(2026, 1, 15)), "2026-01-15T00:00:00Z");
  EXPECT_EQ(begin_of("Europe/London", day(2026, 6, 1)), "2026-05-31T23:00:00Z");
  EXPECT_EQ(begin_of("America/Santiago", day(2025, 9, 7)), "2025-09-07T04:00:00Z")
      << "00:00 to 01:00 is left out";
  EXPECT_EQ(date_text(day(2026, 6, 1)), "2026-06-01");
}

// ---- minutes

const WallTime midnight = wall_time(1'780'272'000);

Minute minute(int number) {
  return {.begin = midnight + std::chrono::minutes{number},
          .solar_w = 100.0,
          .house_w = 500.0,
          .battery_w = -300.0,
          .soc = 60.0};
}

PlanSpan priced(int from, int to, std::optional<double> import_price,
                std::optional<double> export_price = 0.1) {
  PlanSpan span;
  span.begin = midnight + std::chrono::minutes{from};
  span.end = midnight + std::chrono::minutes{to};
  span.import_price = import_price;
  span.export_price = export_price;
  return span;
}

TEST(SavingsMinutes, AreThoseOfWhichAllIsKnown) {
  std::vector<Minute> kept;
  for (int n = 0; n < 8; ++n) kept.push_back(minute(n));
  kept[1].house_w.reset();
  kept[2].solar_w.reset();
  kept[3].battery_w.reset();
  kept[4].soc.reset();
  const std::vector<PlanSpan> prices{priced(0, 6, 0.3), priced(6, 7, {}), priced(7, 8, 0.2, {})};
  const auto metered = measured(kept, prices, true, WattHours{5000});
  ASSERT_EQ(metered.size(), 3u);
  EXPECT_EQ(metered[0].begin, 1'780'272'000);
  EXPECT_EQ(metered[0].load, Watts{500});
  EXPECT_EQ(metered[0].solar, Watts{100});
  EXPECT_EQ(metered[0].battery, Watts{-300});
  EXPECT_NEAR(metered[0].stored.value(), 3000, 1e-9);
  EXPECT_EQ(metered[0].import_price, 0.3);
  EXPECT_EQ(metered[0].export_price, 0.1);
  EXPECT_EQ(metered[1].begin, 1'780'272'000 + 5 * 60);
  EXPECT_EQ(metered[2].import_price, 0.2);
  EXPECT_EQ(metered[2].export_price, 0.0) << "nothing is paid";
  const auto not_metered = measured(kept, prices, false, WattHours{5000});
  ASSERT_EQ(not_metered.size(), 4u);
  EXPECT_EQ(not_metered[0].solar, Watts{});
}

TEST(SavingsMinutes, OutsideThePricesAreNotKnown) {
  const std::vector<Minute> kept{minute(0), minute(1), minute(2), minute(3)};
  const auto within = measured(kept, std::vector{priced(1, 3, 0.3)}, true, WattHours{5000});
  ASSERT_EQ(within.size(), 2u);
  EXPECT_EQ(within[0].begin, 1'780'272'060);
  EXPECT_EQ(within[1].begin, 1'780'272'120);
  EXPECT_TRUE(measured(kept, {}, true, WattHours{5000}).empty());
}

// ---- days

DaySavings known_day() {
  return {.minutes = 1440,
          .of = 1440,
          .cost = 1.5,
          .no_battery = 4.0,
          .used = {1.25, WattHours{500}},
          .balance = control::ModelledCost{2.0, WattHours{-1000}},
          .currency = "GBP",
          .gained = WattHours{1000},
          .worth = 0.5,
          .end = {1'780'358'400, WattHours{700}, WattHours{800}}};
}

TEST(Savings, OfADayIsWhatTheArmsTell) {
  control::CostComparison costs;
  costs.minutes = 1400;
  costs.no_battery = 3.0;
  costs.used = {1.0, WattHours{10}};
  costs.balance = {2.0, WattHours{20}};
  costs.gained = WattHours{30};
  costs.cheapest = 0.08;
  costs.end = {5, WattHours{6}, WattHours{7}};
  const auto made = day_savings(costs, 1440, 1.1, 0.8, true);
  EXPECT_EQ(made.minutes, 1400);
  EXPECT_EQ(made.of, 1440);
  EXPECT_EQ(made.cost, 1.1);
  EXPECT_EQ(made.no_battery, 3.0);
  EXPECT_EQ(made.used, costs.used);
  EXPECT_EQ(made.balance, costs.balance);
  EXPECT_EQ(made.gained, WattHours{30});
  EXPECT_NEAR(made.worth, 0.1, 1e-12) << "1.25 kWh fill one";
  EXPECT_EQ(made.end, costs.end);
  EXPECT_FALSE(day_savings(costs, 1440, 1.1, 0.8, false).balance);
}

TEST(Savings, ADayIsWholeOfWhichHardlyAnythingIsMissing) {
  auto d = known_day();
  d.of = 1500;
  d.minutes = 1470;
  EXPECT_TRUE(d.whole());
  d.minutes = 1469;
  EXPECT_FALSE(d.whole());
}

TEST(Savings, OfADayWithWhatIsStored) {
  const DaysSavings days{{"2026-06-01", known_day()}};
  const auto sum = sum_of(days, day(2026, 6, 1), day(2026, 6, 1), "GBP");
  EXPECT_EQ(sum.days, 1);
  EXPECT_EQ(sum.known, 1);
  EXPECT_EQ(sum.partial, 0);
  EXPECT_NEAR(sum.cost, 1.25 - 0.25, 1e-12);
  EXPECT_NEAR(sum.no_battery, 4.0, 1e-12);
  ASSERT_TRUE(sum.balance);
  EXPECT_NEAR(*sum.balance, 2.0 + 0.5, 1e-12);
  ASSERT_TRUE(sum.error);
  EXPECT_EQ(sum.error_days, 1);
  EXPECT_NEAR(*sum.error, 1.0 - (1.5 - 0.5), 1e-12);
}

TEST(Savings, DaysThatAreNotKnownCountForNothing) {
  DaysSavings days{{"2026-05-31", known_day()},
                   {"2026-06-01", known_day()},
                   {"2026-06-03", known_day()},
                   {"2026-06-04", known_day()},
                   {"2026-06-05", known_day()}};
  days["2026-06-03"].minutes = 720;
  days["2026-06-03"].cost = 100.0;
  days["2026-06-04"].minutes = 0;
  const auto sum = sum_of(days, day(2026, 6, 1), day(2026, 6, 4), "GBP");
  EXPECT_EQ(sum.days, 4);
  EXPECT_EQ(sum.known, 2);
  EXPECT_EQ(sum.partial, 1);
  EXPECT_NEAR(sum.no_battery, 8.0, 1e-12);
  EXPECT_NEAR(sum.cost, 2.0, 1e-12);
  EXPECT_NEAR(sum.balance.value(), 5.0, 1e-12);
  EXPECT_NEAR(sum.error.value(), 0.0, 1e-12) << "a part of a day is not held against its cost";
  const auto none = sum_of({}, day(2026, 6, 1), day(2026, 6, 2), "GBP");
  EXPECT_EQ(none.days, 2);
  EXPECT_EQ(none.known, 0);
  EXPECT_FALSE(none.balance);
  EXPECT_FALSE(none.error);
  EXPECT_EQ(none.error_days, 0);
}

TEST(Savings, WhatIsStoredIsWorthTheMeanOfTheDaysAndNeverLessThanNothing) {
  DaysSavings days{{"2026-06-01", known_day()}, {"2026-06-02", known_day()}};
  days["2026-06-02"].worth = 0.1;
  EXPECT_NEAR(sum_of(days, day(2026, 6, 1), day(2026, 6, 2), "GBP").cost, 2.5 - 0.3, 1e-12);
  days["2026-06-02"].worth = -2.0;
  EXPECT_NEAR(sum_of(days, day(2026, 6, 1), day(2026, 6, 2), "GBP").cost, 2.5, 1e-12);
}

TEST(Savings, DaysInAnotherCurrencyAreNotKnown) {
  DaysSavings days{{"2026-06-01", known_day()}, {"2026-06-02", known_day()}};
  days["2026-06-01"].currency = "EUR";
  const auto sum = sum_of(days, day(2026, 6, 1), day(2026, 6, 2), "GBP");
  EXPECT_EQ(sum.days, 2);
  EXPECT_EQ(sum.known, 1);
  EXPECT_NEAR(sum.no_battery, 4.0, 1e-12);
  EXPECT_EQ(sum_of(days, day(2026, 6, 1), day(2026, 6, 2), "").known, 0);
}

TEST(Savings, WithoutBalanceOnOneDayThereIsNoneAtAll) {
  DaysSavings days{
      {"2026-06-01", known_day()}, {"2026-06-02", known_day()}, {"2026-06-03", known_day()}};
  days["2026-06-02"].balance.reset();
  days["2026-06-02"].cost.reset();
  const auto sum = sum_of(days, day(2026, 6, 1), day(2026, 6, 3), "GBP");
  EXPECT_FALSE(sum.balance);
  EXPECT_NEAR(sum.error.value(), 0.0, 1e-12);
  EXPECT_EQ(sum.error_days, 2);
  days["2026-06-01"].cost = 1.0;
  EXPECT_NEAR(sum_of(days, day(2026, 6, 1), day(2026, 6, 3), "GBP").error.value(), 0.5, 1e-12);
}

// ---- the file

TEST(SavingsFile, KeepsWhatItIsGiven) {
  DaysSavings days{{"2026-06-01", known_day()}, {"2026-06-02", known_day()}};
  days["2026-06-02"].cost.reset();
  days["2026-06-02"].balance.reset();
  days["2026-06-02"].minutes = 3;
  const auto read = decode_savings(encode(days));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(*read, days);
}

TEST(SavingsFile, KeepsTheNewestDays) {
  DaysSavings days;
  for (std::size_t n = 0; n < 403; ++n)
    days[date_text(day(2026, 1, 1) + std::chrono::days{n})] = known_day();
  const auto read = decode_savings(encode(days));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->size(), 400u);
  EXPECT_EQ(read->begin()->first, "2026-01-04");
  EXPECT_EQ(read->rbegin()->first, days.rbegin()->first);
}

TEST(SavingsFile, RefusesWhatIsDamaged) {
  const auto good = encode({{"2026-06-01", known_day()}});
  const auto with = [&](const std::string& from, const std::string& to) {
    auto text = good;
    text.replace(text.find(from), from.size(), to);
    return decode_savings(text).has_value();
  };
  EXPECT_TRUE(with("1440", "1560")) << "26 h";
  EXPECT_TRUE(with("1440", "2880"));
  EXPECT_FALSE(with("1440", "2881"));
  EXPECT_FALSE(with("1440", "-1"));
  EXPECT_TRUE(with("\"minutes\":1440", "\"minutes\":0"));
  EXPECT_FALSE(with("4.0", "1e999"));
  EXPECT_FALSE(with("4.0", "\"4\""));
  EXPECT_TRUE(with("1780358400", "7258118400"));
  EXPECT_FALSE(with("1780358400", "7258118401"));
  EXPECT_FALSE(with("1780358400", "-1"));
  for (const std::string charge : {"\"used_wh\":700.0", "\"balance_wh\":800.0"}) {
    const auto name = charge.substr(0, charge.find(':') + 1);
    EXPECT_TRUE(with(charge, name + "0.0"));
    EXPECT_TRUE(with(charge, name + "1000000.0"));
    EXPECT_FALSE(with(charge, name + "1000001.0"));
    EXPECT_FALSE(with(charge, name + "-1.0"));
  }
  EXPECT_TRUE(with("2026-06-01", "2024-02-29"));
  for (const std::string date : {"2026-02-29", "2026-13-01", "2026-6-1", "x", "2026-06-01 "})
    EXPECT_FALSE(with("2026-06-01", date)) << date;
  EXPECT_FALSE(with("no_battery", "none"));
  EXPECT_FALSE(decode_savings("{}"));
  EXPECT_FALSE(decode_savings(""));
}

}  // namespace
}  // namespace esshub::service
