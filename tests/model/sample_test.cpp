#include "model/sample.hpp"

#include <gmock/gmock.h>

#include "tests/model/names.hpp"

namespace esshub {
namespace {

using testing::ElementsAre;

TEST(OutwardNames, OfPoints) {
  EXPECT_THAT(names<Point>(),
              ElementsAre("grid", "solar", "battery_meter", "battery", "inverter", "ac_out",
                          "circuit1", "circuit2", "circuit3", "circuit4", "circuit5", "circuit6",
                          "circuit7", "circuit8", "circuit9", "circuit10", "module1", "module2",
                          "module3", "module4", "module5", "module6", "module7", "module8"));
  EXPECT_EQ(name(circuit(max_circuits - 1)), "circuit10");
  EXPECT_EQ(name(battery_module(max_modules - 1)), "module8");
  EXPECT_EQ(name(static_cast<Point>(enum_count<Point>)), "?");
}

TEST(OutwardNames, OfMeasures) {
  EXPECT_THAT(
      names<Measure>(),
      ElementsAre("power", "voltage", "current", "frequency", "energy_forward", "energy_reverse",
                  "temperature", "soc", "soh", "cvl", "ccl", "dcl", "dvl", "protections",
                  "warnings", "requests", "modules", "capacity", "dc_power", "dc_voltage",
                  "dc_current", "status", "main_state", "charge_state", "leds", "alarms", "error",
                  "controllable", "setpoint", "input_limit", "cell_voltage_min", "cell_voltage_max",
                  "cell_temperature_min", "cell_temperature_max"));
  EXPECT_EQ(name(static_cast<Measure>(enum_count<Measure>)), "?");
}

}  // namespace
}  // namespace esshub
