#include "control/plan/cost_comparison.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace esshub::control {
namespace {

PlanBattery battery() {
  PlanBattery b;
  b.capacity = WattHours{4000};
  b.charge = Watts{2000};
  b.discharge = Watts{1000};
  b.charge_efficiency = 0.8;
  b.discharge_efficiency = 0.5;
  return b;
}

constexpr UnixSeconds begin = 1'780'272'000;

/// So many minutes from then on: import 0.30, export 0.10 per kWh, 2 kWh stored all the time.
std::vector<MeasuredMinute> minutes(int count, Watts load, Watts solar, Watts charging,
                                    UnixSeconds from = begin) {
  std::vector<MeasuredMinute> all;
  for (int n = 0; n < count; ++n)
    all.push_back({from + 60 * n, load, solar, charging, WattHours{2000}, 0.30, 0.10});
  return all;
}

CostComparison compared(const std::vector<MeasuredMinute>& all, WattHours reserve = {},
                        const std::optional<ModelledCharge>& before = {},
                        const PlanBattery& b = battery()) {
  return compare_costs(all, b, reserve, before);
}

TEST(CostComparison, OfAnHourWithoutSun) {
  const auto costs = compared(minutes(60, Watts{600}, {}, Watts{-300}));
  EXPECT_EQ(costs.minutes, 60);
  EXPECT_NEAR(costs.no_battery, 0.6 * 0.30, 1e-9);
  EXPECT_NEAR(costs.used.cost, 0.3 * 0.30, 1e-9);
  EXPECT_NEAR(costs.used.gained.value(), -600, 1e-6);
  EXPECT_NEAR(costs.balance.cost, 0.0, 1e-9);
  EXPECT_NEAR(costs.balance.gained.value(), -1200, 1e-6);
  EXPECT_EQ(costs.cheapest, 0.30);
  EXPECT_EQ(costs.end.at, begin + 3600);
  EXPECT_NEAR(costs.end.used.value(), 1400, 1e-6);
  EXPECT_NEAR(costs.end.balance.value(), 800, 1e-6);
}

TEST(CostComparison, OfAnHourWithSun) {
  const auto costs = compared(minutes(60, Watts{500}, Watts{3500}, Watts{1000}));
  EXPECT_NEAR(costs.no_battery, -3.0 * 0.10, 1e-9);
  EXPECT_NEAR(costs.used.cost, -2.0 * 0.10, 1e-9);
  EXPECT_NEAR(costs.used.gained.value(), 800, 1e-6);
  EXPECT_NEAR(costs.balance.cost, -1.0 * 0.10, 1e-9);
  EXPECT_NEAR(costs.balance.gained.value(), 1600, 1e-6);
}

TEST(CostComparison, SunThatIsNotMeteredIsALoadBelowZero) {
  const auto costs = compared(minutes(60, Watts{-800}, {}, {}));
  EXPECT_NEAR(costs.no_battery, -0.8 * 0.10, 1e-9);
  EXPECT_NEAR(costs.balance.gained.value(), 640, 1e-6);
}

TEST(CostComparison, ABoughtKilowattHourCostsItsPrice) {
  const auto costs = compared(minutes(60, Watts{200}, {}, Watts{1000}));
  EXPECT_NEAR(costs.used.cost, 1.2 * 0.30, 1e-9);
  EXPECT_NEAR(costs.used.gained.value(), 800, 1e-6);
}

TEST(CostComparison, TheModelledBatteryTakesAndGivesNoMoreThanItHas) {
  const auto full = compared(minutes(120, {}, Watts{2000}, Watts{2000}));
  EXPECT_NEAR(full.end.used.value(), 4000, 1e-6);
  EXPECT_NEAR(full.used.cost, -(4.0 - 2.5) * 0.10, 1e-9) << "the rest of the sun is exported";
  const auto empty = compared(minutes(120, Watts{1000}, {}, Watts{-1000}));
  EXPECT_NEAR(empty.end.used.value(), 0, 1e-6);
  EXPECT_NEAR(empty.used.cost, (2.0 - 1.0) * 0.30, 1e-9);
}

TEST(CostComparison, SelfConsumptionKeepsTheReserveAndTheLimits) {
  const auto kept = compared(minutes(120, Watts{800}, {}, {}), WattHours{1500});
  EXPECT_NEAR(kept.end.balance.value(), 1500, 1e-6);
  EXPECT_NEAR(kept.balance.cost, (1.6 - 0.25) * 0.30, 1e-9);
  const auto limited = compared(minutes(60, Watts{3000}, {}, {}));
  EXPECT_NEAR(limited.balance.gained.value(), -2000, 1e-6) << "1 kW of discharge";
  EXPECT_NEAR(limited.balance.cost, 2.0 * 0.30, 1e-9);
}

TEST(CostComparison, WearIsNoMoneyAndNothingIsSoldBySelfConsumption) {
  auto b = battery();
  b.wear = 0.1;
  b.to_grid = true;
  const auto costs = compared(minutes(60, Watts{600}, {}, Watts{-300}), {}, {}, b);
  EXPECT_NEAR(costs.used.cost, 0.3 * 0.30, 1e-9);
  EXPECT_NEAR(costs.balance.cost, 0.0, 1e-9);
}

TEST(CostComparison, WhatIsExportedAboveTheCapIsNotPaid) {
  auto b = battery();
  b.export_cap = Watts{500};
  const auto costs = compared(minutes(60, {}, Watts{3000}, Watts{1000}), {}, {}, b);
  EXPECT_NEAR(costs.no_battery, -0.5 * 0.10, 1e-9);
  EXPECT_NEAR(costs.used.cost, -0.5 * 0.10, 1e-9);
}

TEST(CostComparison, GoOnFromWhereTheyStood) {
  const ModelledCharge before{begin - 1800, WattHours{1000}, WattHours{100}};
  const auto day = minutes(60, Watts{400}, {}, Watts{-100});
  const auto on = compared(day, {}, before);
  EXPECT_NEAR(on.end.used.value(), 1000 - 200, 1e-6);
  EXPECT_NEAR(on.end.balance.value(), 0, 1e-6);
  EXPECT_NEAR(on.balance.gained.value(), -100, 1e-6);
  EXPECT_NEAR(on.balance.cost, (0.4 - 0.05) * 0.30, 1e-9);
  const auto anew = compared(day, {}, ModelledCharge{begin - 1801, {}, {}});
  EXPECT_NEAR(anew.end.used.value(), 2000 - 200, 1e-6);
  EXPECT_NEAR(anew.used.gained.value(), -200, 1e-6) << "what lay between is nobody's";
}

TEST(CostComparison, ABatteryThatBecameSmallerGivesNothingForIt) {
  const ModelledCharge before{begin, WattHours{5000}, WattHours{4500}};
  const auto costs = compared(minutes(1, Watts{600}, {}, {}), {}, before);
  EXPECT_NEAR(costs.used.cost, 0.01 * 0.30, 1e-9);
  EXPECT_NEAR(costs.used.gained.value(), 0.0, 1e-9);
  EXPECT_NEAR(costs.end.used.value(), 4000, 1e-9);
  EXPECT_NEAR(costs.balance.gained.value(), -20, 1e-6);
  EXPECT_NEAR(costs.end.balance.value(), 3980, 1e-6);
}

TEST(CostComparison, AGapWithinTheDayBeginsAnewAsWell) {
  auto day = minutes(60, Watts{400}, {}, Watts{-100});
  for (auto& minute : day) minute.stored = WattHours{3000};
  for (const auto& late : minutes(60, Watts{400}, {}, Watts{-100}, begin + 3600 + 1860))
    day.push_back(late);
  const auto costs = compared(day);
  EXPECT_EQ(costs.minutes, 120);
  EXPECT_NEAR(costs.end.used.value(), 2000 - 200, 1e-6);
  EXPECT_NEAR(costs.used.gained.value(), -400, 1e-6);
  EXPECT_NEAR(costs.gained.value(), 0, 1e-6) << "the battery was emptied while nobody looked";
}

TEST(CostComparison, TellsWhatTheBatteryGainedByItsOwnWord) {
  auto day = minutes(3, {}, {}, {});
  day[1].stored = WattHours{2100};
  day[2].stored = WattHours{1950};
  EXPECT_NEAR(compared(day).gained.value(), -50, 1e-6);
}

TEST(CostComparison, TheCheapestPriceMayBeNegativeOrAnyMinutes) {
  auto day = minutes(3, Watts{600}, {}, {});
  day[1].import_price = 0.05;
  EXPECT_EQ(compared(day).cheapest, 0.05);
  day[2].import_price = -0.05;
  const auto costs = compared(day);
  EXPECT_EQ(costs.cheapest, -0.05);
  EXPECT_NEAR(costs.balance.gained.value(), -40, 1e-6) << "not while one is paid to draw";
}

TEST(CostComparison, OfNothingIsNothing) {
  const auto costs = compared({});
  EXPECT_EQ(costs.minutes, 0);
  EXPECT_EQ(costs.no_battery, 0.0);
  EXPECT_EQ(costs.end, ModelledCharge{});
  const ModelledCharge before{begin, WattHours{1}, WattHours{2}};
  EXPECT_EQ(compared({}, {}, before).end, before);
}

}  // namespace
}  // namespace esshub::control
