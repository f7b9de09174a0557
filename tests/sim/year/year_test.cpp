// A year of the hub's own rules against figures computed elsewhere (tests/data/README-traces.md).
#include "sim/year/year.hpp"

#include <cmath>
#include <fstream>
#include <map>
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
  const auto hours = priced_hours(house(GetParam().house), settings);
  const auto bound = [&](bool from_grid) {
    return least_cost(hours, settings.battery, settings.export_price, from_grid).value();
  };
  EXPECT_NEAR(cost_without_battery(hours, settings.export_price),
              GetParam().figures.at("no_battery"), 0.011);
  EXPECT_NEAR(bound(true), GetParam().figures.at("bound"), 0.011);
  EXPECT_NEAR(bound(false), GetParam().figures.at("bound_without_grid_charging"), 0.011);
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

}  // namespace
}  // namespace esshub::sim
