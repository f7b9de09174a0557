// A year of the hub's own rules against figures computed elsewhere (tests/data/README-traces.md).
#include "sim/year/year.hpp"

#include <cmath>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace esshub::sim {
namespace {

const std::filesystem::path data = ESSHUB_TEST_DATA;

std::vector<HouseHour> house(const std::string& name) {
  auto hours = read_house_year(data / ("house_1h_citylearn2022_" + name + ".csv"));
  EXPECT_TRUE(hours) << hours.error();
  return hours.value_or(std::vector<HouseHour>{});
}

YearSettings ideal(YearTariff tariff, Duration step) {
  YearSettings settings;
  settings.control = ideal_control(settings.battery);
  settings.tariff = tariff;
  settings.step = step;
  return settings;
}

double kwh(WattHours energy) {
  return energy.value() / 1000.0;
}

struct Reference {
  std::string house;
  std::string tariff;
  std::map<std::string, double> figures;
  friend void PrintTo(const Reference& r, std::ostream* out) { *out << r.house << r.tariff; }
};

std::vector<Reference> references() {
  std::ifstream file(data / "house_1h_reference.csv");
  const auto split = [](const std::string& line) {
    std::vector<std::string> cells;
    std::istringstream in(line);
    for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
    return cells;
  };
  std::string line;
  std::getline(file, line);
  const auto header = split(line);
  std::vector<Reference> rows;
  while (std::getline(file, line)) {
    const auto cells = split(line);
    Reference row{cells.at(0), cells.at(1), {}};
    for (std::size_t i = 2; i < cells.size(); ++i) row.figures[header.at(i)] = std::stod(cells[i]);
    rows.push_back(row);
  }
  return rows;
}

class Year : public testing::TestWithParam<Reference> {
 protected:
  void expect_near(double value, const char* figure) {
    const double expected = GetParam().figures.at(figure);
    EXPECT_NEAR(value, expected, 0.001 * expected) << figure;
  }
  YearTariff tariff() { return GetParam().tariff == "tou" ? YearTariff::tou : YearTariff::e7; }
};

TEST_P(Year, SelfConsumptionCostsWhatTheReferenceSays) {
  const auto hours = house(GetParam().house);
  const auto settings = ideal(tariff(), 1h);
  const auto year = run_year(hours, settings);
  expect_near(kwh(year.load), "load_kwh");
  expect_near(kwh(year.sun), "pv_kwh");
  expect_near(year.cost, "greedy");
  expect_near(kwh(year.import), "greedy_import_kwh");
  expect_near(kwh(year.export_), "greedy_export_kwh");
  expect_near(kwh(year.discharged), "greedy_discharged_kwh");
  EXPECT_EQ(year.steps, 8760u);
  EXPECT_NEAR(kwh(year.load + year.charged + year.export_),
              kwh(year.sun + year.discharged + year.import), 1e-6);
}

TEST_P(Year, ForesightIsExact) {
  const auto settings = ideal(tariff(), 1h);
  const auto hours = house(GetParam().house);
  const auto least = [&](bool from_grid) {
    return bound(hours, settings, settings.battery.start, from_grid).value();
  };
  EXPECT_NEAR(cost_without_battery(priced_spans(hours, settings)),
              GetParam().figures.at("no_battery"), 0.011);
  EXPECT_NEAR(least(true), GetParam().figures.at("bound"), 0.011);
  EXPECT_NEAR(least(false), GetParam().figures.at("bound_without_grid_charging"), 0.011);
}

INSTANTIATE_TEST_SUITE_P(Houses, Year, testing::ValuesIn(references()),
                         [](const auto& row) { return row.param.house + "_" + row.param.tariff; });

TEST(YearSteps, MinutesComeToTheSameAsHours) {
  const auto hours = house("building2");
  const auto coarse = run_year(hours, ideal(YearTariff::tou, 1h));
  const auto fine = run_year(hours, ideal(YearTariff::tou, 1min));
  EXPECT_EQ(fine.steps, 8760u * 60u);
  EXPECT_NEAR(fine.cost, coarse.cost, 0.001 * coarse.cost);
  EXPECT_NEAR(kwh(fine.discharged), kwh(coarse.discharged), 0.001 * kwh(coarse.discharged));
}

TEST(YearSteps, AreDecidedByTheHubsOwnLimits) {
  const std::vector<HouseHour> night(24, HouseHour{.load = Watts{1000}, .hour = 20});
  auto settings = ideal(YearTariff::e7, 1min);
  settings.control.reserve = 30.0_soc;
  const auto kept = run_year(night, settings);
  EXPECT_NEAR(kept.end / settings.battery.capacity, 0.30, 0.005);

  settings.control.reserve = 0.0_soc;
  settings.control.discharge_limit = Watts{200};
  const auto slow = run_year(std::span(night).first(1), settings);
  EXPECT_NEAR(kwh(slow.discharged), 0.2, 1e-9);

  settings.control.grid_setpoint = Watts{900};
  const auto shared = run_year(std::span(night).first(1), settings);
  EXPECT_NEAR(kwh(shared.import), 0.9, 1e-9);
}

TEST(YearSteps, ChargeWhileCheapIfTheTariffSaysSo) {
  // A cheap hour and two dear ones.
  std::vector<HouseHour> hours(3, HouseHour{.load = Watts{1000}, .hour = 20});
  hours[0].hour = 7;
  auto settings = ideal(YearTariff::e7, 1h);
  settings.battery.start = WattHours{1000};
  settings.control.tariff.cheap_below = 0.2;
  settings.control.tariff.no_discharge_while_cheap = true;
  const auto kept = run_year(std::span(hours).first(1), settings);
  EXPECT_EQ(kept.discharged, WattHours{});
  EXPECT_EQ(kept.charged, WattHours{});

  settings.control.tariff.force_charge_to = 90.0_soc;
  const auto charged = run_year(hours, settings);
  EXPECT_NEAR(kwh(charged.charged), 1.6, 1e-9);
  EXPECT_NEAR(kwh(charged.import), 2.6, 1e-9) << "the dear hours are served";
  EXPECT_NEAR(kwh(charged.discharged), 2.0, 1e-9);
}

/// Bands that begin within an hour, dear in the evening.
control::Tariff evening_tariff() {
  control::Tariff tariff;
  tariff.import_price = 0.20;
  tariff.bands = {{{control::every_day, 17 * 60 + 30, 20 * 60}, 0.50, 0.15, false},
                  {{control::every_day, 30, 5 * 60}, 0.08, std::nullopt, true}};
  return tariff;
}

TEST(YearCost, IsPaidByTheTariffThatIsDecidedBy) {
  // From 17:00 to 18:00, 1 kW: half an hour at 0.20, half at 0.50; the file's own price is another.
  const std::vector<HouseHour> hour{{.load = Watts{1000}, .hour = 18, .price = 9.0}};
  auto settings = ideal(YearTariff::tou, 1min);
  settings.battery.start = WattHours{};
  settings.control.tariff = evening_tariff();
  EXPECT_NEAR(run_year(hour, settings).cost, 0.5 * 0.20 + 0.5 * 0.50, 1e-9);
  EXPECT_NEAR(cost_without_battery(priced_spans(hour, settings)), 0.35, 1e-9);
  EXPECT_NEAR(bound(hour, settings, WattHours{}).value(), 0.20 * (0.5 + 0.5 / 0.95 / 0.95), 1e-9)
      << "what the dear half needs is bought in the other";

  // An hour that is decided at once is paid by the minute as well.
  settings.step = 1h;
  EXPECT_NEAR(run_year(hour, settings).cost, 0.35, 1e-9);
  settings.step = 1min;

  // The export price of the band, and outside it the setting's.
  const std::vector<HouseHour> sunny{{.sun = Watts{1000}, .hour = 18, .price = 9.0}};
  settings.kwp = 1.0;
  settings.control.charge_limit = Watts{100};
  EXPECT_NEAR(run_year(sunny, settings).cost, -0.9 * (0.5 * 0.05 + 0.5 * 0.15), 1e-9);

  // Without bands nothing of it holds.
  settings.control.tariff.bands.clear();
  EXPECT_NEAR(run_year(hour, settings).cost, 9.0, 1e-9);
}

TEST(YearSteps, AMinuteUnlessAskedOtherwise) {
  EXPECT_EQ(YearSettings{}.step, 1min);
}

TEST(YearBattery, StandbyIsDrawnAllTheTimeAndTheCurveHoldsAtEachPower) {
  std::vector<HouseHour> hours(2, HouseHour{.hour = 20});
  hours[0].sun = Watts{1000};
  hours[1].load = Watts{400};
  auto settings = ideal(YearTariff::e7, 1min);
  settings.kwp = 1.0;
  settings.battery.start = WattHours{};
  settings.battery.standby = Watts{20};
  settings.battery.curve = {{Watts{420}, 0.80}, {Watts{980}, 0.90}};
  const auto year = run_year(hours, settings);
  EXPECT_NEAR(kwh(year.charged), 0.980, 1e-9) << "what the sun gives less the standby";
  EXPECT_NEAR(kwh(year.discharged), 0.420, 1e-9);
  EXPECT_NEAR(kwh(year.cells_out), 0.420 / 0.80, 1e-9);
  EXPECT_NEAR(kwh(year.end), 0.980 * 0.90 - 0.420 / 0.80, 1e-9);
  EXPECT_NEAR(kwh(year.standby), 0.040, 1e-9);
  EXPECT_NEAR(kwh(year.import + year.export_), 0.0, 1e-9);
  EXPECT_NEAR(kwh(year.losses), 0.980 * 0.10 + 0.420 * 0.25, 1e-9);
}

TEST(YearBattery, GivesNoMoreThanItCanWhateverTheRulesAllow) {
  const std::vector<HouseHour> hour{{.load = Watts{3000}, .hour = 20}};
  auto settings = ideal(YearTariff::e7, 1min);
  settings.control.discharge_limit = settings.control.inverter_rating = Watts{5000};
  EXPECT_NEAR(kwh(run_year(hour, settings).discharged), 2.4, 1e-9);
}

TEST(YearRegret, IsNeverNegativeWhateverTheRules) {
  std::mt19937 random{7};
  const auto draw = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(random() % 1000) / 999.0;
  };
  const auto heads = [&] { return random() % 2 == 0; };
  bool sold = false;
  bool richer = false;
  for (int n = 0; n < 150; ++n) {
    SCOPED_TRACE(n);
    std::vector<HouseHour> hours;
    for (int h = 0; h < 72; ++h)
      hours.push_back({Watts{draw(0, 3000)}, Watts{h % 24 > 7 && h % 24 < 18 ? draw(0, 800) : 0.0},
                       h % 24 + 1, h / 24 + 1, draw(0.16, 0.60)});
    auto settings = ideal(YearTariff::tou, heads() ? Duration{1h} : Duration{15min});
    settings.battery.start = WattHours{draw(0, 8640)};
    auto& control = settings.control;
    control.charge_limit = control.discharge_limit = control.inverter_rating = Watts{4000};
    control.grid_setpoint = Watts{heads() ? draw(-1500, 500) : 0.0};
    if (heads()) control.reserve = Soc::from_percent(draw(0, 60)).value();
    if (heads()) control.tariff = evening_tariff();
    if (heads()) control.tariff.force_charge_to = 90.0_soc;
    if (heads()) control.tariff.cheap_below = 0.3;
    if (heads()) control.import_cap = Watts{draw(2000, 4000)};
    if (heads()) settings.battery.curve = {{Watts{200}, 0.8}, {Watts{900}, 0.95}};
    if (heads()) settings.battery.standby = Watts{25};
    if (heads()) settings.export_price = 0.15;
    const auto year = run_year(hours, settings);
    const auto least = bound(hours, settings, year.end);
    if (!least) continue;
    EXPECT_GE(year.cost, *least - 1e-9);
    double surplus = 0.0;
    for (const auto& hour : hours)
      surplus += std::max((hour.sun * settings.kwp - hour.load).value(), 0.0);
    sold |= year.export_.value() > surplus;
    richer |= year.end < settings.battery.start;
  }
  EXPECT_TRUE(sold && richer) << "some sell from the battery, some end poorer than they began";
}

}  // namespace
}  // namespace esshub::sim
