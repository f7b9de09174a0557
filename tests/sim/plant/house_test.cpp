#include "sim/plant/house.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace esshub::sim {
namespace {

void run(House& house, Duration time) {
  for (Duration t{}; t < time; t += 20ms) house.advance(20ms);
}

TEST(HouseModel, GridIsLoadPlusInverterMinusSolar) {
  House house{HouseSettings{}};
  house.set_load(1200.0_W);
  house.set_solar(500.0_W);
  house.command().setpoint = -400.0_W;
  run(house, 10s);
  EXPECT_NEAR(house.truth().grid.value(), 300.0, 1.0);
  EXPECT_EQ(house.truth().grid, house.truth().load + house.truth().drawn - house.truth().solar);
  EXPECT_NEAR(house.main_meter().phases[0].power.value(), 300.0, 2.0);
  EXPECT_NEAR(house.main_meter().phases[1].power.value(), 500.0, 2.0);
  EXPECT_EQ(house.main_meter().phases[2].power, 0.0_W);
  EXPECT_NEAR(house.battery_meter().phases[0].power.value(), -400.0, 2.0);
}

TEST(HouseModel, ChargingIsPositiveOnTheBatteryMeter) {
  House house{HouseSettings{}};
  house.command().setpoint = 900.0_W;
  run(house, 10s);
  EXPECT_NEAR(house.battery_meter().phases[0].power.value(), 900.0, 2.0);
  EXPECT_NEAR(house.truth().grid.value(), 900.0, 1.0);
  EXPECT_GT(house.battery_truth().current, 0.0_A);
}

TEST(HouseModel, SharesTheLoadWithAcOut) {
  HouseSettings settings;
  settings.ac_out = 100.0_W;
  settings.ac_out_share = 0.25;
  House house{settings};
  house.set_load(1000.0_W);
  run(house, 1s);
  EXPECT_EQ(house.truth().load, 750.0_W);
  EXPECT_EQ(house.truth().ac_out, 350.0_W);
  EXPECT_NEAR(house.truth().grid.value(), 1104.4, 1e-6);
}

TEST(HouseModel, APowerCutLeavesOnlyAcOut) {
  HouseSettings settings;
  settings.ac_out = 200.0_W;
  House house{settings};
  house.set_load(1000.0_W);
  house.set_solar(2000.0_W);
  run(house, 5s);
  house.set_grid(false);
  run(house, 5s);
  EXPECT_EQ(house.truth().grid, 0.0_W);
  EXPECT_EQ(house.truth().solar, 0.0_W);
  EXPECT_EQ(house.truth().load, 0.0_W);
  EXPECT_EQ(house.truth().ac_out, 200.0_W);
  EXPECT_EQ(house.truth().unserved, 1000.0_W);
  EXPECT_NEAR(house.truth().not_served.value(), 1000.0 * 5.0 / 3600.0, 1e-6);
  EXPECT_EQ(house.inverter_truth().state, VebusState::invert_full);
  EXPECT_EQ(house.main_meter().phases[0].voltage, 0.0_V);
}

TEST(HouseModel, VoltageFallsWithImport) {
  House house{HouseSettings{}};
  run(house, 1s);
  const auto before = house.main_meter().phases[0].voltage;
  house.set_load(7000.0_W);
  run(house, 1s);
  EXPECT_LT(house.main_meter().phases[0].voltage, before - 5.0_V);
}

/// Over an hour of changing commands: what the grid gave is what was used, stored or lost.
TEST(HouseModel, EnergyBalanceClosesWithinATenthOfAPercent) {
  House house{HouseSettings{}};
  double sources = 0.0;
  double sinks = 0.0;
  double stored = 0.0;
  double turned_over = 0.0;
  for (int i = 0; i < 3600 * 50; ++i) {
    if (i % (300 * 50) == 0) {
      const int part = i / (300 * 50);
      house.set_load(Watts{300.0 + 200.0 * part});
      house.set_solar(Watts{part % 3 == 0 ? 1500.0 : 0.0});
      house.command().setpoint = Watts{part % 2 == 0 ? 1000.0 : -1200.0};
    }
    const auto before = house.battery().open_circuit();
    house.advance(20ms);
    const double u = 0.5 * (before + house.battery().open_circuit()).value();
    const double amperes = house.battery_truth().current.value();
    sources += (house.truth().grid + house.truth().solar).value();
    sinks += house.truth().load.value();
    sinks += amperes * amperes * house.battery().resistance();
    const auto ac = house.inverter_truth().battery_ac;
    sinks += (ac - dc_power(ac)).value();
    stored += u * amperes;
    turned_over += house.truth().load.value();
  }
  EXPECT_NEAR((sources - sinks - stored) / turned_over, 0.0, 1e-3);
}

TEST(HouseModel, TheSameSeedGivesTheSameHouse) {
  const auto readings = [](std::uint64_t seed) {
    HouseSettings settings;
    settings.seed = seed;
    House house{settings};
    house.set_load(500.0_W);
    run(house, 1s);
    return house.main_meter().phases[0];
  };
  EXPECT_EQ(readings(7).power, readings(7).power);
  EXPECT_EQ(readings(7).voltage, readings(7).voltage);
  EXPECT_NE(readings(7).power, readings(8).power);
}

}  // namespace
}  // namespace esshub::sim
