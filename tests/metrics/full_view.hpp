// A View with everything in it, and what a scrape of it shows.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <sstream>
#include <string>

#include "metrics/sections.hpp"

namespace esshub::metrics {

inline const Instant start{1000h};

/// The text of a scrape of the view, `later` after it was made.
inline std::string text(const View& view, Duration later = {}) {
  Page page;
  add_view(page, view, view.now + later);
  return prometheus::TextSerializer{}.Serialize(std::move(page).finish());
}

/// Every "name{labels}" of a scrape with its value.
inline std::map<std::string, double> series(const std::string& scrape) {
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
inline int active(const std::map<std::string, double>& all, const std::string& family) {
  int ones = 0;
  for (const auto& [key, value] : all) {
    if (!key.starts_with(family + "{")) continue;
    EXPECT_THAT(value, testing::AnyOf(0.0, 1.0)) << key;
    if (value == 1.0) ++ones;
  }
  return ones;
}

inline void add_bus(View& view, const std::string& name, int devices) {
  auto& bus = view.buses.emplace_back();
  bus.bus = name;
  bus.line_up = bus.driver.ready = true;
  bus.driver.round_trip.add(60ms);
  for (int i = 0; i < devices; ++i)
    bus.driver.devices.push_back({"device" + std::to_string(i), 45ms, 60ms});
}

/// Everything that can be there is there: every measure of every point, every fault, every reason.
inline View full_view() {
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
  policy.storm_reached = start + 1h;
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

/// The scrape shows each of them with its value.
inline void expect_shown(const std::map<std::string, double>& all,
                         const std::map<std::string, double>& expected) {
  for (const auto& [key, value] : expected) {
    ASSERT_TRUE(all.contains(key)) << key;
    EXPECT_DOUBLE_EQ(all.at(key), value) << key;
  }
}

}  // namespace esshub::metrics
