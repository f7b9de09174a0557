#include "control/plausibility_filter.hpp"

#include <cmath>

namespace esshub::control {
namespace {

constexpr unsigned char good_samples = 5;  // safety contract F3
constexpr double highest_mains_v = 276.0;  // 230 V + 20 %
constexpr double most_w = 50e3;  // of a home's sun, inverter and circuits: far above any of them

struct Range {
  double low;
  double high;
};

/// What a measure can be on any installation this hub is for; wider than any alarm of a device.
Range possible(Channel channel, const Settings& settings) {
  // The fuse carries what comes from the grid; what the house makes and uses itself does not pass
  // it.
  const double power_w =
      channel.point == Point::grid ? settings.main_fuse.value() * highest_mains_v : most_w;
  const bool dc = channel.point == Point::battery || channel.point >= Point::module1;
  switch (channel.measure) {
    case Measure::power:
    case Measure::dc_power:
    case Measure::setpoint:
      return {-power_w, power_w};
    case Measure::voltage:
      // A phase of the meter that is not wired and mains that are gone both read 0.
      return dc ? Range{0.0, 70.0} : Range{0.0, 300.0};
    case Measure::current:
    case Measure::dc_current:
    case Measure::input_limit:
      return {-1000.0, 1000.0};
    case Measure::frequency:
      return {0.0, 100.0};
    case Measure::temperature:
    case Measure::cell_temperature_min:
    case Measure::cell_temperature_max:
      return {-60.0, 150.0};
    case Measure::soc:
      return {0.0, 100.0};
    case Measure::soh:
      return {0.0, 130.0};  // a new pack may hold more than its plate says
    case Measure::cvl:
    case Measure::dvl:
    case Measure::dc_voltage:
      return {0.0, 100.0};
    case Measure::ccl:
    case Measure::dcl:
      return {-1000.0, 1000.0};
    case Measure::cell_voltage_min:
    case Measure::cell_voltage_max:
      return {0.0, 6.0};
    case Measure::energy_forward:
    case Measure::energy_reverse:
      return {0.0, 1e12};
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
      return {0.0, 4294967295.0};
  }
  return {0.0, 0.0};
}

/// Registers read in the wrong word order give numbers next to zero that no meter can mean.
bool is_number(double value) {
  constexpr double least = 1e-20;
  return std::isfinite(value) && (value == 0.0 || std::abs(value) > least);
}

}  // namespace

bool PlausibilityFilter::admit(const Sample& sample, const Settings& settings) {
  const Channel channel = sample.channel;
  const Range range = possible(channel, settings);
  bool good = is_number(sample.value) && sample.value >= range.low && sample.value <= range.high;
  if (channel == Channel{Point::grid, Measure::voltage}) {
    // The meter is fed by what it measures: it could not answer without.
    constexpr double least_to_answer_v = 50.0;
    good = good && sample.value >= least_to_answer_v;
    grid_voltage_bad_ = !good;
  }
  if (channel == Channel{Point::grid, Measure::power}) good = good && !grid_voltage_bad_;

  auto& needed = good_needed_[channel.point][channel.measure];
  if (!good) {
    if (needed == 0) ++doubted_;
    needed = good_samples;
  } else if (needed > 0 && --needed == 0) {
    --doubted_;
  }
  return good;
}

}  // namespace esshub::control
