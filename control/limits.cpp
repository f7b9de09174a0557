#include "control/limits.hpp"

#include <algorithm>

#include "control/policy/policy.hpp"

namespace esshub::control {
namespace {

constexpr Watts zero{};

void no_charge(PowerWindow& window, Why why) {
  window.at_most(zero, why);
}
void no_discharge(PowerWindow& window, Why why) {
  window.at_least(zero, why);
}

}  // namespace

void limit_stopping(const Inputs& inputs, const Facts&, const Memory&, PowerWindow& window) {
  if (inputs.stopping) window.stop(Why::shutting_down);
  if (inputs.parts_failing) window.stop(Why::parts_failing);
  if (inputs.overrun) window.stop(Why::overrun);
}

void limit_stale(const Inputs& inputs, const Facts& facts, const Memory& memory,
                 PowerWindow& window) {
  if (!memory.started) window.stop(Why::starting);
  if (!facts.inverter_ok) window.stop(Why::inverter_stale);
  if (!facts.bms_ok) window.stop(Why::bms_stale);
  if (!facts.grid_ok) window.stop(Why::grid_meter_stale);
  if (memory.sign.rest_until && inputs.now < *memory.sign.rest_until)
    window.stop(Why::grid_meter_reversed);
}

void limit_islanded(const Inputs&, const Facts& facts, const Memory& memory, PowerWindow& window) {
  if (facts.islanded) window.stop(Why::islanded);
  if (facts.inverter_off) window.stop(Why::inverter_off);
  if (memory.released_until) window.stop(Why::not_followed);
}

void limit_bms_protection(const Inputs&, const Facts& facts, const Memory&, PowerWindow& window) {
  if (facts.charge_protected) no_charge(window, Why::bms_protection);
  if (facts.discharge_protected) no_discharge(window, Why::bms_protection);
}

void limit_bms_enable(const Inputs& inputs, const Facts& facts, const Memory& memory,
                      PowerWindow& window) {
  const auto blocked = [&](const std::optional<Instant>& until) {
    return until && inputs.now < *until;
  };
  if (!facts.charge_enabled || blocked(memory.charge_blocked_until))
    no_charge(window, Why::bms_charge_disabled);
  if (!facts.discharge_enabled || blocked(memory.discharge_blocked_until))
    no_discharge(window, Why::bms_discharge_disabled);
}

// CCL and DCL hold at the DC terminals. Charging, the AC side draws more than arrives there, so
// amperes times volts is already on the safe side; discharging, the losses come on top and must be
// left out.
void limit_bms_current(const Inputs& inputs, const Facts& facts, const Memory&,
                       PowerWindow& window) {
  window.at_most(facts.ccl * facts.voltage, Why::bms_charge_limit);
  window.at_least(-(facts.dcl * facts.voltage * inputs.settings.conversion_efficiency),
                  Why::bms_discharge_limit);
}

void limit_charge_voltage(const Inputs&, const Facts&, const Memory& memory, PowerWindow& window) {
  if (memory.charge_voltage_limit)
    window.at_most(*memory.charge_voltage_limit, Why::charge_voltage);
}

void limit_soc_floor(const Inputs&, const Facts&, const Memory& memory, PowerWindow& window) {
  if (memory.floor_hold) no_discharge(window, Why::soc_floor);
}

void limit_soc_ceiling(const Inputs&, const Facts&, const Memory& memory, PowerWindow& window) {
  if (memory.ceiling_hold) no_charge(window, Why::soc_ceiling);
}

void limit_reserve(const Inputs& inputs, const Facts& facts, const Memory& memory,
                   PowerWindow& window) {
  if (!memory.reserve_hold || facts.islanded) return;
  const bool storm =
      reserve_in_force(inputs) > inputs.orders.reserve.value_or(inputs.settings.reserve);
  no_discharge(window, storm ? Why::storm : Why::reserve);
}

void limit_instruction(const Inputs&, const Facts& facts, const Memory& memory,
                       PowerWindow& window) {
  const Authority authority = memory.policy.authority;
  const Voice& voice = memory.policy.voice(authority);
  if (charging_by_need(facts, memory) || !voice.says) return;
  if (authority == Authority::tariff) no_discharge(window, Why::cheap);
  if (voice.says->kind != InstructionKind::balance) return;
  if (voice.at_low) no_discharge(window, Why::range_low);
  if (voice.at_high) no_charge(window, Why::range_high);
}

// Discharging follows the load without what such circuits draw; a surplus still charges, whoever is
// served. What cannot be told apart from the house is not given. An explicit Discharge serves
// nobody: it is a rate.
void limit_unserved(const Inputs& inputs, const Facts& facts, const Memory& memory,
                    PowerWindow& window) {
  const Settings& s = inputs.settings;
  const auto& says = memory.policy.voice(memory.policy.authority).says;
  if (!says || says->kind == InstructionKind::discharge || !facts.rest) return;
  Watts unserved{};
  for (std::size_t i = 0; i < max_circuits; ++i) {
    const auto& role = s.circuit_roles.at(i);
    if (!role || s.battery_serves.at(static_cast<std::size_t>(*role))) continue;
    const auto drawn = fresh(inputs.snapshot.power(circuit(i)), inputs.now, s.meter_max_age);
    if (!drawn) return no_discharge(window, Why::unserved_stale);
    unserved += std::max(zero, *drawn);
  }
  if (unserved > zero)
    window.at_least(std::min(zero, s.grid_setpoint - (*facts.rest - unserved)), Why::unserved);
}

void limit_inverter_rating(const Inputs& inputs, const Facts& facts, const Memory&,
                           PowerWindow& window) {
  const Settings& s = inputs.settings;
  window.at_most(std::min(s.inverter_rating, s.charger_current * facts.voltage),
                 Why::inverter_rating);
  window.at_least(-s.inverter_rating, Why::inverter_rating);
}

void limit_configured_power(const Inputs& inputs, const Facts&, const Memory&,
                            PowerWindow& window) {
  window.at_most(inputs.settings.charge_limit, Why::charge_limit);
  window.at_least(-inputs.settings.discharge_limit, Why::discharge_limit);
}

// The battery must not lift import or export above its cap; what the house does alone is not its
// doing.
void limit_grid_caps(const Inputs& inputs, const Facts& facts, const Memory&, PowerWindow& window) {
  if (!facts.rest) return;
  if (inputs.settings.import_cap)
    window.at_most(std::max(zero, *inputs.settings.import_cap - *facts.rest), Why::import_cap);
  if (inputs.settings.export_cap)
    window.at_least(std::min(zero, -*inputs.settings.export_cap - *facts.rest), Why::export_cap);
}

void limit_slew(const Inputs& inputs, const Facts&, const Memory& memory, PowerWindow& window) {
  const Duration elapsed =
      memory.last_tick ? std::min<Duration>(inputs.now - *memory.last_tick, 1s) : Duration{};
  const Watts step = inputs.settings.slew * Seconds{elapsed};
  window.narrow(memory.battery_power - step, memory.battery_power + step, Why::slew);
}

}  // namespace esshub::control
