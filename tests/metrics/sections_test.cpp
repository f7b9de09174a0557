#include "metrics/sections.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>

namespace esshub::metrics {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

const Instant start{1000h};

/// The text of a scrape of the view, `later` after it was made.
std::string text(const View& view, Duration later = {}) {
  Page page;
  add_view(page, view, view.now + later);
  return prometheus::TextSerializer{}.Serialize(std::move(page).finish());
}

/// Every "name{labels}" of a scrape with its value.
std::map<std::string, double> series(const std::string& scrape) {
  std::map<std::string, double> all;
  std::istringstream lines(scrape);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    const auto space = line.rfind(' ');
    all.emplace(line.substr(0, space), std::stod(line.substr(space + 1)));
  }
  return all;
}

/// How many series of the family are 1; all others must be 0.
int active(const std::map<std::string, double>& all, const std::string& family) {
  int ones = 0;
  for (const auto& [key, value] : all) {
    if (!key.starts_with(family + "{")) continue;
    EXPECT_THAT(value, AnyOf(0.0, 1.0)) << key;
    if (value == 1.0) ++ones;
  }
  return ones;
}

void add_bus(View& view, const std::string& name, int devices) {
  auto& bus = view.buses.emplace_back();
  bus.bus = name;
  bus.line_up = bus.driver.ready = true;
  bus.driver.round_trip.add(60ms);
  for (int i = 0; i < devices; ++i)
    bus.driver.devices.push_back({"device" + std::to_string(i), 45ms, 60ms});
}

/// Everything that can be there is there: every measure of every point, every fault, every reason.
View full_view() {
  View view;
  view.now = start;
  view.wall = WallTime{std::chrono::sys_days{std::chrono::year{2026} / 3 / 1} + 12h};
  view.local = {720, 7, true};
  view.max_age = 3s;
  for (const Point point : enum_values<Point>)
    for (const Measure measure : enum_values<Measure>)
      view.snapshot.absorb({{point, measure}, static_cast<double>(index(measure)), start});
  const auto put = [&](Point point, Measure measure, double value) {
    view.snapshot.absorb({{point, measure}, value, start});
  };
  put(Point::battery, Measure::soc, 57);
  put(Point::battery, Measure::soh, 98);
  put(Point::battery, Measure::capacity, 100);
  put(Point::battery, Measure::cvl, 53.2);
  put(Point::battery, Measure::protections, static_cast<double>(BmsFlag::low_voltage));
  put(Point::battery, Measure::warnings, 0);
  put(Point::battery, Measure::requests, 3);
  put(Point::battery, Measure::cell_voltage_max, 3.41);
  put(battery_module(1), Measure::cell_temperature_min, 17.5);
  put(Point::inverter, Measure::main_state, static_cast<double>(VebusState::charge));
  put(Point::inverter, Measure::charge_state, 1);
  put(Point::inverter, Measure::alarms, 0x24);
  put(Point::inverter, Measure::error, 0);
  put(Point::inverter, Measure::setpoint, 1830);
  put(Point::inverter, Measure::dc_power, 1750);
  put(Point::inverter, Measure::dc_voltage, 51.5);

  auto& decision = view.decision;
  decision.at = start;
  decision.house = Watts{500};
  decision.proposed = Watts{2500};
  decision.battery_power = Watts{1800};
  decision.setpoint = {Watts{1850}, InverterMode::follow, start + 1s};
  decision.reasons.add({Cause::self_consumption, {}});
  for (std::size_t i = 1; i < enum_count<Cause>; ++i)
    decision.reasons.add({static_cast<Cause>(i), Watts{2500}});
  for (const Fault fault : enum_values<Fault>) decision.faults.set(fault, true, start - 90s);
  auto& policy = decision.policy;
  policy.mode = Mode::scheduled;
  policy.instruction.kind = InstructionKind::charge;
  policy.instruction.power = Watts{1800};
  policy.instruction.target = 80.0_soc;
  policy.authority = Authority::schedule;
  policy.until = start + 30min;
  policy.storm_until = start + 2h;
  policy.last_full = start - 48h;
  policy.reserve = 60.0_soc;
  policy.floor = 10.0_soc;
  policy.ceiling = 100.0_soc;
  policy.cutoff = 5.0_soc;
  policy.backup_left = 90min;
  policy.import_price = 0.25;
  policy.export_price = 0.15;
  decision.loop.mean_grid = Watts{12};
  decision.loop.model_error = Watts{30};
  decision.loop.meter_time_constant = Seconds{0.217};
  decision.loop.meter_delay = Seconds{0.15};
  decision.loop.inverter_time_constant = Seconds{0.1};
  decision.loop.inverter_ramp = WattsPerSecond{1000};
  decision.loop.inverter_gain = 0.97;
  for (const Flow flow : enum_values<Flow>)
    view.energies[flow] = 3.6e6 * (1.0 + double(index(flow)));
  view.ticks.ticks = 12;
  view.ticks.lateness.add(200us);
  view.ticks.handover.add(300us);
  view.ticks.duration.add(20us);
  for (const char* bus : {"meters", "battery", "inverter", "cells"}) add_bus(view, bus, 4);
  return view;
}

