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
  const double least = programme_bound(hours, s, year.result.end, false, 216);
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

/// Half-hourly prices, negative ones among them, known as far as they are published.
TEST(SmartYear, TakesMostOfAnAgileTariffAndSellsWhereItMay) {
  auto hours = house();
  hours.resize(15 * 24);
  const auto s = settings(YearTariff::agile);
  const auto kept = run_smart_year(hours, s, {.cells = 24});
  const auto sold = run_smart_year(hours, s, {.sells = true, .cells = 24});
  EXPECT_GT(share(hours, s, kept), 85.0);
  EXPECT_GT(sold.result.export_, kept.result.export_ * 1.1);
  const double none = cost_without_battery(priced_spans(hours, s));
  const double least = programme_bound(hours, s, sold.result.end, true, 216);
  EXPECT_LT(least, programme_bound(hours, s, sold.result.end, false, 216) - 0.5);
  const double taken = 100.0 * (none - sold.result.cost) / (none - least);
  EXPECT_GT(taken, 85.0);
  EXPECT_LE(taken, 100.0);
  const auto& r = sold.result;
  EXPECT_NEAR((r.load + r.charged + r.export_).value(), (r.sun + r.discharged + r.import).value(),
              1.0);
}

TEST(SmartYear, KnowsAgilePricesAsFarAsTheyArePublished) {
  const auto known = [](int hour) { return known_hours({.hour = hour}, YearTariff::agile); };
  EXPECT_EQ(known(1), 23);   // from 00:00 on until 23:00
  EXPECT_EQ(known(16), 8);   // from 15:00 on
  EXPECT_EQ(known(17), 31);  // from 16:00 on until 23:00 of the next day
  EXPECT_EQ(known(24), 24);  // from 23:00 on
  EXPECT_EQ(known_hours({.hour = 16}, YearTariff::tou), 48);
}

/// What is not published yet changes nothing.
TEST(SmartYear, PlansByNoAgilePriceThatIsNotPublished) {
  auto hours = house();
  hours.resize(12 * 24);
  const std::size_t changed = 10 * 24;  // at 23:00
  ASSERT_EQ(hours[changed].hour, 24);
  for (auto& hour : hours) hour.sun = {};
  auto s = settings(YearTariff::agile);
  s.battery.charge = Watts{300};  // what is to come is worth hours of buying
  const auto before = run_smart_year(hours, s, {.plan_every = 1h, .cells = 24}).cost_by_hour;
  for (std::size_t i = changed; i < hours.size(); ++i) hours[i].wholesale = {0.4, 0.4};
  const auto after = run_smart_year(hours, s, {.plan_every = 1h, .cells = 24}).cost_by_hour;
  const auto differs = [&](std::size_t from, std::size_t to) {
    return !std::ranges::equal(std::span(before).subspan(from, to - from),
                               std::span(after).subspan(from, to - from));
  };
  EXPECT_FALSE(differs(0, changed - 7));  // at 16:00 they are
  EXPECT_TRUE(differs(changed - 7, changed));
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

/// Why the plan goes by days and hands down marks (docs/smart.md).
TEST(SmartYear, DaysBeatTheirMeanAndMarksBeatPowers) {
  const auto hours = house();
  const auto s = settings(YearTariff::e7);
  const auto run = [&](Forecast forecast, Follow follow) {
    return run_smart_year(hours, s,
                          {.forecast = forecast, .follow = follow, .plan_every = 24h, .cells = 24});
  };
  const double marks = share(hours, s, run(Forecast::days, Follow::marks));
  const double of_mean = share(hours, s, run(Forecast::mean, Follow::marks));
  const auto powers = run(Forecast::mean, Follow::watts);
  EXPECT_GT(marks, of_mean);
  EXPECT_GT(of_mean, share(hours, s, powers) + 5.0);
  const auto& r = powers.result;
  EXPECT_NEAR((r.load + r.charged + r.export_).value(), (r.sun + r.discharged + r.import).value(),
              1.0);
  EXPECT_LE(r.export_, r.sun);
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

TEST(SmartYear, ASunThatIsToldIsWorthTheMoreTheTruerItIs) {
  const auto hours = house();
  const auto s = settings(YearTariff::e7);
  const auto taken = [&](std::optional<double> error) {
    return share(
        hours, s,
        run_smart_year(hours, s, {.sun_feed_error = error, .plan_every = 24h, .cells = 24}));
  };
  const double alone = taken({});
  const double exact = taken(0.0);
  EXPECT_GT(exact, alone);
  EXPECT_LT(taken(0.4), exact);
  EXPECT_EQ(taken(0.4), taken(0.4)) << "the same each time";
  EXPECT_GT(taken(3.0), 50.0) << "whatever is told";
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
