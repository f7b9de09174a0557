#include "sim/plant/inverter.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace esshub::sim {
namespace {

constexpr Mains no_mains{Volts{}, Hertz{}};

struct InverterModel : testing::Test {
  explicit InverterModel(double soc = 50.0) : battery(BatterySettings{.soc_percent = soc}) {}

  void run(Duration time, const Mains& mains = {}) {
    for (Duration t{}; t < time; t += 20ms) inverter.advance(20ms, mains, ac_out, command, battery);
  }
  [[nodiscard]] const InverterTruth& truth() const { return inverter.truth(); }

  Battery battery;
  InverterCommand command;
  Watts ac_out{};
  Inverter inverter{InverterSettings{}};
};

TEST_F(InverterModel, PassesThroughWithoutASetpoint) {
  ac_out = 300.0_W;
  run(1s);
  EXPECT_EQ(truth().state, VebusState::passthru);
  EXPECT_EQ(truth().ac_in, 300.0_W);
  EXPECT_EQ(truth().battery_ac, 0.0_W);
  EXPECT_NEAR(inverter.drawn().value(), 304.4, 1e-9);
  EXPECT_LT(truth().dc_current, 0.0_A) << "its own use comes from the battery";
  EXPECT_EQ(truth().soc_percent, battery.truth().soc_percent);
}

TEST_F(InverterModel, HoldsTheSetpointAtAcIn) {
  command.setpoint = -800.0_W;
  run(5s);
  EXPECT_EQ(truth().state, VebusState::charge) << "also while it discharges";
  EXPECT_NEAR(truth().ac_in.value(), -800.0, 1.0);
  ac_out = 500.0_W;
  run(5s);
  EXPECT_NEAR(truth().ac_in.value(), -800.0, 1.0);
  EXPECT_NEAR(truth().battery_ac.value(), -1300.0, 1.0);
  EXPECT_NEAR((truth().battery_ac + truth().ac_out - truth().ac_in).value(), 0.0, 1e-9);
}

TEST_F(InverterModel, RampsAtAKilowattASecond) {
  command.setpoint = -2000.0_W;
  run(1s);
  EXPECT_NEAR(truth().battery_ac.value(), -1000.0, 1.0);
  run(1500ms);
  EXPECT_NEAR(truth().battery_ac.value(), -2000.0, 2.0);
}

TEST_F(InverterModel, SmallStepsLagATenthOfASecond) {
  command.setpoint = 0.0_W;
  run(1s);
  command.setpoint = 50.0_W;
  run(100ms);
  EXPECT_NEAR(truth().battery_ac.value(), 50.0 * 0.632, 1.0);
}

TEST_F(InverterModel, ChargesWithAtMost35Amperes) {
  command.setpoint = 5000.0_W;
  run(10s);
  EXPECT_NEAR(truth().dc_current.value(), 35.0, 0.05);
  EXPECT_LT(truth().ac_in, 2000.0_W);
}

TEST_F(InverterModel, DischargesWithAtMost2400Watts) {
  command.setpoint = -5000.0_W;
  run(10s);
  EXPECT_NEAR(truth().ac_in.value(), -2400.0, 0.1);
}

TEST_F(InverterModel, DoesNotObeyTheBms) {
  battery.set_overrides({.ccl = 0.0_A, .dcl = 0.0_A});
  command.setpoint = -1000.0_W;
  run(5s);
  EXPECT_NEAR(truth().ac_in.value(), -1000.0, 1.0);
  command.setpoint = 1000.0_W;
  run(5s);
  EXPECT_NEAR(truth().ac_in.value(), 1000.0, 1.0);
}

TEST_F(InverterModel, NeverPassesItsChargeVoltage) {
  battery.set_soc(99.9);
  command.setpoint = 1900.0_W;
  run(30min);
  EXPECT_LE(truth().dc_voltage.value(), 53.2 + 1e-6);
  EXPECT_LT(truth().ac_in, 100.0_W);
  EXPECT_EQ(truth().charge_state, 2);
}

TEST_F(InverterModel, FallsBackWhenTheSetpointIsGone) {
  command.setpoint = -1000.0_W;
  run(5s);
  command.setpoint.reset();
  run(5s);
  EXPECT_EQ(truth().state, VebusState::passthru);
  EXPECT_EQ(truth().battery_ac, 0.0_W);
}

TEST_F(InverterModel, ChargerOnlyNeverDischarges) {
  command.switch_state = SwitchPosition::charger_only;
  command.setpoint = -1000.0_W;
  run(5s);
  EXPECT_EQ(truth().battery_ac, 0.0_W);
  command.setpoint = 700.0_W;
  run(5s);
  EXPECT_NEAR(truth().battery_ac.value(), 700.0, 1.0);
}

TEST_F(InverterModel, SwitchedOffNothingIsFed) {
  ac_out = 300.0_W;
  command.switch_state = SwitchPosition::off;
  command.setpoint = -1000.0_W;
  run(5s);
  EXPECT_EQ(truth().state, VebusState::off);
  EXPECT_EQ(truth().ac_out, 0.0_W);
  EXPECT_EQ(truth().ac_in, 0.0_W);
  EXPECT_EQ(truth().battery_ac, 0.0_W);
}

TEST_F(InverterModel, IslandedTheBatteryCarriesTheLoadsWhateverIsCommanded) {
  ac_out = 600.0_W;
  command.setpoint = 1500.0_W;
  run(5s);
  run(20ms, no_mains);
  EXPECT_EQ(truth().state, VebusState::invert_full);
  EXPECT_EQ(truth().ac_in, 0.0_W);
  EXPECT_EQ(truth().battery_ac, -600.0_W);
  EXPECT_EQ(truth().ac_out, 600.0_W);
  EXPECT_EQ(truth().mains_frequency, 0.0_Hz);
  EXPECT_EQ(truth().out_voltage, 230.0_V);
}

TEST_F(InverterModel, MainsMustBeGoodForAWhileBeforeItConnects) {
  ac_out = 600.0_W;
  run(1s, no_mains);
  run(9s);
  EXPECT_EQ(truth().state, VebusState::invert_full);
  EXPECT_EQ(truth().ac_in, 0.0_W);
  run(2s);
  EXPECT_EQ(truth().state, VebusState::passthru);
  run(5s);
  EXPECT_EQ(truth().ac_in, 600.0_W);
}

TEST_F(InverterModel, IslandedAndEmptyItStopsUntilMainsReturns) {
  battery.set_soc(0.5);
  ac_out = 2000.0_W;
  run(15min, no_mains);
  EXPECT_EQ(truth().state, VebusState::off);
  EXPECT_EQ(truth().ac_out, 0.0_W);
  EXPECT_NE(truth().alarms & 0x20, 0);
  run(11s);
  EXPECT_EQ(truth().state, VebusState::passthru);
  EXPECT_EQ(truth().ac_out, 2000.0_W);
}

TEST_F(InverterModel, OverloadedItTripsInAPowerCut) {
  ac_out = 6000.0_W;
  run(1s);
  EXPECT_EQ(truth().ac_out, 6000.0_W) << "mains feeds it through";
  run(1s, no_mains);
  EXPECT_EQ(truth().state, VebusState::off);
  EXPECT_NE(truth().alarms & 0x40, 0);
}

TEST_F(InverterModel, BestEfficiencyIs95PercentBothWays) {
  double best_charge = 0.0;
  double best_discharge = 0.0;
  for (double w = 50.0; w <= 2400.0; w += 10.0) {
    best_charge = std::max(best_charge, dc_power(Watts{w}).value() / w);
    best_discharge = std::max(best_discharge, w / -dc_power(Watts{-w}).value());
  }
  EXPECT_NEAR(best_charge, 0.95, 0.005);
  EXPECT_NEAR(best_discharge, 0.95, 0.005);
  EXPECT_EQ(dc_power(0.0_W), -11.0_W);
}

TEST_F(InverterModel, ChargePowerIsTheInverseOfTheLosses) {
  for (double w = 50.0; w <= 1900.0; w += 50.0)
    EXPECT_NEAR(ac_power_to_charge(dc_power(Watts{w})).value(), w, 1e-6);
}

}  // namespace
}  // namespace esshub::sim
