#include "metrics/sections.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>

#include "tests/metrics/full_view.hpp"

namespace esshub::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Sections, OfEveryStateSetExactlyOneIsActive) {
  const auto all = series(text(full_view()));
  for (const char* family : {"esshub_instruction_active", "esshub_authority_active",
                             "esshub_mode_active", "esshub_inverter_mode_active",
                             "esshub_inverter_state_active", "esshub_inverter_charge_state_active"})
    EXPECT_EQ(active(all, family), 1) << family;
  EXPECT_EQ(active(all, "esshub_fault_active"), static_cast<int>(enum_count<Fault>));
  EXPECT_EQ(active(all, "esshub_decision_reason"), static_cast<int>(enum_count<Cause>));
}

TEST(Sections, AnOldViewLeavesCountersAndAgesOnly) {
  const std::regex stays(
      "esshub_(bus_(frames|reconnects|restarts|bytes|busy_seconds|discards)_total|bus_round_trip_"
      "seconds_.*|"
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

TEST(Sections, ThereAreNeverMoreSeriesThanTheReadmeStates) {
  std::ifstream file(ESSHUB_SOURCE_DIR "/metrics/README.md");
  std::string readme{std::istreambuf_iterator<char>(file), {}};
  std::smatch stated;
  ASSERT_TRUE(std::regex_search(
      readme, stated,
      std::regex("at most (\\d+) series, (\\d+) more for each bus and (\\d+) more")));
  auto view = full_view();
  view.buses.clear();
  constexpr std::size_t others = 4;  // what exporter.cpp itself adds: build, site, ...
  const auto count = [&] { return series(text(view)).size() + others; };
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
