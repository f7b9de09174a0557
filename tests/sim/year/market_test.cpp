#include "sim/year/market.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "sim/year/year.hpp"

namespace esshub::sim {
namespace {

/// A year of hours, dark.
std::vector<HouseHour> year(std::uint64_t seed = 1, Watts sun_at_noon = {}) {
  std::vector<HouseHour> hours(365 * 24);
  for (std::size_t i = 0; i < hours.size(); ++i) {
    hours[i].hour = static_cast<int>(i % 24) + 1;
    if (hours[i].hour == 13) hours[i].sun = sun_at_noon;
  }
  add_market(hours, seed);
  return hours;
}

double mean_of_hour(const std::vector<HouseHour>& hours, int hour) {
  double sum = 0.0;
  for (const auto& h : hours)
    if (h.hour == hour) sum += (h.wholesale[0] + h.wholesale[1]) / 2.0;
  return sum / 365.0;
}

TEST(Market, TheSameSeedGivesTheSameYearAndAnotherAnother) {
  const auto wholesale = [](const std::vector<HouseHour>& hours) {
    std::vector<double> all;
    for (const auto& hour : hours) all.insert(all.end(), {hour.wholesale[0], hour.wholesale[1]});
    return all;
  };
  EXPECT_EQ(wholesale(year()), wholesale(year()));
  EXPECT_NE(wholesale(year()), wholesale(year(2)));
}

TEST(Market, IsDearInTheEveningCheapAtNightAndAtSunnyNoon) {
  const auto dark = year();
  EXPECT_NEAR(mean_of_hour(dark, 18), 0.135, 0.01);
  EXPECT_NEAR(mean_of_hour(dark, 3), 0.047, 0.01);
  const auto sunny = year(1, Watts{500});
  EXPECT_NEAR(mean_of_hour(dark, 13) - mean_of_hour(sunny, 13), 0.030, 1e-9);
  EXPECT_NEAR(mean_of_hour(dark, 14), mean_of_hour(sunny, 14), 1e-9);
}

TEST(Market, SomeHoursAreNegativeMostAreNotAndDaysAreUnlike) {
  const auto hours = year();
  const auto negative = std::ranges::count_if(
      hours, [](const auto& hour) { return agile_import_price(hour.wholesale[0], hour.hour) < 0; });
  EXPECT_GT(negative, 100);
  EXPECT_LT(negative, 1000);
  std::vector<double> noons;
  for (const auto& hour : hours)
    if (hour.hour == 12) noons.push_back(hour.wholesale[0]);
  const auto [least, most] = std::ranges::minmax(noons);
  EXPECT_GT(most - least, 0.1);
  double differs = 0.0;  // a day from the one before it, and from the one a fortnight before
  double later = 0.0;
  for (std::size_t day = 14; day < noons.size(); ++day) {
    differs += std::abs(noons[day] - noons[day - 1]);
    later += std::abs(noons[day] - noons[day - 14]);
  }
  EXPECT_LT(differs, 0.85 * later);
}

TEST(Market, ItsPricesAreWhatTheyAreDescribedAs) {
  EXPECT_NEAR(agile_import_price(0.1, 16), 0.22, 1e-12);
  EXPECT_NEAR(agile_import_price(0.1, 17), 0.34, 1e-12);
  EXPECT_NEAR(agile_import_price(0.1, 19), 0.34, 1e-12);
  EXPECT_NEAR(agile_import_price(0.1, 20), 0.22, 1e-12);
  EXPECT_NEAR(agile_import_price(-0.05, 4), -0.11, 1e-12);
  EXPECT_EQ(agile_import_price(0.5, 12), 1.0);
  EXPECT_NEAR(agile_export_price(0.1, 16), 0.095, 1e-12);
  EXPECT_NEAR(agile_export_price(0.1, 17), 0.145, 1e-12);
  EXPECT_NEAR(agile_export_price(0.1, 20), 0.095, 1e-12);
  EXPECT_EQ(agile_export_price(-0.05, 4), 0.0);
}

TEST(Market, EachHalfHourIsPaidAtItsOwnPrice) {
  YearSettings settings;
  settings.control = ideal_control(settings.battery);
  settings.tariff = YearTariff::agile;
  settings.battery.start = settings.battery.capacity = WattHours{1e-6};
  const std::vector<HouseHour> draws{{.load = Watts{1000}, .hour = 4, .wholesale = {0.1, -0.05}},
                                     {.sun = Watts{500}, .hour = 17, .wholesale = {0.1, 0.2}}};
  const double import = 0.5 * 0.22 - 0.5 * 0.11;
  const double earned = 1.0 * 0.145 + 1.0 * 0.24;
  const auto spans = priced_spans(draws, settings);
  EXPECT_EQ(spans.size(), 4u);
  EXPECT_NEAR(cost_without_battery(spans), import - earned, 1e-9);
  EXPECT_NEAR(run_year(draws, settings).cost, import - earned, 1e-5);
}

}  // namespace
}  // namespace esshub::sim
