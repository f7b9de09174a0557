#include "sim/plant/plant.hpp"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "sim/command.hpp"
#include "tests/sim/tiny_device.hpp"

namespace esshub::sim {
namespace {

using protocol::Bytes;

constexpr Instant start{1h};

struct PlantModel : testing::Test {
  explicit PlantModel(PlantSettings settings = {}) : plant(settings, makers(), start) {}

  DeviceMakers makers() { return tiny_devices(devices); }
  void send(Bus bus, std::string_view text, Instant at) {
    plant.to_device(bus, protocol::to_bytes(text), at);
  }
  std::string receive(Bus bus, Instant until) {
    std::string text;
    for (const auto b : plant.from_device(bus, until)) text += static_cast<char>(b);
    return text;
  }
  double ask(Bus bus) {
    send(bus, "?", plant.now());
    const auto text = receive(bus, plant.now() + 1s);
    return text.empty() ? NAN : std::stod(text);
  }

  TinyDevices devices;
  Plant plant;
};

TEST_F(PlantModel, ARequestIsHeardWhenItsLastByteHasArrived) {
  send(Bus::meters, "12345678", start);
  plant.advance_to(start + 1s);
  ASSERT_EQ(devices.meters->heard_at.size(), 1u);
  EXPECT_EQ(devices.meters->heard_at[0], start + 8'333'333ns);
}

TEST_F(PlantModel, AnAnswerComesAfterTheDevicesDelayAtTheWiresSpeed) {
  send(Bus::meters, "12345678", start);
  const auto answer_starts = start + 8'333'333ns + 40ms;
  EXPECT_EQ(receive(Bus::meters, answer_starts + 1'041'665ns), "");
  EXPECT_EQ(receive(Bus::meters, answer_starts + 1'041'666ns).size(), 1u);
  EXPECT_FALSE(receive(Bus::meters, answer_starts + 20ms).empty());
}

TEST_F(PlantModel, NextEventLeadsThroughAConversation) {
  send(Bus::inverter, "S-500", start);
  std::string text;
  int events = 0;
  for (auto t = plant.next_event(); t < start + 500ms && ++events < 100; t = plant.next_event()) {
    plant.advance_to(t);
    text += receive(Bus::inverter, t);
    if (!text.empty() && text.back() == '\n') break;
  }
  EXPECT_EQ(text.back(), '\n');
  EXPECT_LT(events, 20);
  EXPECT_EQ(plant.house().command().setpoint, -500.0_W);
  plant.advance_to(plant.now() + 3s);
  EXPECT_NEAR(plant.house().inverter_truth().ac_in.value(), -500.0, 1.0);
}

TEST_F(PlantModel, FollowsItsProfilesAndWhatOverridesThem) {
  PlantSettings settings;
  settings.load = [](Duration t) { return t < 10s ? 100.0_W : 900.0_W; };
  settings.solar = [](Duration) { return 50.0_W; };
  Plant house{settings, makers(), start};
  house.advance_to(start + 5s);
  EXPECT_EQ(house.house().truth().load, 100.0_W);
  EXPECT_EQ(house.house().truth().solar, 50.0_W);
  house.advance_to(start + 15s);
  EXPECT_EQ(house.house().truth().load, 900.0_W);
  house.set_load(400.0_W);
  house.advance_to(start + 16s);
  EXPECT_EQ(house.house().truth().load, 400.0_W);
  house.set_load(std::nullopt);
  house.advance_to(start + 17s);
  EXPECT_EQ(house.house().truth().load, 900.0_W);
  EXPECT_EQ(house.house().truth().since_start, 17s);
}

TEST_F(PlantModel, ActionsRunAtTheirTime) {
  std::vector<Instant> ran;
  plant.at(start + 1500ms, [&](Plant& p) { ran.push_back(p.now()); });
  plant.at(start + 500ms, [&](Plant& p) { ran.push_back(p.now()); });
  EXPECT_EQ(plant.next_event(), start + 500ms);
  plant.advance_to(start + 2s);
  EXPECT_EQ(ran, (std::vector{start + 500ms, start + 1500ms}));
}

TEST_F(PlantModel, AStuckBusAnswersWithOldValues) {
  plant.set_load(500.0_W);
  plant.advance_to(start + 5s);
  plant.set_fault(Bus::meters, {.kind = FaultKind::stuck});
  const double before = ask(Bus::meters);
  plant.set_load(2000.0_W);
  plant.advance_to(plant.now() + 5s);
  EXPECT_EQ(ask(Bus::meters), before);
  plant.set_fault(Bus::meters, {});
  EXPECT_NEAR(ask(Bus::meters), 2004.4, 2.0);
}

TEST_F(PlantModel, AnOffBusSaysNothing) {
  plant.set_fault(Bus::battery, {.kind = FaultKind::off});
  EXPECT_TRUE(std::isnan(ask(Bus::battery)));
  plant.set_fault(Bus::battery, {});
  EXPECT_NEAR(ask(Bus::battery), 50.0, 0.01);
}

TEST_F(PlantModel, ASlowBusAnswersLaterButHearsAtOnce) {
  plant.set_fault(Bus::meters, {.kind = FaultKind::slow, .delay = 300ms});
  send(Bus::meters, "12345678", start);
  EXPECT_EQ(receive(Bus::meters, start + 348ms), "");
  EXPECT_EQ(devices.meters->heard_at[0], start + 8'333'333ns);
  EXPECT_NE(receive(Bus::meters, start + 400ms), "");
}

TEST_F(PlantModel, TheCanAdapterStartsAnewWhenPluggedInAgain) {
  plant.set_fault(Bus::battery, {.kind = FaultKind::unplug});
  EXPECT_TRUE(std::isnan(ask(Bus::battery)));
  EXPECT_EQ(devices.battery->starts, 1);
  plant.set_fault(Bus::battery, {});
  EXPECT_EQ(devices.battery->starts, 2);
  EXPECT_NEAR(ask(Bus::battery), 50.0, 0.01);
  plant.set_fault(Bus::meters, {.kind = FaultKind::unplug});
  plant.set_fault(Bus::meters, {});
  EXPECT_EQ(devices.meters->starts, 1) << "meters have their own supply";
}

TEST_F(PlantModel, MetersFallSilentInAPowerCut) {
  plant.house().set_grid(false);
  EXPECT_TRUE(std::isnan(ask(Bus::meters)));
  EXPECT_NEAR(ask(Bus::battery), 50.0, 0.01);
  plant.house().set_grid(true);
  EXPECT_FALSE(std::isnan(ask(Bus::meters)));
}

TEST_F(PlantModel, MetersWithTheirOwnSupplyAnswerInAPowerCut) {
  PlantSettings settings;
  settings.meters_live_without_grid = true;
  Plant house{settings, makers(), start};
  house.house().set_grid(false);
  house.to_device(Bus::meters, protocol::to_bytes("?"), start);
  EXPECT_FALSE(house.from_device(Bus::meters, start + 1s).empty());
}

TEST_F(PlantModel, NeverGoesBackInTime) {
  plant.advance_to(start + 10s);
  plant.advance_to(start + 5s);
  EXPECT_EQ(plant.now(), start + 10s);
  EXPECT_GE(plant.next_event(), plant.now());
}

TEST_F(PlantModel, TheSameSeedAndTheSameCommandsGiveTheSameBytes) {
  const auto play = [this](std::uint64_t seed) {
    PlantSettings settings;
    settings.seed = seed;
    settings.house.seed = seed;
    Plant house{settings, makers(), start};
    house.set_fault(Bus::meters, {.kind = FaultKind::garbage, .percent = 5.0});
    Bytes all;
    for (int i = 0; i < 20; ++i) {
      house.to_device(Bus::meters, protocol::to_bytes("read"), start + i * 100ms);
      const auto bytes = house.from_device(Bus::meters, start + i * 100ms + 90ms);
      all.insert(all.end(), bytes.begin(), bytes.end());
    }
    return all;
  };
  EXPECT_EQ(play(1), play(1));
  EXPECT_NE(play(1), play(2));
}

// ---- the command language, on the same plant ----------------------------------------------------

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

TEST_F(PlantModel, AReversedCtShowsImportAsExport) {
  EXPECT_EQ(answer(plant, "load 1000"), "ok");
  EXPECT_EQ(answer(plant, "ct reversed"), "ok");
  const auto shown = [this] { return plant.house().main_meter().phases[0].power.value(); };
  plant.advance_to(start + 10s);
  EXPECT_NEAR(plant.house().truth().grid.value(), 1000.0, 30.0);
  EXPECT_NEAR(shown(), -1000.0, 30.0);
  EXPECT_EQ(answer(plant, "ct right"), "ok");
  plant.advance_to(start + 20s);
  EXPECT_NEAR(shown(), 1000.0, 30.0);
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
}

TEST_F(PlantModel, BatteryAndInverterComplainAsToldAndGoOnWorking) {
  EXPECT_EQ(answer(plant, "bms warning cell_imbalance on"), "ok");
  EXPECT_EQ(answer(plant, "inverter alarm temperature_warning on"), "ok");
  EXPECT_EQ(answer(plant, "inverter alarm overload on"), "ok");
  EXPECT_EQ(answer(plant, "inverter alarm overload off"), "ok");
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
        Wrong{"bms cvl 3", "expected ccl, dcl, alarm or warning, got 'cvl'"},
        Wrong{"bms ccl", "expected bms"}, Wrong{"bms ccl 3 4", "bms ccl|dcl AMPERES|auto"},
        Wrong{"bms dcl lots", "(A), got 'lots' or 'auto'"},
        Wrong{"bms alarm high_voltage", "bms alarm NAME on|off"},
        Wrong{"bms alarm fire on", "one of high_voltage"},
        Wrong{"bms alarm system perhaps", "expected on or off"},
        Wrong{"bms warning system", "bms warning NAME on|off"},
        Wrong{"inverter alarm fire on", "one of temperature_warning"},
        Wrong{"inverter beep fire on", "expected alarm"},
        Wrong{"ct left", "right or reversed, got 'left'"}, Wrong{"ct", "expected ct"},
        Wrong{"state now", "expected state"}, Wrong{"help me", "expected help"}));

}  // namespace
}  // namespace esshub::sim