TEST(Sections, EveryPartOfTheViewIsShown) {
  const auto all = series(text(full_view(), 250ms));
  const std::map<std::string, double> expected{
      {"esshub_power_watts{channel=\"battery\"}", 1750},
      {"esshub_power_watts{channel=\"house\"}", 500},
      {"esshub_voltage_volts{channel=\"inverter_dc\"}", 51.5},
      {"esshub_battery_soc_ratio", 0.57},
      {"esshub_battery_soh_ratio", 0.98},
      {"esshub_battery_capacity_coulombs", 360000},
      {"esshub_battery_limit_volts{limit=\"charge\"}", 53.2},
      {"esshub_battery_protection_active{protection=\"low_voltage\"}", 1},
      {"esshub_battery_protection_active{protection=\"unknown\"}", 0},
      {"esshub_battery_warning_active{warning=\"low_voltage\"}", 0},
      {"esshub_battery_request_active{request=\"discharge_enable\"}", 1},
      {"esshub_battery_request_active{request=\"full_charge\"}", 0},
      {"esshub_cell_voltage_volts{channel=\"battery\",cell=\"highest\"}", 3.41},
      {"esshub_cell_temperature_celsius{channel=\"module2\",cell=\"lowest\"}", 17.5},
      {"esshub_inverter_state_active{state=\"charge\"}", 1},
      {"esshub_inverter_charge_state_active{state=\"bulk\"}", 1},
      {"esshub_inverter_alarm_active{alarm=\"overload\",level=\"warning\"}", 1},
      {"esshub_inverter_alarm_active{alarm=\"low_battery\",level=\"alarm\"}", 1},
      {"esshub_inverter_alarm_active{alarm=\"low_battery\",level=\"warning\"}", 0},
      {"esshub_inverter_error_code", 0},
      {"esshub_setpoint_acknowledged_watts", 1830},
      {"esshub_battery_proposed_watts", 2500},
      {"esshub_battery_command_watts", 1800},
      {"esshub_decision_without_reason_watts{reason=\"reserve\"}", 2500},
      {"esshub_inverter_mode_active{mode=\"follow\"}", 1},
      {"esshub_instruction_active{instruction=\"charge\"}", 1},
      {"esshub_instruction_power_watts", 1800},
      {"esshub_instruction_soc_ratio{bound=\"target\"}", 0.8},
      {"esshub_instruction_until_timestamp_seconds", 1772366400 + 1800},
      {"esshub_storm_until_timestamp_seconds", 1772366400 + 7200},
      {"esshub_battery_last_full_timestamp_seconds", 1772366400 - 172800},
      {"esshub_authority_active{authority=\"schedule\"}", 1},
      {"esshub_mode_active{mode=\"scheduled\"}", 1},
      {"esshub_soc_threshold_ratio{threshold=\"reserve\"}", 0.6},
      {"esshub_soc_threshold_ratio{threshold=\"cutoff\"}", 0.05},
      {"esshub_backup_left_seconds", 5400},
      {"esshub_energy_price_per_kwh{direction=\"import\"}", 0.25},
      {"esshub_energy_price_per_kwh{direction=\"export\"}", 0.15},
      {"esshub_loop_grid_deviation_watts", 12},
      {"esshub_loop_model_error_watts", 30},
      {"esshub_loop_time_constant_seconds{device=\"meter\"}", 0.217},
      {"esshub_loop_time_constant_seconds{device=\"inverter\"}", 0.1},
      {"esshub_loop_meter_delay_seconds", 0.15},
      {"esshub_loop_inverter_ramp_watts_per_second", 1000},
      {"esshub_loop_inverter_gain_ratio", 0.97},
      {"esshub_local_weekday", 7},
      {"esshub_flow_energy_joules_total{flow=\"grid_import\"}", 3.6e6},
      {"esshub_fault_since_timestamp_seconds{fault=\"islanded\",severity=\"warning\"}",
       1772366400 - 90},
      {"esshub_sample_age_seconds{channel=\"module8\"}", 0.25},
  };
  for (const auto& [key, value] : expected) {
    ASSERT_TRUE(all.contains(key)) << key;
    EXPECT_DOUBLE_EQ(all.at(key), value) << key;
  }
  EXPECT_NEAR(all.at("esshub_reserve_margin_ratio"), -0.03, 1e-9);
  EXPECT_FALSE(all.contains("esshub_decision_without_reason_watts{reason=\"self_consumption\"}"));
}

