// What a quantity can be, as decided (docs/decisions/0020-plausibility-limits.md).
#include "model/plausible.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace esshub {
namespace {

struct Decided {
  Channel channel;
  double low;
  double high;
  bool or_zero = false;
};

TEST(Plausible, IsWhatWasDecided) {
  for (const auto& [channel, low, high, or_zero] : {
           Decided{{Point::grid, Measure::power}, -30e3, 30e3},
           Decided{{Point::inverter, Measure::power}, -30e3, 30e3},
           Decided{{Point::inverter, Measure::dc_power}, -30e3, 30e3},
           Decided{{Point::inverter, Measure::setpoint}, -30e3, 30e3},
           Decided{{Point::grid, Measure::voltage}, 80, 300},
           Decided{{Point::solar, Measure::voltage}, 80, 300, true},
           Decided{{circuit(9), Measure::voltage}, 80, 300, true},
           Decided{{Point::inverter, Measure::voltage}, 0, 300},
           Decided{{Point::ac_out, Measure::voltage}, 0, 300},
           Decided{{Point::battery, Measure::voltage}, 0, 70},
           Decided{{battery_module(0), Measure::voltage}, 0, 70},
           Decided{{Point::inverter, Measure::dc_voltage}, 0, 70},
           Decided{{Point::battery, Measure::cvl}, 0, 70},
           Decided{{Point::battery, Measure::dvl}, 0, 70},
           Decided{{Point::grid, Measure::current}, -120, 120},
           Decided{{Point::inverter, Measure::input_limit}, -120, 120},
           Decided{{Point::battery, Measure::current}, -1000, 1000},
           Decided{{battery_module(7), Measure::current}, -1000, 1000},
           Decided{{Point::inverter, Measure::dc_current}, -1000, 1000},
           Decided{{Point::battery, Measure::ccl}, -1000, 1000},
           Decided{{Point::grid, Measure::frequency}, 40, 70},
           Decided{{Point::inverter, Measure::frequency}, 40, 70, true},
           Decided{{Point::battery, Measure::temperature}, -40, 100},
           Decided{{Point::battery, Measure::cell_temperature_max}, -40, 100},
           Decided{{battery_module(0), Measure::cell_voltage_min}, 0.5, 5},
           Decided{{Point::battery, Measure::soc}, 0, 100},
           Decided{{Point::battery, Measure::soh}, 0, 130},
           Decided{{Point::battery_meter, Measure::voltage}, 80, 300, true},
           Decided{{battery_module(7), Measure::voltage}, 0, 70},
           Decided{{circuit(0), Measure::current}, -120, 120},
           Decided{{Point::inverter, Measure::current}, -120, 120},
           Decided{{battery_module(0), Measure::current}, -1000, 1000},
           Decided{{Point::battery, Measure::dcl}, -1000, 1000},
           Decided{{Point::solar, Measure::frequency}, 40, 70},
           Decided{{circuit(9), Measure::frequency}, 40, 70},
           Decided{{Point::ac_out, Measure::frequency}, 40, 70, true},
           Decided{{battery_module(0), Measure::temperature}, -40, 100},
           Decided{{battery_module(0), Measure::cell_temperature_min}, -40, 100},
           Decided{{Point::battery, Measure::cell_voltage_max}, 0.5, 5},
           Decided{{Point::grid, Measure::energy_forward}, 0, 1e12},
           Decided{{Point::grid, Measure::energy_reverse}, 0, 1e12},
           Decided{{Point::battery, Measure::protections}, 0, 4294967295.0},
           Decided{{Point::battery, Measure::warnings}, 0, 4294967295.0},
           Decided{{Point::battery, Measure::requests}, 0, 4294967295.0},
           Decided{{Point::battery, Measure::modules}, 0, 4294967295.0},
           Decided{{Point::battery, Measure::capacity}, 0, 4294967295.0},
           Decided{{Point::inverter, Measure::status}, 0, 4294967295.0},
           Decided{{Point::inverter, Measure::main_state}, 0, 4294967295.0},
           Decided{{Point::inverter, Measure::charge_state}, 0, 4294967295.0},
           Decided{{Point::inverter, Measure::leds}, 0, 4294967295.0},
           Decided{{Point::inverter, Measure::alarms}, 0, 4294967295.0},
           Decided{{Point::inverter, Measure::error}, 0, 4294967295.0},
           Decided{{Point::inverter, Measure::controllable}, 0, 4294967295.0},
       }) {
    const Range range = plausible(channel);
    SCOPED_TRACE(std::string(name(channel.point)) + " " + std::string(name(channel.measure)));
    EXPECT_EQ(range.low, low);
    EXPECT_EQ(range.high, high);
    EXPECT_EQ(range.or_zero, or_zero);
  }
}

TEST(Plausible, BothEndsBelongToARange) {
  constexpr Range range{80.0, 300.0};
  EXPECT_TRUE(range.holds(80.0));
  EXPECT_TRUE(range.holds(300.0));
  EXPECT_FALSE(range.holds(std::nextafter(80.0, 0.0)));
  EXPECT_FALSE(range.holds(std::nextafter(300.0, 400.0)));
  EXPECT_FALSE(range.holds(0.0));
}

/// What is no measure that anybody knows is never plausible but as 0.
TEST(Plausible, AnUnknownMeasureHasNoRange) {
  const Range none = plausible({Point::grid, static_cast<Measure>(enum_count<Measure>)});
  EXPECT_FALSE(none.holds(1.0));
  EXPECT_FALSE(none.holds(-1.0));
}

TEST(Plausible, MainsArePresentFrom180Volts) {
  EXPECT_EQ(mains_present, Volts{180.0});
}

TEST(Plausible, WhatIsNotANumberCannotBe) {
  for (const bool or_zero : {false, true}) {
    const Range range{-1.0, 1.0, or_zero};
    EXPECT_FALSE(range.holds(std::numeric_limits<double>::quiet_NaN()));
    EXPECT_FALSE(range.holds(std::numeric_limits<double>::infinity()));
  }
}

TEST(Plausible, ZeroStandsApartWhereNothingIsToBeMeasured) {
  constexpr Range range{40.0, 70.0, true};
  EXPECT_TRUE(range.holds(0.0));
  EXPECT_FALSE(range.holds(0.1));
  EXPECT_FALSE((Range{40.0, 70.0}.holds(0.0)));
}

}  // namespace
}  // namespace esshub
