// What a quantity can be on any installation this hub is for: THE TABLE that codecs, the
// plausibility filter and the simulator go by. Wider than any alarm of a device: what is outside
// was misread.
#pragma once

#include "model/sample.hpp"
#include "model/units.hpp"

namespace esshub {

struct Range {
  double low;
  double high;
  bool or_zero = false;  ///< zero as well: nothing is there to be measured

  /// Both ends belong to it; nothing that is not a number does.
  [[nodiscard]] constexpr bool holds(double value) const {
    return (value >= low && value <= high) || (or_zero && value == 0.0);
  }
};

namespace range {

/// W. What 120 A carry at 250 V: more than a phase of any home, and a setpoint's wire ends at 32.8.
constexpr Range ac_power{-30e3, 30e3};
/// V at a meter. It is fed by what it measures and stops below; a phase without a wire reads 0.
constexpr Range meter_voltage{80.0, 300.0, true};
/// V at the grid meter: that phase has a wire, so there is no 0.
constexpr Range grid_voltage{80.0, 300.0};
/// V at the inverter's AC side: it runs on its battery, so mains that are gone read 0 or little.
constexpr Range inverter_voltage{0.0, 300.0};
/// A of a phase. Meters without current transformers end at 100 A.
constexpr Range ac_current{-120.0, 120.0};
/// Hz at a meter. Wider than 45 to 65 Hz, what an inverter connects to (reference: vebus-mk3#9).
constexpr Range frequency{40.0, 70.0};
/// Hz at the inverter: the same, or 0 without mains (an island shifts by a few Hz at most).
constexpr Range inverter_frequency{40.0, 70.0, true};
/// V. No 48 V system charges above 60 V, and none is negative.
constexpr Range dc_voltage{0.0, 70.0};
/// A. Several packs and inverters side by side on one bar; more is a wire read unsigned.
constexpr Range dc_current{-1000.0, 1000.0};
/// degC of a battery: what its sensors can tell (reference: pylontech-can#6 rule 4).
constexpr Range temperature{-40.0, 100.0};
/// V of a cell: a dead one still shows 0.5 V, and no chemistry reaches 5 V.
constexpr Range cell_voltage{0.5, 5.0};
/// %. By definition.
constexpr Range soc{0.0, 100.0};
/// %. A new pack may hold more than its plate says.
constexpr Range soh{0.0, 130.0};
/// Wh. A counter starts at 0; a million MWh no home sees.
constexpr Range energy{0.0, 1e12};
/// A set of bits, a state or a count: what 32 bits hold.
constexpr Range word{0.0, 4294967295.0};

}  // namespace range

/// In the unit of the measure (model/sample.hpp).
[[nodiscard]] constexpr Range plausible(Channel channel) {
  const bool dc = channel.point == Point::battery || channel.point >= Point::module1;
  const bool inverter = channel.point == Point::inverter || channel.point == Point::ac_out;
  switch (channel.measure) {
    case Measure::power:
    case Measure::dc_power:
    case Measure::setpoint:
      return range::ac_power;
    case Measure::voltage:
      if (dc) return range::dc_voltage;
      if (inverter) return range::inverter_voltage;
      return channel.point == Point::grid ? range::grid_voltage : range::meter_voltage;
    case Measure::current:
      return dc ? range::dc_current : range::ac_current;
    case Measure::input_limit:
      return range::ac_current;
    case Measure::dc_current:
    case Measure::ccl:
    case Measure::dcl:
      return range::dc_current;
    case Measure::frequency:
      return inverter ? range::inverter_frequency : range::frequency;
    case Measure::temperature:
    case Measure::cell_temperature_min:
    case Measure::cell_temperature_max:
      return range::temperature;
    case Measure::soc:
      return range::soc;
    case Measure::soh:
      return range::soh;
    case Measure::cvl:
    case Measure::dvl:
    case Measure::dc_voltage:
      return range::dc_voltage;
    case Measure::cell_voltage_min:
    case Measure::cell_voltage_max:
      return range::cell_voltage;
    case Measure::energy_forward:
    case Measure::energy_reverse:
      return range::energy;
    case Measure::protections:
    case Measure::warnings:
    case Measure::requests:
    case Measure::modules:
    case Measure::capacity:
    case Measure::status:
    case Measure::main_state:
    case Measure::charge_state:
    case Measure::leds:
    case Measure::alarms:
    case Measure::error:
    case Measure::controllable:
      return range::word;
  }
  return {0.0, 0.0};
}

/// From this voltage on mains are there, if perhaps not good: an inverter wants 187 V (reference:
/// vebus-mk3#9).
constexpr Volts mains_present{180.0};

}  // namespace esshub
