#include "control/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace esshub::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> keys(const Settings& settings) {
  std::vector<std::string> result;
  for (const auto& error : validate(settings)) result.push_back(error.key);
  return result;
}

TEST(Settings, TheDefaultsAreValid) {
  EXPECT_THAT(keys(Settings{}), ElementsAre());
}

struct BadRow {
  const char* key;
  void (*spoil)(Settings&);
};
std::ostream& operator<<(std::ostream& out, const BadRow& row) {
  return out << row.key;
}

class OutOfRange : public testing::TestWithParam<BadRow> {};

TEST_P(OutOfRange, IsNamed) {
  Settings settings;
  GetParam().spoil(settings);
  EXPECT_THAT(keys(settings), ElementsAre(GetParam().key));
}

INSTANTIATE_TEST_SUITE_P(
    Settings, OutOfRange,
    testing::Values(
        BadRow{"control.period", [](Settings& s) { s.period = 19ms; }},
        BadRow{"grid.setpoint_w", [](Settings& s) { s.grid_setpoint = 5001.0_W; }},
        BadRow{"grid.import_cap_w", [](Settings& s) { s.import_cap = 25001.0_W; }},
        BadRow{"grid.export_cap_w", [](Settings& s) { s.export_cap = 25001.0_W; }},
        BadRow{"battery.charge_limit_w", [](Settings& s) { s.charge_limit = -1.0_W; }},
        BadRow{"battery.charge_limit_w", [](Settings& s) { s.charge_limit = Watts{NAN}; }},
        BadRow{"battery.discharge_limit_w", [](Settings& s) { s.discharge_limit = 10001.0_W; }},
        BadRow{"battery.soc_floor",
               [](Settings& s) {
                 s.soc_floor = 96.0_soc;
                 s.soc_hysteresis = 0;
               }},
        BadRow{"battery.soc_hysteresis", [](Settings& s) { s.soc_hysteresis = 20.5; }},
        BadRow{"battery.charge_voltage_cap_v", [](Settings& s) { s.charge_voltage_cap = 54.1_V; }},
        BadRow{"battery.cutoff_voltage_v", [](Settings& s) { s.cutoff_voltage = 43.9_V; }},
        BadRow{"inverter.rating_w", [](Settings& s) { s.inverter_rating = 0.0_W; }},
        BadRow{"inverter.charger_current_a", [](Settings& s) { s.charger_current = 0.0_A; }},
        BadRow{"inverter.conversion_efficiency", [](Settings& s) { s.conversion_efficiency = 1.01; }},
        BadRow{"control.slew_w_per_s", [](Settings& s) { s.slew = WattsPerSecond{49}; }},
        BadRow{"control.meter_max_age", [](Settings& s) { s.meter_max_age = 3001ms; }},
        BadRow{"control.bms_max_age", [](Settings& s) { s.bms_max_age = 1s; }},
        BadRow{"control.inverter_max_age", [](Settings& s) { s.inverter_max_age = 4s; }},
        BadRow{"control.setpoint_life", [](Settings& s) { s.setpoint_life = 6s; }},
        BadRow{"control.loop.meter_time_constant", [](Settings& s) { s.meter_time_constant = -1ms; }},
        BadRow{"control.loop.inverter_time_constant", [](Settings& s) { s.inverter_time_constant = 6s; }},
        BadRow{"control.loop.meter_delay", [](Settings& s) { s.meter_delay = -1ms; }},
        BadRow{"control.loop.inverter_delay", [](Settings& s) { s.inverter_delay = 2s; }},
        BadRow{"control.loop.ack_delay", [](Settings& s) { s.ack_delay = 2s; }},
        BadRow{"battery.force_charge_w", [](Settings& s) { s.force_charge_power = 99.0_W; }},
        BadRow{"control.loop.inverter_ramp_w_per_s", [](Settings& s) { s.inverter_ramp = WattsPerSecond{0}; }}));

class Contradiction : public testing::TestWithParam<BadRow> {};

TEST_P(Contradiction, IsNamedWithBothSettings) {
  Settings settings;
  GetParam().spoil(settings);
  const auto errors = validate(settings);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].key, GetParam().key);
  EXPECT_FALSE(errors[0].other.empty());
  EXPECT_THAT(errors[0].text, HasSubstr("expected"));
}

INSTANTIATE_TEST_SUITE_P(
    Settings, Contradiction,
    testing::Values(BadRow{"battery.soc_floor",
                           [](Settings& s) {
                             s.soc_floor = 80.0_soc;
                             s.soc_ceiling = 80.0_soc;
                           }},
                    BadRow{"battery.reserve", [](Settings& s) { s.reserve = 100.0_soc; }},
                    BadRow{"battery.soc_hysteresis",
                           [](Settings& s) {
                             s.reserve = 90.0_soc;
                             s.soc_hysteresis = 10.0;
                           }},
                    BadRow{"battery.cutoff_soc", [](Settings& s) { s.cutoff_soc = 21.0_soc; }},
                    BadRow{"battery.cutoff_voltage_v",
                           [](Settings& s) {
                             s.cutoff_voltage = 49.0_V;
                             s.charge_voltage_cap = 49.0_V;
                           }},
                    BadRow{"grid.import_cap_w",
                           [](Settings& s) {
                             s.import_cap = 100.0_W;
                             s.grid_setpoint = 200.0_W;
                           }},
                    BadRow{"grid.export_cap_w",
                           [](Settings& s) {
                             s.export_cap = 100.0_W;
                             s.grid_setpoint = Watts{-200};
                           }},
                    BadRow{"control.setpoint_life", [](Settings& s) {
                             s.setpoint_life = 900ms;
                             s.period = 500ms;
                           }}));

TEST(Settings, EveryMistakeIsReportedAtOnce) {
  Settings settings;
  settings.period = 2s;
  settings.slew = WattsPerSecond{1e6};
  settings.soc_floor = 60.0_soc;
  settings.soc_ceiling = 50.0_soc;
  EXPECT_THAT(keys(settings), ElementsAre("control.period", "control.slew_w_per_s", "battery.soc_floor"));
}

TEST(Settings, AValueOutOfRangeIsBlamedOnce) {
  Settings settings;
  settings.soc_floor = 98.0_soc;  // with its hysteresis it would also reach the ceiling
  EXPECT_THAT(keys(settings), ElementsAre("battery.soc_floor"));
}

TEST(Settings, AContradictionHidesNoOther) {
  Settings settings;
  settings.soc_floor = 60.0_soc;
  settings.soc_ceiling = 30.0_soc;
  settings.reserve = 40.0_soc;
  settings.cutoff_soc = 50.0_soc;
  settings.import_cap = 0.0_W;
  settings.grid_setpoint = 100.0_W;
  EXPECT_THAT(keys(settings), ElementsAre("battery.soc_floor", "battery.reserve", "grid.import_cap_w"));
  settings.soc_floor = 45.0_soc;
  EXPECT_THAT(keys(settings), ElementsAre("battery.soc_floor", "battery.reserve", "battery.cutoff_soc", "grid.import_cap_w"));
}

TEST(Settings, AMistakeSaysWhatWasFoundAndExpectedInTheSettingsUnit) {
  Settings settings;
  settings.conversion_efficiency = 0.3;
  const auto errors = validate(settings);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].text, "is 30 %, expected 50 to 100 %");
}

}  // namespace
}  // namespace esshub::control
