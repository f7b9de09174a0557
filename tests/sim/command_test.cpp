#include "sim/command.hpp"

#include <nlohmann/json.hpp>

#include "tests/sim/plant_model.hpp"

namespace esshub::sim {
namespace {

TEST_F(PlantModel, LoadPvGridAndSocDoWhatTheySay) {
  EXPECT_EQ(answer(plant, "load 30000"), "ok") << "model/plausible.hpp";
  EXPECT_EQ(answer(plant, "load 1500"), "ok");
  EXPECT_EQ(answer(plant, "  pv   250.5\r"), "ok");
  EXPECT_EQ(answer(plant, "soc 12.5"), "ok");
  plant.advance_to(start + 1s);
  EXPECT_EQ(plant.house().truth().load, 1500.0_W);
  EXPECT_EQ(plant.house().truth().solar, 250.5_W);
  EXPECT_NEAR(plant.house().battery_truth().soc_percent, 12.5, 0.01);
  EXPECT_EQ(answer(plant, "grid off"), "ok");
  plant.advance_to(start + 2s);
  EXPECT_FALSE(plant.house().truth().grid_on);
  EXPECT_EQ(answer(plant, "grid on"), "ok");
  EXPECT_EQ(answer(plant, "load trace"), "ok");
  plant.advance_to(start + 3s);
  EXPECT_EQ(plant.house().truth().load, 0.0_W);
}

TEST_F(PlantModel, FaultCommandsReachTheirBus) {
  EXPECT_EQ(answer(plant, "fault inverter drop 2.5"), "ok");
  EXPECT_EQ(plant.fault(Bus::inverter).kind, FaultKind::drop);
  EXPECT_EQ(plant.fault(Bus::inverter).percent, 2.5);
  EXPECT_EQ(answer(plant, "fault battery slow 250"), "ok");
  EXPECT_EQ(plant.fault(Bus::battery).delay, 250ms);
  for (const auto* kind : {"off", "stuck", "unplug", "none"})
    EXPECT_EQ(answer(plant, std::string("fault meters ") + kind), "ok");
  EXPECT_EQ(plant.fault(Bus::meters).kind, FaultKind::none);
}

TEST_F(PlantModel, AReversedCtShowsImportAsExportAndNoneShowsNothing) {
  EXPECT_EQ(answer(plant, "load 1000"), "ok");
  EXPECT_EQ(answer(plant, "ct reversed"), "ok");
  const auto shown = [this] { return plant.house().main_meter().phases[0].power.value(); };
  plant.advance_to(start + 10s);
  EXPECT_NEAR(plant.house().truth().grid.value(), 1000.0, 30.0);
  EXPECT_NEAR(shown(), -1000.0, 30.0);
  EXPECT_EQ(answer(plant, "ct right"), "ok");
  plant.advance_to(start + 20s);
  EXPECT_NEAR(shown(), 1000.0, 30.0);
  EXPECT_EQ(answer(plant, "ct off"), "ok");
  plant.advance_to(start + 30s);
  EXPECT_EQ(shown(), 0.0);
}

TEST_F(PlantModel, BmsCommandsOverrideAndLetGo) {
  EXPECT_EQ(answer(plant, "bms ccl 7"), "ok");
  EXPECT_EQ(answer(plant, "bms dcl 0"), "ok");
  EXPECT_EQ(answer(plant, "bms alarm high_voltage on"), "ok");
  EXPECT_EQ(plant.house().battery_truth().ccl, 7.0_A);
  EXPECT_EQ(plant.house().battery_truth().dcl, 0.0_A);
  EXPECT_NE(plant.house().battery_truth().protections, 0u);
  EXPECT_EQ(answer(plant, "bms ccl auto"), "ok");
  EXPECT_EQ(answer(plant, "bms dcl auto"), "ok");
  EXPECT_EQ(answer(plant, "bms alarm high_voltage off"), "ok");
  EXPECT_EQ(plant.house().battery_truth().ccl, 50.0_A);
  EXPECT_EQ(plant.house().battery_truth().dcl, 50.0_A);
  EXPECT_EQ(plant.house().battery_truth().protections, 0u);
  EXPECT_EQ(answer(plant, "bms soc 130"), "ok");
  EXPECT_EQ(answer(plant, "bms temperature -299"), "ok");
  EXPECT_EQ(plant.house().battery_truth().told_soc_percent, 130.0);
  EXPECT_EQ(plant.house().battery_truth().told_celsius, -299.0);
  EXPECT_EQ(answer(plant, "bms soc auto"), "ok");
  EXPECT_FALSE(plant.house().battery_truth().told_soc_percent);
}

TEST_F(PlantModel, BatteryAndInverterComplainAsToldAndGoOnWorking) {
  EXPECT_EQ(answer(plant, "bms warning cell_imbalance on"), "ok");
  EXPECT_EQ(answer(plant, "inverter alarm temperature_warning on"), "ok");
  EXPECT_EQ(answer(plant, "inverter alarm overload on"), "ok");
  EXPECT_EQ(answer(plant, "inverter alarm overload off"), "ok");
  EXPECT_EQ(answer(plant, "inverter ac_out_error -1500"), "ok");
  EXPECT_EQ(plant.house().inverter_truth().ac_out_error, Watts{-1500});
  plant.advance_to(start + 2s);
  EXPECT_EQ(plant.house().battery_truth().warnings,
            static_cast<std::uint32_t>(BmsFlag::cell_imbalance));
  EXPECT_EQ(plant.house().battery_truth().protections, 0u);
  EXPECT_TRUE(plant.house().battery_truth().charge_enable);
  EXPECT_EQ(plant.house().inverter_truth().alarms, 0x01);
  EXPECT_EQ(answer(plant, "bms warning cell_imbalance off"), "ok");
  EXPECT_EQ(plant.house().battery_truth().warnings, 0u);
}

TEST_F(PlantModel, StateTellsTheTruthAsJson) {
  plant.set_load(800.0_W);
  plant.advance_to(start + 2s);
  auto text = answer(plant, "state");
  ASSERT_TRUE(text.starts_with("ok {"));
  auto json = nlohmann::json::parse(text.substr(3));
  EXPECT_EQ(json["setpoint_w"], nullptr);
  EXPECT_EQ(json["inverter_state"], "passthru");
  EXPECT_EQ(json["grid_on"], true);
  EXPECT_EQ(json["load_w"], 800.0);
  EXPECT_NEAR(json["grid_w"].get<double>(), 804.4, 0.01);
  EXPECT_NEAR(json["mean_abs_grid_w"].get<double>(), 804.4, 0.01);
  EXPECT_NEAR(json["soc_percent"].get<double>(), 50.0, 0.01);
  EXPECT_EQ(json["time_s"], 2.0);
  send(Bus::inverter, "S-300", plant.now());
  plant.advance_to(start + 5s);
  json = nlohmann::json::parse(answer(plant, "state").substr(3));
  EXPECT_EQ(json["setpoint_w"], -300.0);
  EXPECT_NEAR(json["battery_w"].get<double>(), -300.0, 1.0);
  EXPECT_EQ(json["setpoint_writes"], 0);
}

TEST_F(PlantModel, HelpNamesEveryCommand) {
  const auto help = answer(plant, "help");
  for (const auto* verb : {"load", "pv", "soc", "grid", "fault", "bms", "state", "help"})
    EXPECT_NE(help.find(verb), std::string::npos) << verb;
}

struct Wrong {
  const char* line;
  const char* says;
};

class WrongCommand : public PlantModel, public testing::WithParamInterface<Wrong> {};

TEST_P(WrongCommand, IsRefusedWithWhatWasExpected) {
  const auto said = answer(plant, GetParam().line);
  EXPECT_TRUE(said.starts_with("error ")) << said;
  EXPECT_NE(said.find(GetParam().says), std::string::npos) << said;
}

INSTANTIATE_TEST_SUITE_P(
    Commands, WrongCommand,
    testing::Values(
        Wrong{"", "expected one of load, pv"}, Wrong{"laod 3", "got 'laod'"},
        Wrong{"load", "expected load W|trace"}, Wrong{"load 1 2", "expected load W|trace"},
        Wrong{"load -5", "from 0 to 30000 (W), got '-5' or 'trace'"},
        Wrong{"load 12W", "got '12W'"}, Wrong{"load nan", "got 'nan'"}, Wrong{"pv 30001", "30000"},
        Wrong{"soc 101", "from 0 to 100 (%)"}, Wrong{"soc half", "got 'half'"},
        Wrong{"grid maybe", "expected on or off, got 'maybe'"},
        Wrong{"fault door off", "one of meters, battery, inverter"},
        Wrong{"fault meters broken", "none, off, drop, garbage, stuck, slow, unplug"},
        Wrong{"fault meters drop", "needs a percentage"},
        Wrong{"fault meters drop 200", "from 0 to 100 (%)"},
        Wrong{"fault meters slow", "needs a delay in ms"},
        Wrong{"fault meters slow x", "(ms), got 'x'"},
        Wrong{"fault meters off 3", "takes nothing after it"},
        Wrong{"fault meters", "expected fault"},
        Wrong{"bms cvl 3", "expected ccl, dcl, soc, temperature, alarm or warning, got 'cvl'"},
        Wrong{"bms ccl", "expected bms"}, Wrong{"bms ccl 3 4", "bms ccl NUMBER|auto"},
        Wrong{"bms dcl lots", "(A), got 'lots' or 'auto'"},
        Wrong{"bms alarm high_voltage", "bms alarm NAME on|off"},
        Wrong{"bms alarm fire on", "one of high_voltage"},
        Wrong{"bms alarm system perhaps", "expected on or off"},
        Wrong{"bms warning system", "bms warning NAME on|off"},
        Wrong{"inverter alarm fire on", "one of temperature_warning"},
        Wrong{"inverter alarm overload", "inverter alarm NAME on|off"},
        Wrong{"inverter glows on", "alarm or ac_out_error"},
        Wrong{"inverter ac_out_error 40000", "a number from -30000 to 30000 (W)"},
        Wrong{"inverter ac_out_error 1 2", "inverter ac_out_error W"},
        Wrong{"inverter beep fire on", "expected alarm"},
        Wrong{"ct left", "right, reversed or off, got 'left'"}, Wrong{"ct", "expected ct"},
        Wrong{"state now", "expected state"}, Wrong{"help me", "expected help"}));

}  // namespace
}  // namespace esshub::sim
