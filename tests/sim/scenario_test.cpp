#include "sim/scenario.hpp"

#include <unistd.h>

#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace esshub::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ScenarioFile : public testing::Test {
 protected:
  tl::expected<Scenario, std::vector<std::string>> read(std::string_view text) {
    std::ofstream(path_) << text;
    return read_scenario(path_);
  }
  std::vector<std::string> errors(std::string_view text) {
    auto result = read(text);
    return result ? std::vector<std::string>{} : result.error();
  }
  void TearDown() override { std::filesystem::remove(path_); }

 private:
  std::filesystem::path path_ = std::filesystem::temp_directory_path() /
                                ("esshub_scenario_" + std::to_string(::getpid()) + ".toml");
};

TEST_F(ScenarioFile, AnEmptyFileIsTheDefaultHouse) {
  const auto scenario = read("");
  ASSERT_TRUE(scenario);
  EXPECT_EQ(scenario->house.battery.modules, 2u);
  EXPECT_EQ(scenario->inverter.setpoint_timeout, 15s);
  EXPECT_TRUE(scenario->events.empty());
}

TEST_F(ScenarioFile, TheExampleStatesTheDefaults) {
  const auto example = read_scenario(ESSHUB_SOURCE_DIR "/deploy/scenario.example.toml");
  ASSERT_TRUE(example) << example.error().front();
  const Scenario usual;
  EXPECT_EQ(example->seed, usual.seed);
  EXPECT_EQ(example->load, usual.load);
  EXPECT_EQ(example->solar, usual.solar);
  EXPECT_EQ(example->kwp, usual.kwp);
  EXPECT_EQ(example->load_offset, usual.load_offset);
  EXPECT_EQ(example->solar_offset, usual.solar_offset);
  EXPECT_EQ(example->house.ac_out, usual.house.ac_out);
  EXPECT_EQ(example->house.ac_out_share, usual.house.ac_out_share);
  EXPECT_EQ(example->house.battery.soc_percent, usual.house.battery.soc_percent);
  EXPECT_EQ(example->house.battery.modules, usual.house.battery.modules);
  EXPECT_EQ(example->house.battery.ambient, usual.house.battery.ambient);
  EXPECT_EQ(example->house.battery.cvl, usual.house.battery.cvl);
  EXPECT_EQ(example->house.battery.dvl, usual.house.battery.dvl);
  EXPECT_EQ(example->house.inverter.mains_wait, usual.house.inverter.mains_wait);
  EXPECT_EQ(example->house.inverter.charger_limit, usual.house.inverter.charger_limit);
  EXPECT_EQ(example->house.inverter.charge_voltage, usual.house.inverter.charge_voltage);
  EXPECT_EQ(example->house.inverter.ramp, usual.house.inverter.ramp);
  EXPECT_EQ(example->battery.profile_13, usual.battery.profile_13);
  EXPECT_EQ(example->battery.needs_keep_alive, usual.battery.needs_keep_alive);
  EXPECT_EQ(example->battery.transmit_ack, usual.battery.transmit_ack);
  EXPECT_EQ(example->inverter.setpoint_timeout, usual.inverter.setpoint_timeout);
  EXPECT_EQ(example->inverter.ess_layout, usual.inverter.ess_layout);
  EXPECT_EQ(example->inverter.long_dialect, usual.inverter.long_dialect);
  EXPECT_EQ(example->inverter.high_speed, usual.inverter.high_speed);
  EXPECT_EQ(example->inverter.front_switch, usual.inverter.front_switch);
  EXPECT_EQ(example->inverter.phases, usual.inverter.phases);
  EXPECT_EQ(example->inverter.parallel, usual.inverter.parallel);
  EXPECT_EQ(example->inverter.truncates_w, usual.inverter.truncates_w);
  EXPECT_EQ(example->inverter.chatter, usual.inverter.chatter);
  EXPECT_EQ(example->meters_live_without_grid, usual.meters_live_without_grid);
  EXPECT_EQ(example->meter_turnaround, usual.meter_turnaround);
  EXPECT_EQ(example->events.size(), 4u);
}

