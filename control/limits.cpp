#include "control/limits.hpp"

#include <algorithm>

#include "control/loop/load_estimate.hpp"
#include "control/policy/policy.hpp"
#include "control/targets.hpp"

namespace esshub::control {
namespace {

constexpr Watts zero{};
constexpr Duration proving_time = 10s;  // safety contract I12

void no_charge(PowerWindow& window, Cause why) {
  window.at_most(zero, why);
}
void no_discharge(PowerWindow& window, Cause why) {
  window.at_least(zero, why);
}

/// What AC-in carries, either way.
Watts most_at_ac_in(const Settings& s) {
  return std::min(s.transfer_switch, s.main_fuse) * nominal_mains;
}

}  // namespace

void limit_stopping(const Inputs& inputs, const Observation&, const Memory&, PowerWindow& window) {
  if (inputs.stopping) window.stop(Cause::shutting_down);
  if (inputs.components_failing) window.stop(Cause::components_failing);
  if (inputs.overrun) window.stop(Cause::control_overrun);
}

void limit_stale(const Inputs& inputs, const Observation& observation, const Memory& memory,
                 PowerWindow& window) {
  const bool young = memory.first_tick && inputs.now - *memory.first_tick < proving_time;
  if (!memory.started || young) window.stop(Cause::starting);
  // Without the load on AC-out no setpoint means 0 W at the battery: none is written.
  if (!observation.inverter_ok || !observation.ac_out) window.stop(Cause::inverter_lost);
  if (!observation.bms_ok) window.stop(Cause::bms_lost);
  if (!observation.grid_ok) window.stop(Cause::grid_meter_lost);
  if (memory.sign.rest_until && inputs.now < *memory.sign.rest_until)
    window.stop(Cause::grid_meter_reversed);
}

void limit_islanded(const Inputs&, const Observation& observation, const Memory& memory,
                    PowerWindow& window) {
  if (observation.islanded) window.stop(Cause::islanded);
  if (observation.inverter_off || memory.cutoff) window.stop(Cause::inverter_off);
  if (memory.following.released_until) window.stop(Cause::setpoint_not_followed);
}

void limit_bms_protection(const Inputs&, const Observation& observation, const Memory& memory,
                          PowerWindow& window) {
  if (memory.pack_current.exceeded() || memory.pack_current.released_until)
    window.stop(Cause::bms_limit_exceeded);
  if (observation.charge_protected) no_charge(window, Cause::bms_protection);
  if (observation.discharge_protected) no_discharge(window, Cause::bms_protection);
}

void limit_bms_enable(const Inputs& inputs, const Observation& observation, const Memory& memory,
                      PowerWindow& window) {
  const auto blocked = [&](const std::optional<Instant>& until) {
    return until && inputs.now < *until;
  };
  if (!observation.charge_enabled || blocked(memory.charge_blocked_until))
    no_charge(window, Cause::bms_charge_disabled);
  if (!observation.discharge_enabled || blocked(memory.discharge_blocked_until))
    no_discharge(window, Cause::bms_discharge_disabled);
}

// CCL and DCL hold at the DC terminals. Charging, the AC side draws more than arrives there, so
// amperes times volts is already on the safe side; discharging, the losses come on top and must be
// left out.
void limit_bms_current(const Inputs& inputs, const Observation& observation, const Memory&,
                       PowerWindow& window) {
  window.at_most(observation.ccl * observation.voltage, Cause::bms_charge_limit);
  window.at_least(-(observation.dcl * observation.voltage * inputs.settings.conversion_efficiency),
                  Cause::bms_discharge_limit);
}

void limit_temperature(const Inputs&, const Observation&, const Memory& memory,
                       PowerWindow& window) {
  if (memory.temperature.charge) no_charge(window, Cause::battery_temperature);
  if (memory.temperature.discharge) no_discharge(window, Cause::battery_temperature);
}

void limit_charge_voltage(const Inputs&, const Observation&, const Memory& memory,
                          PowerWindow& window) {
  if (memory.charge_voltage_limit)
    window.at_most(*memory.charge_voltage_limit, Cause::charge_voltage);
}

void limit_soc_floor(const Inputs&, const Observation&, const Memory& memory, PowerWindow& window) {
  if (memory.floor_hold) no_discharge(window, Cause::soc_floor);
}

void limit_soc_ceiling(const Inputs&, const Observation&, const Memory& memory,
                       PowerWindow& window) {
  if (memory.ceiling_hold) no_charge(window, Cause::soc_ceiling);
}

void limit_reserve(const Inputs& inputs, const Observation&, const Memory& memory,
                   PowerWindow& window) {
  if (!memory.reserve_hold) return;
  const bool storm =
      reserve_in_force(inputs, memory) > inputs.orders.reserve.value_or(inputs.settings.reserve);
  no_discharge(window, storm ? Cause::storm : Cause::reserve);
}

void limit_instruction(const Inputs& inputs, const Observation& observation, const Memory& memory,
                       PowerWindow& window) {
  const Authority authority = memory.policy.authority;
  const AuthorityState& state = memory.policy.authority_state(authority);
  if (forced_charge(observation, memory) || !state.instruction) return;
  // All is kept while one is paid to draw.
  const bool kept = state.marks.serve > marks(*state.instruction).serve;
  const bool cheap = kept || authority == Authority::tariff;
  if (state.served && (kept || !state.sells()))
    no_discharge(window, cheap ? Cause::cheap : Cause::range_low);
  if (!state.stored || state.buys()) return;
  const auto least = export_charge(inputs, observation, memory);
  window.at_most(least ? least->battery_power : zero, Cause::range_high);
}

// Discharging follows the load without what such circuits draw; a surplus still charges, whoever is
// served. What cannot be told apart from the house is not given. An explicit Discharge serves
// nobody: it is a rate.
void limit_excluded_load(const Inputs& inputs, const Observation& observation, const Memory& memory,
                         PowerWindow& window) {
  const Settings& s = inputs.settings;
  const AuthorityState& state = memory.policy.authority_state(memory.policy.authority);
  if (!state.instruction || state.sells() || !observation.rest) return;
  Watts excluded_load{};
  for (std::size_t i = 0; i < max_circuits; ++i) {
    const auto& role = s.circuit_roles.at(i);
    if (!role || s.battery_serves[*role]) continue;
    const auto drawn = fresh(inputs.snapshot.power(circuit(i)), inputs.now, s.meter_max_age);
    if (!drawn) return no_discharge(window, Cause::excluded_load_stale);
    excluded_load += std::max(zero, *drawn);
  }
  if (excluded_load > zero)
    window.at_least(std::min(zero, s.grid_setpoint - (*observation.rest - excluded_load)),
                    Cause::excluded_load);
}

void limit_inverter_rating(const Inputs& inputs, const Observation& observation, const Memory&,
                           PowerWindow& window) {
  const Settings& s = inputs.settings;
  window.at_most(std::min(s.inverter_rating, s.charger_current * observation.voltage),
                 Cause::inverter_rating);
  window.at_least(-s.inverter_rating, Cause::inverter_rating);
}

void limit_derating(const Inputs&, const Observation&, const Memory& memory, PowerWindow& window) {
  const Following& following = memory.following;
  if (!following.derating) return;
  if (following.most > zero) {
    window.at_most(following.most, Cause::inverter_derating);
  } else {
    window.at_least(following.most, Cause::inverter_derating);
  }
}

// What the house draws behind the inverter passes its switch without the battery's doing: where
// that alone is more, the battery adds nothing, and need not make good for it.
void limit_transfer_switch(const Inputs& inputs, const Observation& observation, const Memory&,
                           PowerWindow& window) {
  const Watts ac_out = observation.ac_out.value_or(zero);
  const Watts most = most_at_ac_in(inputs.settings);
  window.at_most(most - ac_out, Cause::transfer_switch);
  window.at_least(-most - ac_out, Cause::transfer_switch);
}

void limit_configured_power(const Inputs& inputs, const Observation&, const Memory&,
                            PowerWindow& window) {
  window.at_most(inputs.settings.charge_limit, Cause::charge_limit);
  window.at_least(-inputs.settings.discharge_limit, Cause::discharge_limit);
}

// The battery must not lift import or export above its cap; what the house does alone is not its
// doing.
void limit_grid_caps(const Inputs& inputs, const Observation& observation, const Memory& memory,
                     PowerWindow& window) {
  if (!observation.rest) return;
  // By what the inverter really does of what it is told, where that is less on the safe side.
  const auto export_up_to = [&](Watts cap) {
    return std::max(-cap - *observation.rest, balancing_power(-cap, inputs, observation, memory));
  };
  // By a meter whose sign is in doubt nothing can be served without exporting.
  const bool sign_known = !memory.sign.reversed && !memory.sign.suspected;
  if (memory.export_watch.locked())
    window.at_least(sign_known ? export_up_to(zero) : zero, Cause::export_lockout);
  const Watts fuse = inputs.settings.main_fuse * nominal_mains;
  window.at_most(fuse - *observation.rest, Cause::main_fuse);
  window.at_least(-fuse - *observation.rest, Cause::main_fuse);
  if (inputs.settings.import_cap)
    window.at_most(*inputs.settings.import_cap - *observation.rest, Cause::import_cap);
  if (const auto& cap = inputs.settings.export_cap)
    window.at_least(inputs.settings.witness ? export_up_to(*cap) : -*cap - *observation.rest,
                    Cause::export_cap);
}

void limit_slew(const Inputs& inputs, const Observation&, const Memory& memory,
                PowerWindow& window) {
  const Duration elapsed =
      memory.last_tick ? std::min<Duration>(inputs.now - *memory.last_tick, 1s) : Duration{};
  const Watts step = inputs.settings.slew * Seconds{elapsed};
  window.move_within(memory.battery_power - step, memory.battery_power + step, Cause::slew);
}

}  // namespace esshub::control
