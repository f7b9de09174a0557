#include "publish/venus/tree.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace esshub::publish {
namespace {

using namespace literals;

const Instant t0 = Instant{} + 1h;
class Tree : public testing::Test {
 protected:
  Tree() {
    view.now = t0;
    view.max_age = 3s;
    view.decision.at = t0;
  }
  void put(Point point, Measure measure, double value) {
    view.snapshot.absorb({{point, measure}, value, t0});
  }
  std::optional<VenusValue> get(std::string_view service, std::string_view path) const {
    for (const auto& row : venus_tree(view))
      if (row.service == service && row.path == path) return row.value;
    ADD_FAILURE() << service << path << " is not published";
    return std::nullopt;
  }
  static std::optional<VenusValue> d(double value) { return value; }
  static std::optional<VenusValue> i(std::int32_t value) { return value; }
  static constexpr std::nullopt_t invalid = std::nullopt;

  View view;
};

TEST_F(Tree, NoRowStandsTwiceAndPathsAreWellFormed) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const auto& row : venus_tree(view)) {
    EXPECT_TRUE(seen.insert({row.service, row.path}).second) << row.service << row.path;
    EXPECT_TRUE(row.path.starts_with('/'));
    EXPECT_EQ(row.path.find_first_not_of("/ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                         "0123456789"),
              std::string_view::npos)
        << row.path;
  }
}

TEST_F(Tree, WhatOnlyVenusKnowsIsThereAndInvalid) {
  for (const auto& [service, path] : {std::pair{"vebus", "/Energy/AcIn1ToAcOut"},
                                      {"system", "/Dc/Pv/Power"},
                                      {"system", "/Dc/System/Power"},
                                      {"battery", "/System/MinVoltageCellId"},
                                      {"system", "/Timers/TimeOnGrid"},
                                      {"pvinverter", "/StatusCode"}})
    EXPECT_EQ(get(service, path), invalid) << service << path;
}

/// Venus's charge control (DVCC) writes what it finds.
TEST_F(Tree, WhatChargeControlWritesIsNotThere) {
  for (const auto& row : venus_tree(view)) {
    EXPECT_FALSE(row.path.starts_with("/BatteryOperationalLimits/")) << row.path;
    for (const auto* path : {"/Dc/0/MaxChargeCurrent", "/FirmwareFeatures/BolFrame",
                             "/Ac/Control/IgnoreAcIn1", "/Hub4/L1/MaxFeedInPower"})
      EXPECT_NE(row.path, path);
    EXPECT_FALSE(row.service == "vebus" && row.path == "/Soc");
  }
}

TEST_F(Tree, InAPowerCutTheConsumptionIsTheLoadOnAcOut) {
  put(Point::inverter, Measure::main_state, 4);
  put(Point::ac_out, Measure::power, 230);
  view.decision.house = 900.0_W;
  EXPECT_EQ(get("system", "/Ac/Consumption/L1/Power"), d(900));
  view.decision.faults.set(Fault::islanded, true, t0);
  view.decision.house.reset();
  EXPECT_EQ(get("system", "/Ac/Consumption/L1/Power"), d(230));
  view.snapshot = {};
  put(Point::inverter, Measure::main_state, 4);
  EXPECT_EQ(get("system", "/Ac/Consumption/L1/Power"), invalid);
}

TEST_F(Tree, AcInAndAcOutAreFullyShown) {
  put(Point::inverter, Measure::voltage, 230);
  put(Point::inverter, Measure::current, -2);
  put(Point::inverter, Measure::frequency, 50);
  put(Point::ac_out, Measure::voltage, 229);
  put(Point::ac_out, Measure::current, 0.5);
  EXPECT_EQ(get("vebus", "/Ac/ActiveIn/L1/I"), d(-2));
  EXPECT_EQ(get("vebus", "/Ac/Out/L1/V"), d(229));
  EXPECT_EQ(get("vebus", "/Ac/Out/L1/I"), d(0.5));
  EXPECT_EQ(get("vebus", "/Ac/Out/L1/F"), invalid) << "not known to be on the mains";
  put(Point::inverter, Measure::status, static_cast<double>(InverterStatus::grid_connected));
  EXPECT_EQ(get("vebus", "/Ac/Out/L1/F"), d(50));
  put(Point::inverter, Measure::status, static_cast<double>(InverterStatus::islanded));
  EXPECT_EQ(get("vebus", "/Ac/Out/L1/F"), invalid);
}

