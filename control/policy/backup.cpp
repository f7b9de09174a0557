#include "control/policy/backup.hpp"

#include <algorithm>

#include "model/plausible.hpp"

namespace esshub::control {
namespace {

constexpr Duration cutoff_delay = 10s;  // safety contract F9
constexpr Duration reset_grace = 10min;
constexpr Duration stays_on = 10s;  // longer than a command to switch off may still be on its way
constexpr Duration draw_time_constant = 60s;  // a kettle must not halve the time that is told
constexpr Watts least_draw{10.0};
constexpr Duration longest = 240h;
constexpr double module_watt_hours = 2400.0;  // US2000

/// Whoever ends the cut-off owes the house its inverter, whatever else is known or lost.
void end_cutoff(Memory& memory) {
  memory.switch_on |= memory.cutoff;
  memory.cutoff = false;
}

/// Until it stays on: it may have been told to switch off just before.
void watch_switch_on(Memory& memory, const Observation& observation, Instant now) {
  const bool on = memory.switch_on && observation.inverter_on;
  if (!on) {
    memory.on_since.reset();
  } else if (!memory.on_since) {
    memory.on_since = now;
  } else if (now - *memory.on_since >= stays_on) {
    memory.switch_on = false;
  }
}

std::optional<Volts> pack_voltage(const Inputs& inputs, const Observation& observation) {
  if (observation.bms_ok) return observation.voltage;
  return fresh(inputs.snapshot.get<Volts>(Point::inverter, Measure::dc_voltage), inputs.now,
               inputs.settings.inverter_max_age);
}

/// What the loads take from the battery, or would: > 0.
std::optional<Watts> draw_now(const Inputs& inputs, const Observation& observation) {
  if (!observation.islanded) return observation.ac_out;
  const auto current = fresh(inputs.snapshot.get<Amperes>(Point::battery, Measure::current),
                             inputs.now, inputs.settings.bms_max_age);
  if (!current) return observation.ac_out;
  return -(*current * observation.voltage);
}

}  // namespace

std::optional<WattHours> battery_capacity(const Snapshot& snapshot, Volts voltage) {
  const auto ampere_hours = snapshot.raw(Point::battery, Measure::capacity);
  if (ampere_hours && ampere_hours->value > 0.0)
    return WattHours{ampere_hours->value * voltage.value()};
  const auto modules = snapshot.raw(Point::battery, Measure::modules);
  if (modules && modules->value > 0.0) return WattHours{modules->value * module_watt_hours};
  return std::nullopt;
}

void acknowledge_cutoff(Memory& memory, Instant now) {
  if (memory.cutoff) memory.cutoff_reset_until = now + reset_grace;
  end_cutoff(memory);
  memory.low_voltage_since.reset();
}

void evaluate_cutoff(const Inputs& inputs, Memory& memory, const Observation& observation) {
  const Settings& s = inputs.settings;
  watch_switch_on(memory, observation, inputs.now);
  if (memory.cutoff_reset_until && inputs.now >= *memory.cutoff_reset_until)
    memory.cutoff_reset_until.reset();
  const auto mains = fresh(inputs.snapshot.get<Volts>(Point::inverter, Measure::voltage),
                           inputs.now, s.inverter_max_age);
  // With mains present the cut-off has done its work, although the unit may still invert for
  // minutes until it connects: cutting off again then would keep the house dark for ever.
  if (mains && *mains >= mains_present) {
    end_cutoff(memory);
    memory.cutoff_reset_until.reset();
    memory.low_voltage_since.reset();
    memory.islanded_since.reset();
    return;
  }
  if (!observation.islanded) {
    memory.low_voltage_since.reset();
    memory.islanded_since.reset();
    return;
  }
  if (!memory.islanded_since) memory.islanded_since = inputs.now;
  const auto voltage = pack_voltage(inputs, observation);
  if (!voltage || *voltage > s.cutoff_voltage) {
    memory.low_voltage_since.reset();
  } else if (!memory.low_voltage_since) {
    memory.low_voltage_since = inputs.now;
  }
  const bool low_voltage =
      memory.low_voltage_since && inputs.now - *memory.low_voltage_since >= cutoff_delay;
  // One damaged reading of the inverter is no power cut.
  const bool cut = inputs.now - *memory.islanded_since >= cutoff_delay;
  const bool low_soc =
      cut && observation.bms_ok && observation.soc <= s.cutoff_soc && !memory.cutoff_reset_until;
  if (low_voltage || low_soc) memory.cutoff = true;
  if (memory.cutoff) memory.switch_on = false;
}

std::optional<Duration> backup_left(const Inputs& inputs, Memory& memory,
                                    const Observation& observation) {
  const auto draw = observation.bms_ok ? draw_now(inputs, observation) : std::nullopt;
  if (!draw) {
    memory.mean_draw.reset();
    return std::nullopt;
  }
  // What is drawn on grid says little of what will be drawn without it.
  if (memory.mean_draw_islanded != observation.islanded) memory.mean_draw.reset();
  memory.mean_draw_islanded = observation.islanded;
  if (!memory.mean_draw) memory.mean_draw = *draw;
  const Duration dt = memory.last_tick ? inputs.now - *memory.last_tick : Duration{};
  *memory.mean_draw += (*draw - *memory.mean_draw) * (dt / Seconds{dt + draw_time_constant});

  const auto full = battery_capacity(inputs.snapshot, observation.voltage);
  if (!full || *memory.mean_draw < least_draw) return std::nullopt;
  const double share = std::max(0.0, observation.soc.ratio() - inputs.settings.cutoff_soc.ratio());
  // Losses come on top of what AC-out takes; the battery's own current has them in.
  const double efficiency = observation.islanded ? 1.0 : inputs.settings.conversion_efficiency;
  const double hours = full->value() * share * efficiency / memory.mean_draw->value();
  return std::min(longest, as_duration(Hours{hours}));
}

}  // namespace esshub::control
