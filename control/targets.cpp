#include "control/targets.hpp"

#include <algorithm>

#include "control/loop/load_estimate.hpp"
#include "control/policy/policy.hpp"

namespace esshub::control {
namespace {

constexpr Proposal rest{Watts{}, Cause::idle};

Proposal balance(const Inputs& inputs, const Observation& observation, const Memory& memory) {
  return target_self_consumption(inputs, observation, memory).value_or(rest);
}

/// By the marks of charge; what keeps a direction at its mark is a limit (limit_instruction).
std::optional<Proposal> follow(Authority who, const Inputs& inputs, const Observation& observation,
                               const Memory& memory, Cause buying = Cause::charge) {
  const AuthorityState& state = memory.policy.authority_state(who);
  if (!state.instruction) return std::nullopt;
  const Proposal balanced = balance(inputs, observation, memory);
  if (state.buys())
    return Proposal{std::max(state.marks.buy_power, balanced.battery_power), buying};
  if (state.sells()) return Proposal{-state.marks.sell_power, Cause::discharge};
  if (!state.rests()) return balanced;
  return state.marks.sell_power > Watts{} ? Proposal{Watts{}, Cause::target_reached} : rest;
}

/// From the grid with this power; a larger surplus of the sun is not sent away.
Proposal charge(Watts power, const Inputs& inputs, const Observation& observation,
                const Memory& memory, Cause why) {
  return {std::max(power, balance(inputs, observation, memory).battery_power), why};
}

}  // namespace

std::optional<Proposal> target_override(const Inputs& inputs, const Observation& observation,
                                        const Memory& memory) {
  return follow(Authority::manual, inputs, observation, memory);
}

std::optional<Proposal> target_full_charge(const Inputs& inputs, const Observation& observation,
                                           const Memory& memory) {
  if (!memory.policy.full_charge) return std::nullopt;
  return charge(inputs.settings.force_charge_power, inputs, observation, memory,
                Cause::full_charge);
}

std::optional<Proposal> target_storm_fill(const Inputs& inputs, const Observation& observation,
                                          const Memory& memory) {
  if (!memory.policy.storm.buys) return std::nullopt;
  return charge(inputs.settings.charge_limit, inputs, observation, memory, Cause::storm_fill);
}

std::optional<Proposal> target_reserve_recharge(const Inputs& inputs,
                                                const Observation& observation,
                                                const Memory& memory) {
  if (!memory.policy.reserve_recharge) return std::nullopt;
  const Watts power = inputs.settings.reserve_recharge_power;
  const AuthorityState& ruling = memory.policy.authority_state(memory.policy.authority);
  if (ruling.buys() && ruling.marks.buy_power >= power) return std::nullopt;
  return charge(power, inputs, observation, memory, Cause::reserve_recharge);
}

std::optional<Proposal> target_dispatch(const Inputs& inputs, const Observation& observation,
                                        const Memory& memory) {
  return follow(Authority::dispatch, inputs, observation, memory);
}

std::optional<Proposal> target_schedule(const Inputs& inputs, const Observation& observation,
                                        const Memory& memory) {
  return follow(Authority::schedule, inputs, observation, memory);
}

std::optional<Proposal> target_smart(const Inputs& inputs, const Observation& observation,
                                     const Memory& memory) {
  return follow(Authority::smart, inputs, observation, memory);
}

std::optional<Proposal> target_tariff(const Inputs& inputs, const Observation& observation,
                                      const Memory& memory) {
  return follow(Authority::tariff, inputs, observation, memory, Cause::cheap_charge);
}

std::optional<Proposal> target_force_charge(const Inputs& inputs, const Observation& observation,
                                            const Memory& memory) {
  if (!observation.bms_ok || !observation.force_charge) return std::nullopt;
  return charge(inputs.settings.force_charge_power, inputs, observation, memory,
                Cause::force_charge);
}

std::optional<Proposal> export_charge(const Inputs& inputs, const Observation& observation,
                                      const Memory& memory) {
  const Settings& s = inputs.settings;
  if (!s.witness || !s.export_cap || !observation.grid_ok || !observation.rest ||
      !observation.ac_out)
    return std::nullopt;
  const Watts least = balancing_power(-*s.export_cap, inputs, observation, memory);
  if (!(least > Watts{})) return std::nullopt;
  return Proposal{least, Cause::export_charge};
}

std::optional<Proposal> target_self_consumption(const Inputs& inputs,
                                                const Observation& observation,
                                                const Memory& memory) {
  if (!observation.grid_ok || !observation.rest) return std::nullopt;
  return Proposal{balancing_power(inputs.settings.grid_setpoint, inputs, observation, memory),
                  Cause::self_consumption};
}

std::optional<Proposal> target_idle(const Inputs&, const Observation&, const Memory&) {
  return Proposal{Watts{}, Cause::idle};
}

}  // namespace esshub::control