TEST_F(Tree, TheSystemStateIsCountedAsVenusDoes) {
  put(Point::inverter, Measure::main_state, 9);
  put(Point::inverter, Measure::charge_state, 1);
  put(Point::battery, Measure::voltage, 50);
  put(Point::battery, Measure::current, -1);
  EXPECT_EQ(get("system", "/SystemState/State"), i(3)) << "without ESS: the inverter's";
  put(Point::inverter, Measure::controllable, 1);
  EXPECT_EQ(get("system", "/SystemState/State"), i(0x100)) << "discharging";
  put(Point::battery, Measure::current, -0.6);
  EXPECT_EQ(get("system", "/SystemState/State"), i(3)) << "30 W are idle";
  view.decision.reasons.add({Cause::reserve_recharge, {}});
  EXPECT_EQ(get("system", "/SystemState/State"), i(0x102)) << "recharge";
  auto& policy = view.decision.policy;
  policy.instruction = {.kind = InstructionKind::charge, .power = 1000.0_W, .target = 90.0_soc};
  policy.authority = Authority::schedule;
  EXPECT_EQ(get("system", "/SystemState/State"), i(0x103)) << "scheduled charge";
  put(Point::inverter, Measure::main_state, 4);
  EXPECT_EQ(get("system", "/SystemState/State"), i(9)) << "an island";
  put(Point::inverter, Measure::main_state, 9);
  put(Point::inverter, Measure::error, 3);
  EXPECT_EQ(get("system", "/SystemState/State"), i(2)) << "a fault goes first";
}

TEST_F(Tree, SignsAreTheHubs) {
  put(Point::grid, Measure::power, -500);   // export
  put(Point::solar, Measure::power, 2000);  // generation
  put(Point::battery, Measure::voltage, 50);
  put(Point::battery, Measure::current, -10);  // discharging
  put(Point::inverter, Measure::power, -480);  // feeding back through AC-in
  EXPECT_EQ(get("grid", "/Ac/L1/Power"), d(-500));
  EXPECT_EQ(get("pvinverter", "/Ac/Power"), d(2000));
  EXPECT_EQ(get("battery", "/Dc/0/Power"), d(-500));
  EXPECT_EQ(get("vebus", "/Ac/ActiveIn/L1/P"), d(-480));
  EXPECT_EQ(get("system", "/Dc/Battery/State"), i(2));
}

TEST_F(Tree, EnergiesAreKilowattHours) {
  put(Point::grid, Measure::energy_forward, 1234500);
  put(Point::battery_meter, Measure::energy_reverse, 500);
  EXPECT_EQ(get("grid", "/Ac/Energy/Forward"), d(1234.5));
  EXPECT_EQ(get("grid", "/Ac/Energy/Reverse"), invalid);
  EXPECT_EQ(get("acload", "/Ac/L1/Energy/Reverse"), d(0.5));
}

TEST_F(Tree, NothingMeasuredIsZero) {
  // What is true of the installation, not measured.
  const std::set<std::string_view> facts{"/Connected",
                                         "/Position",
                                         "/IsGenericEnergyMeter",
                                         "/NrOfPhases",
                                         "/Role",
                                         "/RefreshTime",
                                         "/ErrorCode",
                                         "/DeviceType",
                                         "/Manufacturer",
                                         "/Family",
                                         "/SystemType",
                                         "/ModeIsAdjustable",
                                         "/Ac/ActiveIn/CurrentLimitIsAdjustable",
                                         "/Ac/State/IgnoreAcIn1",
                                         "/Bms/BmsExpected",
                                         "/Interfaces/Mk2/Connection",
                                         "/Hub4/DoNotFeedInOvervoltage",
                                         "/Ac/Grid/DeviceType",
                                         "/Ac/In/0/Source",
                                         "/Settings/CGwacs/Hub4Mode",
                                         "/Settings/CGwacs/RunWithoutGridMeter",
                                         "/Settings/CGwacs/BatteryLife/State",
                                         "/Settings/SystemSetup/AcInput1"};
  // What the hub itself decides, also with nothing measured.
  const std::set<std::string_view> decided{"/Alarms/BmsCable",
                                           "/Alarms/BmsConnectionLost",
                                           "/Hub4/DisableCharge",
                                           "/Hub4/DisableFeedIn",
                                           "/Control/ActiveSocLimit",
                                           "/Control/ScheduledCharge",
                                           "/Settings/CGwacs/BatteryLife/MinimumSocLimit"};
  for (const auto& row : venus_tree(View{})) {
    const bool is_fact =
        facts.contains(row.path) || row.path.find("/NumberOf") != std::string_view::npos;
    const bool is_decided = decided.contains(row.path) || (row.path.starts_with("/SystemState/") &&
                                                           row.path != "/SystemState/State");
    EXPECT_EQ(row.value.has_value(), is_fact || is_decided) << row.service << row.path;
  }
}

