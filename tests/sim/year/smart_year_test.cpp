#include "sim/year/smart_year.hpp"

#include <algorithm>
#include <span>
#include <vector>

#include <gtest/gtest.h>

namespace esshub::sim {
namespace {

/// A month of measured hours.
std::vector<HouseHour> house() {
  auto hours = read_house_year(ESSHUB_TEST_DATA "/house_1h_citylearn2022_building1.csv");
  EXPECT_TRUE(hours) << hours.error();
  if (!hours) return {};
  hours->resize(30 * 24);
  return *hours;
}

YearSettings settings(YearTariff tariff) {
  YearSettings s;
  s.control = ideal_control(s.battery);
  s.tariff = tariff;
  return s;
}

double share(const std::vector<HouseHour>& hours, const YearSettings& s, const SmartYear& year) {
  const double none = cost_without_battery(priced_spans(hours, s));
  const double least = programme_bound(hours, s, year.result.end, 216);
  return 100.0 * (none - year.result.cost) / (none - least);
}

TEST(SmartYear, TakesMostOfWhatForesightWould) {
  const auto hours = house();
  for (const auto tariff : {YearTariff::tou, YearTariff::e7, YearTariff::night}) {
    auto s = settings(tariff);
    if (tariff == YearTariff::night) s.export_price = 0.15;
    const auto smart = run_smart_year(hours, s, {.plan_every = 24h, .cells = 24});
    const auto balance = run_smart_year(hours, s, {.policy = YearPolicy::balance});
    EXPECT_EQ(smart.plans, 30u);
    EXPECT_EQ(balance.plans, 0u);
    const double taken = share(hours, s, smart);
    EXPECT_GT(taken, 80.0);
    EXPECT_LE(taken, 100.0);
    EXPECT_GT(taken, share(hours, s, balance) + 2.0);
    const double saving = cost_without_battery(priced_spans(hours, s)) - smart.result.cost;
    const auto worst = worst_four_weeks(smart.cost_by_hour, balance.cost_by_hour);
    ASSERT_TRUE(worst);
    EXPECT_LE(*worst, 0.05 * saving);
    const auto& r = smart.result;
    EXPECT_NEAR((r.load + r.charged + r.export_).value(), (r.sun + r.discharged + r.import).value(),
                1.0);
  }
}

/// To buy, to stop, to serve, to be empty: four a day, and little more.
TEST(SmartYear, ItsPermissionChangesFiveTimesADayAtMostOver28Days) {
  auto hours = house();
  hours.resize(28 * 24);
  const std::vector<double> none(hours.size(), 0.0);
  for (const auto tariff : {YearTariff::tou, YearTariff::e7, YearTariff::night}) {
    const auto smart = run_smart_year(hours, settings(tariff), {});
    ASSERT_EQ(smart.changes_by_hour.size(), hours.size());
    const double a_day = worst_four_weeks(smart.changes_by_hour, none).value_or(0.0) / 28.0;
    EXPECT_LE(a_day, 5.0);
    EXPECT_GE(a_day, 1.0);
  }
}

TEST(SmartYear, KnowingWhatComesIsWorthSomething) {
  const auto hours = house();
  const auto s = settings(YearTariff::e7);
  const auto taken = [&](Perfect what) {
    return share(hours, s,
                 run_smart_year(hours, s, {.perfect = what, .plan_every = 24h, .cells = 24}));
  };
  const double alone = taken(Perfect::nothing);
  EXPECT_GT(taken(Perfect::solar), alone);
  EXPECT_GT(taken(Perfect::load), alone);
}

TEST(SmartYear, BalanceCostsWhatTheRulesDo) {
  const auto hours = house();
  auto s = settings(YearTariff::e7);
  s.step = 1h;
  EXPECT_NEAR(run_smart_year(hours, s, {.policy = YearPolicy::balance}).result.cost,
              run_year(hours, s).cost, 0.01);
}

TEST(SmartYear, TheProgrammesBoundIsTheConvexOneAndHoldsWhereThatHasNone) {
  auto hours = house();
  hours.resize(14 * 24);
  auto s = settings(YearTariff::e7);
  const WattHours end{4320};
  EXPECT_NEAR(programme_bound(hours, s, end), bound(hours, s, end, true, false).value(), 0.02);
  s = settings(YearTariff::tou);
  for (std::size_t i = 0; i < hours.size(); i += 5) hours[i].price = -0.10;
  EXPECT_FALSE(bound(hours, s, end));
  const double least = programme_bound(hours, s, end);
  const auto smart = run_smart_year(hours, s, {.cells = 24});
  EXPECT_GE(smart.result.cost, programme_bound(hours, s, smart.result.end) - 1e-6);
  EXPECT_LT(least, cost_without_battery(priced_spans(hours, s)));
}

TEST(SmartYear, TheWorstFourWeeks) {
  std::vector<double> a(28 * 24 * 2, 0.0);
  const std::vector<double> b(a.size(), 0.0);
  EXPECT_EQ(worst_four_weeks(a, b), 0.0);
  const std::span<const double> short_of_it{a.data(), 28 * 24 - 1};
  EXPECT_FALSE(worst_four_weeks(short_of_it, b));
  a[0] = 1.0;
  a[28 * 24 - 1] = 2.0;
  a[28 * 24] = 0.5;
  EXPECT_NEAR(worst_four_weeks(a, b).value_or(0.0), 3.0, 1e-12);
}

}  // namespace
}  // namespace esshub::sim