TEST(Sections, OfEveryStateSetExactlyOneIsActive) {
  const auto all = series(text(full_view()));
  for (const char* family : {"esshub_instruction_active", "esshub_authority_active",
                             "esshub_mode_active", "esshub_inverter_mode_active",
                             "esshub_inverter_state_active", "esshub_inverter_charge_state_active"})
    EXPECT_EQ(active(all, family), 1) << family;
  EXPECT_EQ(active(all, "esshub_fault_active"), static_cast<int>(enum_count<Fault>));
  EXPECT_EQ(active(all, "esshub_decision_reason"), static_cast<int>(enum_count<Cause>));
}

TEST(Sections, BoundsOfAnInstructionAreThoseOfItsKind) {
  auto view = full_view();
  view.decision.policy.instruction.kind = InstructionKind::idle;
  view.decision.policy.instruction.low = 30.0_soc;
  const auto all = series(text(view));
  EXPECT_EQ(all.at("esshub_instruction_soc_ratio{bound=\"low\"}"), 0.3);
  EXPECT_EQ(all.at("esshub_instruction_soc_ratio{bound=\"high\"}"), 1.0);
  EXPECT_FALSE(all.contains("esshub_instruction_soc_ratio{bound=\"target\"}"));
  EXPECT_FALSE(all.contains("esshub_instruction_power_watts"));
}

TEST(Sections, AnOldViewLeavesCountersAndAgesOnly) {
  const std::regex stays(
      "esshub_(bus_(frames|reconnects|restarts|bytes|busy_seconds)_total|bus_round_trip_seconds_.*|"
      "control_.*|queue_dropped_total|sample_age_seconds|flow_energy_joules_total)(\\{.*)?");
  for (const auto& [key, value] : series(text(full_view(), 10min)))
    EXPECT_TRUE(std::regex_match(key, stays)) << key;
}

TEST(Sections, WhatIsUnknownIsAbsent) {
  View view;
  view.now = view.decision.at = start;
  view.max_age = 3s;
  const auto page = text(view);
  for (const char* absent :
       {"esshub_battery_soc", "esshub_reserve_margin", "esshub_backup_left", "esshub_energy_price",
        "esshub_inverter_state", "esshub_loop", "esshub_inverter_alarm",
        "esshub_battery_protection", "esshub_fault_since", "esshub_setpoint",
        "esshub_local_weekday", "esshub_flow_energy", "esshub_instruction_until",
        "esshub_storm_until", "esshub_power_watts"})
    EXPECT_THAT(page, Not(HasSubstr(absent)));
  EXPECT_THAT(page, HasSubstr("esshub_inverter_mode_active{mode=\"release\"} 1\n"));
}

TEST(Sections, NoTimeStampsWhileTheClockIsNotTrusted) {
  auto view = full_view();
  view.local.trusted = false;
  const auto page = text(view);
  EXPECT_THAT(page, Not(HasSubstr("timestamp_seconds")));
  EXPECT_THAT(page, Not(HasSubstr("esshub_local_weekday")));
  EXPECT_THAT(page, HasSubstr("esshub_fault_active"));
}

TEST(Sections, TheChargeStateIsAbsentUnlessCharging) {
  auto view = full_view();
  view.snapshot.absorb(
      {{Point::inverter, Measure::main_state}, static_cast<double>(VebusState::passthru), start});
  const auto page = text(view);
  EXPECT_THAT(page, HasSubstr("esshub_inverter_state_active{state=\"passthru\"} 1\n"));
  EXPECT_THAT(page, Not(HasSubstr("esshub_inverter_charge_state_active")));
}

TEST(Sections, ThereAreNeverMoreSeriesThanTheReadmeStates) {
  std::ifstream file(ESSHUB_SOURCE_DIR "/metrics/README.md");
  std::string readme{std::istreambuf_iterator<char>(file), {}};
  std::smatch stated;
  ASSERT_TRUE(std::regex_search(
      readme, stated,
      std::regex("at most (\\d+) series, (\\d+) more for each bus and (\\d+) more")));
  auto view = full_view();
  view.buses.clear();
  const auto count = [&] { return series(text(view)).size() + 1; };  // esshub_build_info
  const auto without_buses = count();
  add_bus(view, "meters", 0);
  const auto with_bus = count();
  add_bus(view, "cells", 1);
  const auto with_device = count() - (with_bus - without_buses);
  EXPECT_LE(without_buses, std::stoul(stated[1]));
  EXPECT_LE(with_bus - without_buses, std::stoul(stated[2]));
  EXPECT_LE(with_device - with_bus, std::stoul(stated[3]));
}

TEST(Sections, PromtoolIsContentWithEveryFamily) {
  if (std::system("command -v promtool >/dev/null") != 0) GTEST_SKIP() << "no promtool here";
  const auto file = std::filesystem::temp_directory_path() /
                    ("esshub-sections-" + std::to_string(::getpid()) + ".txt");
  std::ofstream(file) << text(full_view());
  const int status = std::system(("promtool check metrics < " + file.string()).c_str());
  std::filesystem::remove(file);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace esshub::metrics