TEST_F(Tree, StaleIsInvalid) {
  put(Point::grid, Measure::power, 100);
  put(Point::battery, Measure::soc, 50);
  put(Point::battery, Measure::protections, 0);
  put(Point::inverter, Measure::main_state, 8);
  view.decision.setpoint = {100.0_W, InverterMode::follow, t0 + 1s};
  view.decision.house = 100.0_W;
  EXPECT_EQ(get("grid", "/Connected"), i(1));
  EXPECT_EQ(get("system", "/Ac/Consumption/L1/Power"), d(100));
  view.now += 3001ms;
  for (const auto& row : venus_tree(view)) {
    if (row.path == "/Connected") {
      EXPECT_EQ(row.value, i(0)) << row.service;
    }
  }
  EXPECT_EQ(get("grid", "/Ac/Power"), invalid);
  EXPECT_EQ(get("battery", "/Soc"), invalid);
  EXPECT_EQ(get("battery", "/Alarms/HighVoltage"), invalid);
  EXPECT_EQ(get("vebus", "/State"), invalid);
  EXPECT_EQ(get("system", "/Ac/Consumption/L1/Power"), invalid);
  EXPECT_EQ(get("system", "/SystemState/LowSoc"), invalid);
  EXPECT_EQ(get("battery", "/Alarms/BmsCable"), invalid);
}

TEST_F(Tree, AlarmsAreAlarmBeforeWarningBeforeOk) {
  put(Point::battery, Measure::protections, bit(BmsFlag::high_voltage));
  EXPECT_EQ(get("battery", "/Alarms/HighVoltage"), i(2));
  EXPECT_EQ(get("battery", "/Alarms/LowVoltage"), invalid) << "the warnings are not known yet";
  put(Point::battery, Measure::warnings, bit(BmsFlag::low_voltage) | bit(BmsFlag::high_voltage));
  EXPECT_EQ(get("battery", "/Alarms/HighVoltage"), i(2));
  EXPECT_EQ(get("battery", "/Alarms/LowVoltage"), i(1));
  EXPECT_EQ(get("battery", "/Alarms/LowTemperature"), i(0));
}

TEST_F(Tree, AnUnknownProtectionIsAnInternalFailure) {
  put(Point::battery, Measure::protections, bit(BmsFlag::unknown));
  EXPECT_EQ(get("battery", "/Alarms/InternalFailure"), i(2));
}

TEST_F(Tree, RequestsOfTheBmsAreFlags) {
  put(Point::battery, Measure::requests,
      bit(BmsRequest::charge_enable) | bit(BmsRequest::force_charge_2));
  EXPECT_EQ(get("battery", "/Io/AllowToCharge"), i(1));
  EXPECT_EQ(get("battery", "/Io/AllowToDischarge"), i(0));
  EXPECT_EQ(get("battery", "/Info/ChargeRequest"), i(1));
  EXPECT_EQ(get("battery", "/Info/FullChargeRequest"), i(0));
}

TEST_F(Tree, VebusStateFollowsMainStateChargeStateAndError) {
  struct Row {
    int main, charge, state;
  };
  for (const auto& [main, charge, state] :
       {Row{0, 0, 0}, Row{2, 0, 0}, Row{4, 0, 9}, Row{6, 0, 1}, Row{7, 0, 10}, Row{8, 0, 8},
        Row{9, 1, 3}, Row{9, 2, 4}, Row{9, 3, 5}, Row{9, 4, 6}, Row{9, 7, 7}}) {
    put(Point::inverter, Measure::main_state, main);
    put(Point::inverter, Measure::charge_state, charge);
    EXPECT_EQ(get("vebus", "/State"), i(state)) << main << "/" << charge;
  }
  view.decision.setpoint = {100.0_W, InverterMode::follow, t0 + 1s};
  EXPECT_EQ(get("vebus", "/State"), i(252)) << "charging under our command";
  put(Point::inverter, Measure::error, 3);
  EXPECT_EQ(get("vebus", "/State"), i(2));
}