TEST_F(ScenarioFile, EverySettingArrives) {
  const auto s = read(R"(
seed = 9
[house]
load_w = 150.5
solar_w = 20
kwp = 3.5
ac_out_w = 80
ac_out_share = 0.5
load_offset_s = 10
solar_offset_s = 43200
[battery]
soc_percent = 33.3
modules = 4
ambient_c = -5
cvl_v = 52.8
dvl_v = 46
profile_13 = true
needs_keep_alive = true
transmit_ack = false
[inverter]
setpoint_timeout_s = 60
ess_layout = 2
long_dialect = true
high_speed = true
front_switch = false
phases = 3
parallel = 2
truncates_w = true
chatter = false
mains_wait_s = 0.5
charger_limit_a = 20
charge_voltage_v = 54.5
ramp_w_per_s = 400
[meters]
live_without_grid = true
turnaround_ms = 20
[[event]]
at_s = 1.5
command = "grid off"
)");
  ASSERT_TRUE(s) << s.error().front();
  EXPECT_EQ(s->seed, 9u);
  EXPECT_EQ(s->load, 150.5_W);
  EXPECT_EQ(s->solar, 20.0_W);
  EXPECT_EQ(s->kwp, 3.5);
  EXPECT_EQ(s->house.ac_out, 80.0_W);
  EXPECT_EQ(s->house.ac_out_share, 0.5);
  EXPECT_EQ(s->load_offset, 10s);
  EXPECT_EQ(s->solar_offset, 12h);
  EXPECT_EQ(s->house.battery.soc_percent, 33.3);
  EXPECT_EQ(s->house.battery.modules, 4u);
  EXPECT_EQ(s->house.battery.ambient, Celsius{-5.0});
  EXPECT_EQ(s->house.battery.cvl, 52.8_V);
  EXPECT_EQ(s->house.battery.dvl, 46.0_V);
  EXPECT_TRUE(s->battery.profile_13);
  EXPECT_TRUE(s->battery.needs_keep_alive);
  EXPECT_FALSE(s->battery.transmit_ack);
  EXPECT_EQ(s->inverter.setpoint_timeout, 60s);
  EXPECT_EQ(s->inverter.ess_layout, 2);
  EXPECT_TRUE(s->inverter.long_dialect);
  EXPECT_TRUE(s->inverter.high_speed);
  EXPECT_FALSE(s->inverter.front_switch);
  EXPECT_EQ(s->inverter.phases, 3u);
  EXPECT_EQ(s->inverter.parallel, 2u);
  EXPECT_TRUE(s->inverter.truncates_w);
  EXPECT_FALSE(s->inverter.chatter);
  EXPECT_EQ(s->house.inverter.mains_wait, 500ms);
  EXPECT_EQ(s->house.inverter.charger_limit, 20.0_A);
  EXPECT_EQ(s->house.inverter.charge_voltage, 54.5_V);
  EXPECT_EQ(s->house.inverter.ramp, WattsPerSecond{400.0});
  EXPECT_TRUE(s->meters_live_without_grid);
  EXPECT_EQ(s->meter_turnaround, 20ms);
  ASSERT_EQ(s->events.size(), 1u);
  EXPECT_EQ(s->events[0].at, 1500ms);
  EXPECT_EQ(s->events[0].command, "grid off");
}

TEST_F(ScenarioFile, EveryErrorIsNamedWithItsLine) {
  const auto all = errors(R"(wrong = 1
[battery]
soc_percent = 120
modules = 2.5
chemistry = "LFP"
profile_13 = 1
[[event]]
at_s = 5
command = "laod 3"
)");
  EXPECT_EQ(all.size(), 6u);
  EXPECT_THAT(all, testing::UnorderedElementsAre(
                       HasSubstr(".toml:1:9: wrong is not known here, expected one of battery, "
                                 "event, house, inverter, meters, seed"),
                       HasSubstr(":3:15: battery.soc_percent: expected a number from 0 to 100 %"),
                       HasSubstr(":4:11: battery.modules: expected a whole number from 1 to 8"),
                       HasSubstr(":5:13: battery.chemistry is not known here, expected one of "
                                 "ambient_c, cells, cvl_v"),
                       HasSubstr(":6:14: battery.profile_13: expected true or false"),
                       HasSubstr(":9:11: event.command: expected one of load, pv")));
}

TEST_F(ScenarioFile, MalformedEventsAreNamed) {
  EXPECT_THAT(errors("event = 3\n"), ElementsAre(HasSubstr(":1:9: event: expected [[event]]")));
  EXPECT_THAT(errors("event = [ 3 ]\n"), ElementsAre(HasSubstr(":1:11: event: expected")));
  EXPECT_THAT(errors("[[event]]\ncommand = \"grid on\"\n"),
              ElementsAre(HasSubstr("event.at_s: expected seconds")));
  EXPECT_THAT(errors("[[event]]\nat_s = -1\ncommand = \"grid on\"\n"),
              ElementsAre(HasSubstr(":2:8: event.at_s: expected seconds")));
  EXPECT_THAT(errors("[[event]]\nat_s = 1\n"), ElementsAre(HasSubstr("event.command: expected")));
  EXPECT_THAT(errors("[[event]]\nat_s = 1\ncommand = 4\n"),
              ElementsAre(HasSubstr(":3:11: event.command: expected a command in quotes")));
  EXPECT_THAT(errors("[[event]]\nat_s = 1\ncommand = \"grid on\"\nnote = 1\n"),
              ElementsAre(HasSubstr(":4:8: event.note is not known here")));
}

TEST_F(ScenarioFile, AnEventRepeats) {
  const auto s = read("[[event]]\nat_s = 10\nevery_s = 2.5\ntimes = 3\ncommand = \"grid on\"\n");
  ASSERT_TRUE(s) << s.error().front();
  ASSERT_EQ(s->events.size(), 3u);
  EXPECT_EQ(s->events[2].at, 15s);
  EXPECT_EQ(s->events[2].command, "grid on");
}

TEST_F(ScenarioFile, ARepetitionIsWholeOrNamed) {
  const std::string event = "[[event]]\nat_s = 1\ncommand = \"grid on\"\n";
  EXPECT_THAT(errors(event + "every_s = 5\n"), ElementsAre(HasSubstr(":4:11: event: expected")));
  EXPECT_THAT(errors(event + "times = 5\n"), ElementsAre(HasSubstr(":4:9: event: expected")));
  EXPECT_THAT(errors(event + "every_s = 0\ntimes = 5\n"),
              ElementsAre(HasSubstr(":4:11: event.every_s: expected seconds, more than 0")));
  EXPECT_THAT(errors(event + "every_s = 5\ntimes = 0\n"),
              ElementsAre(HasSubstr(":5:9: event.times: expected a whole number")));
}

TEST_F(ScenarioFile, AFileThatIsNotTomlIsRefusedWithItsLine) {
  EXPECT_THAT(errors("seed = 1\n[battery\n"), ElementsAre(HasSubstr(".toml:2:")));
  const auto missing = read_scenario("/nowhere/x.toml");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().front(), HasSubstr("/nowhere/x.toml"));
}

}  // namespace
}  // namespace esshub::sim
