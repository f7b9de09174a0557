#include "sim/plant/battery.hpp"

#include <gtest/gtest.h>

namespace esshub::sim {
namespace {

constexpr Duration step = 1s;

BatterySettings at_soc(double percent) {
  BatterySettings settings;
  settings.soc_percent = percent;
  return settings;
}

bool protects(const Battery& battery, BmsFlag flag) {
  return (battery.truth().protections & static_cast<std::uint32_t>(flag)) != 0;
}

TEST(BatteryModel, RestsAtItsOpenCircuitVoltage) {
  const Battery battery{at_soc(50.0)};
  EXPECT_NEAR(battery.truth().voltage.value(), 49.5, 1e-9);
  EXPECT_EQ(battery.truth().current, 0.0_A);
}

TEST(BatteryModel, KnowsTheEnergyInItsCells) {
  EXPECT_EQ(Battery{at_soc(0.0)}.stored(), WattHours{});
  const Battery half{at_soc(50.0)};
  EXPECT_NEAR(half.capacity().value(), 100.0 * 49.4, 50.0);
  Battery battery{at_soc(50.0)};
  WattHours heat{};
  for (int i = 0; i < 3600; ++i) {
    battery.advance(step, 500.0_W);
    const Amperes current = battery.truth().current;
    heat += Volts{current.value() * battery.resistance()} * current * Hours{step};
  }
  EXPECT_NEAR((battery.stored() - half.stored()).value(), 500.0 - heat.value(), 0.5);
}

TEST(BatteryModel, CountsCoulombs) {
  Battery battery{at_soc(50.0)};
  double ampere_hours = 0.0;
  for (int i = 0; i < 3600; ++i) {
    battery.advance(step, 500.0_W);
    ampere_hours += battery.truth().current.value() / 3600.0;
  }
  EXPECT_NEAR(ampere_hours, 10.0, 0.2);
  // Two modules hold 100 Ah: an ampere-hour is a percent.
  EXPECT_NEAR(battery.truth().soc_percent, 50.0 + ampere_hours, 1e-9);
}

TEST(BatteryModel, EnergyBalanceClosesWithinATenthOfAPercent) {
  Battery battery{at_soc(20.0)};
  double given = 0.0;
  double stored = 0.0;
  double heat = 0.0;
  for (int i = 0; i < 2 * 3600; ++i) {
    const auto before = battery.open_circuit();
    battery.advance(step, 1500.0_W);
    const auto& truth = battery.truth();
    given += 1500.0;
    stored += 0.5 * (before + battery.open_circuit()).value() * truth.current.value();
    heat += truth.current.value() * truth.current.value() * battery.resistance();
  }
  EXPECT_GT(heat, 0.0);
  EXPECT_NEAR((stored + heat) / given, 1.0, 1e-3);
}

TEST(BatteryModel, TerminalsRiseWhileChargingAndSagWhileDischarging) {
  Battery battery{at_soc(50.0)};
  battery.advance(step, 1000.0_W);
  EXPECT_GT(battery.truth().voltage, battery.open_circuit());
  EXPECT_NEAR((battery.truth().voltage * battery.truth().current).value(), 1000.0, 1.0);
  battery.advance(step, -1000.0_W);
  EXPECT_LT(battery.truth().voltage, battery.open_circuit());
  EXPECT_LT(battery.truth().current, 0.0_A);
}

TEST(BatteryModel, LimitsScaleWithTheModules) {
  auto settings = at_soc(50.0);
  settings.modules = 4;
  const Battery battery{settings};
  EXPECT_EQ(battery.truth().ccl, 100.0_A);
  EXPECT_EQ(battery.truth().dcl, 100.0_A);
  EXPECT_EQ(battery.truth().modules, 4u);
}

TEST(BatteryModel, ChargeLimitFallsInStepsAndIsNothingWhenFull) {
  EXPECT_EQ(Battery{at_soc(89.0)}.truth().ccl, 50.0_A);
  EXPECT_EQ(Battery{at_soc(92.0)}.truth().ccl, 37.5_A);
  EXPECT_EQ(Battery{at_soc(96.0)}.truth().ccl, 20.0_A);
  EXPECT_EQ(Battery{at_soc(99.0)}.truth().ccl, 10.0_A);
  Battery battery{at_soc(100.0)};
  EXPECT_EQ(battery.truth().ccl, 0.0_A);
  EXPECT_EQ(battery.truth().dcl, 50.0_A);
  while (battery.truth().soc_percent > 98.1) battery.advance(step, -1000.0_W);
  EXPECT_EQ(battery.truth().ccl, 0.0_A) << "a full stack does not ask for charge at once";
  while (battery.truth().soc_percent > 97.9) battery.advance(step, -1000.0_W);
  EXPECT_EQ(battery.truth().ccl, 20.0_A);
}

TEST(BatteryModel, EmptyMeansNoDischargeUntilCharged) {
  Battery battery{at_soc(1.0)};
  for (int i = 0; i < 600; ++i) battery.advance(step, -500.0_W);
  EXPECT_EQ(battery.truth().dcl, 0.0_A);
  EXPECT_FALSE(battery.truth().discharge_enable);
  EXPECT_TRUE(battery.truth().charge_enable);
  while (battery.truth().soc_percent < 4.9) battery.advance(step, 500.0_W);
  EXPECT_EQ(battery.truth().dcl, 0.0_A);
  while (battery.truth().soc_percent < 5.1) battery.advance(step, 500.0_W);
  EXPECT_EQ(battery.truth().dcl, 50.0_A);
}

TEST(BatteryModel, AsksForChargeAtLowSoc) {
  const Battery low{at_soc(6.0)};
  EXPECT_TRUE(low.truth().force_charge_1);
  EXPECT_FALSE(low.truth().force_charge_2);
  const Battery lowish{at_soc(11.0)};
  EXPECT_FALSE(lowish.truth().force_charge_1);
  EXPECT_TRUE(lowish.truth().force_charge_2);
  const Battery fine{at_soc(14.0)};
  EXPECT_FALSE(fine.truth().force_charge_1 || fine.truth().force_charge_2);
}

TEST(BatteryModel, AbusedCellsAreSwitchedOffInThatDirectionOnly) {
  Battery battery{at_soc(100.0)};
  for (int i = 0; i < 3600 && !protects(battery, BmsFlag::high_voltage); ++i)
    battery.advance(step, 1500.0_W);
  ASSERT_TRUE(protects(battery, BmsFlag::high_voltage));
  EXPECT_FALSE(battery.truth().charge_enable);
  EXPECT_EQ(battery.accepted(1500.0_W), 0.0_W);
  EXPECT_NEAR(battery.accepted(-1500.0_W).value(), -1500.0, 1e-6);
  EXPECT_EQ(battery.truth().soc_percent, 100.0);

  battery.set_soc(0.0);
  EXPECT_FALSE(protects(battery, BmsFlag::high_voltage));
  for (int i = 0; i < 3600 && !protects(battery, BmsFlag::low_voltage); ++i)
    battery.advance(step, -1500.0_W);
  ASSERT_TRUE(protects(battery, BmsFlag::low_voltage));
  EXPECT_EQ(battery.accepted(-1500.0_W), 0.0_W);
  EXPECT_EQ(battery.truth().soc_percent, 0.0);
}

TEST(BatteryModel, ColdCellsTakeNoCharge) {
  auto settings = at_soc(50.0);
  settings.ambient = Celsius{-2.0};
  const Battery battery{settings};
  EXPECT_EQ(battery.truth().ccl, 0.0_A);
  EXPECT_EQ(battery.truth().dcl, 50.0_A);
}

TEST(BatteryModel, WarmsUnderLoad) {
  Battery battery{at_soc(90.0)};
  for (int i = 0; i < 3600; ++i) battery.advance(step, -2000.0_W);
  EXPECT_GT(battery.truth().temperature, 21.2_degC);
  EXPECT_LT(battery.truth().temperature, 30.0_degC);
}

TEST(BatteryModel, OverridesChangeWhatTheBmsSaysAndNothingElse) {
  Battery battery{at_soc(50.0)};
  battery.set_overrides(
      {.ccl = 5.0_A, .dcl = 0.0_A, .protections = static_cast<std::uint32_t>(BmsFlag::system)});
  EXPECT_EQ(battery.truth().ccl, 5.0_A);
  EXPECT_EQ(battery.truth().dcl, 0.0_A);
  EXPECT_TRUE(protects(battery, BmsFlag::system));
  EXPECT_NEAR(battery.accepted(-1000.0_W).value(), -1000.0, 1e-6);
  battery.set_overrides({});
  EXPECT_EQ(battery.truth().ccl, 50.0_A);
  EXPECT_EQ(battery.truth().protections, 0u);
}

}  // namespace
}  // namespace esshub::sim