TEST_F(Tree, IslandedShowsAsDisconnectedInput) {
  put(Point::inverter, Measure::main_state, 4);
  EXPECT_EQ(get("vebus", "/Ac/ActiveIn/ActiveInput"), i(0));
  EXPECT_EQ(get("system", "/Ac/ActiveIn/Source"), i(1));
  view.decision.faults.set(Fault::islanded, true, t0);
  EXPECT_EQ(get("vebus", "/Ac/ActiveIn/ActiveInput"), i(240));
  EXPECT_EQ(get("vebus", "/Ac/ActiveIn/Connected"), i(0));
  EXPECT_EQ(get("vebus", "/Alarms/GridLost"), i(2));
  EXPECT_EQ(get("system", "/Ac/ActiveIn/Source"), i(240));
}

TEST_F(Tree, TheSetpointIsWhatTheInverterAcknowledged) {
  view.decision.setpoint = {-300.0_W, InverterMode::follow, t0 + 1s};
  EXPECT_EQ(get("vebus", "/Hub4/L1/AcPowerSetpoint"), invalid);
  put(Point::inverter, Measure::setpoint, -300);
  EXPECT_EQ(get("vebus", "/Hub4/L1/AcPowerSetpoint"), d(-300));
}

TEST_F(Tree, AnInverterWithoutEssHasNoAssistant) {
  put(Point::inverter, Measure::controllable, 0);
  EXPECT_EQ(get("vebus", "/Hub4/AssistantId"), invalid);
  put(Point::inverter, Measure::controllable, 1);
  EXPECT_EQ(get("vebus", "/Hub4/AssistantId"), i(5));
}

TEST_F(Tree, AlarmBitsOfTheInverterAreWarningsAndAlarms) {
  EXPECT_EQ(get("vebus", "/Alarms/Overload"), invalid);
  put(Point::inverter, Measure::alarms, 0x04 + 0x20);  // overload warning, low battery
  EXPECT_EQ(get("vebus", "/Alarms/Overload"), i(1));
  EXPECT_EQ(get("vebus", "/Alarms/LowBattery"), i(2));
  EXPECT_EQ(get("vebus", "/Alarms/L1/Ripple"), i(0));
}

TEST_F(Tree, ConsumedChargeIsNegativeAndNeedsBothReadings) {
  put(Point::battery, Measure::capacity, 100);
  EXPECT_EQ(get("battery", "/ConsumedAmphours"), invalid);
  put(Point::battery, Measure::soc, 80);
  EXPECT_EQ(get("battery", "/ConsumedAmphours"), d(-20));
}

TEST_F(Tree, ThePowerFactorIsUnknownNearZeroCurrent) {
  put(Point::grid, Measure::power, -230);
  put(Point::grid, Measure::voltage, 230);
  put(Point::grid, Measure::current, 0.1);
  EXPECT_EQ(get("grid", "/Ac/PowerFactor"), invalid);
  put(Point::grid, Measure::current, 2);
  EXPECT_EQ(get("grid", "/Ac/PowerFactor"), d(-0.5));
}

TEST_F(Tree, TheReserveInForceIsTheMinimumSoc) {
  view.decision.policy.reserve = 35.0_soc;
  view.decision.policy.backup_left = 90min;
  EXPECT_EQ(get("settings", "/Settings/CGwacs/BatteryLife/MinimumSocLimit"), d(35));
  EXPECT_EQ(get("battery", "/TimeToGo"), i(5400));
  EXPECT_EQ(get("system", "/Dc/Battery/TimeToGo"), d(5400)) << "there it is no integer";
}

TEST_F(Tree, OnlyTheWeeklyPlanAndTheTariffAreScheduledCharging) {
  auto& policy = view.decision.policy;
  policy.instruction = {.kind = InstructionKind::charge, .power = 1000.0_W, .target = 90.0_soc};
  policy.authority = Authority::manual;
  EXPECT_EQ(get("system", "/Control/ScheduledCharge"), i(0));
  EXPECT_EQ(get("system", "/Control/ScheduledSoc"), invalid);
  policy.authority = Authority::schedule;
  EXPECT_EQ(get("system", "/Control/ScheduledCharge"), i(1));
  EXPECT_EQ(get("system", "/Control/ScheduledSoc"), d(90));
}

TEST_F(Tree, ReasonsShowAsFlags) {
  view.decision.reasons.add({Cause::self_consumption, {}});
  view.decision.reasons.add({Cause::reserve, {}});
  EXPECT_EQ(get("system", "/SystemState/LowSoc"), i(1));
  EXPECT_EQ(get("system", "/SystemState/ChargeDisabled"), i(0));
}

}  // namespace
}  // namespace esshub::publish
