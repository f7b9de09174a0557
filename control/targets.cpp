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

/// Below its range the sun may charge, above it the house is served, within it the battery rests.
Proposal idle(const AuthorityState& state, Proposal balance) {
  const Watts power = state.at_low    ? std::max(Watts{}, balance.battery_power)
                      : state.at_high ? std::min(Watts{}, balance.battery_power)
                                      : Watts{};
  return power == Watts{} ? rest : Proposal{power, balance.cause};
}

std::optional<Proposal> proposal_of(Authority who, const Inputs& inputs,
                                    const Observation& observation, const Memory& memory) {
  const AuthorityState& state = memory.policy.authority_state(who);
  if (!state.instruction) return std::nullopt;
  switch (state.instruction->kind) {
    case InstructionKind::charge:
      if (state.at_high) return Proposal{Watts{}, Cause::target_reached};
      return Proposal{state.instruction->power, Cause::charge};
    case InstructionKind::discharge:
      if (state.at_low) return Proposal{Watts{}, Cause::target_reached};
      return Proposal{-state.instruction->power, Cause::discharge};
    case InstructionKind::balance:
      return balance(inputs, observation, memory);
    case InstructionKind::idle:
      return idle(state, balance(inputs, observation, memory));
  }
  return std::nullopt;
}

/// From the grid as gently as configured; a larger surplus of the sun is not sent away.
Proposal charge_gently(const Inputs& inputs, const Observation& observation, const Memory& memory,
                       Cause why) {
  const Watts surplus = balance(inputs, observation, memory).battery_power;
  return {std::max(inputs.settings.force_charge_power, surplus), why};
}

}  // namespace

std::optional<Proposal> target_override(const Inputs& inputs, const Observation& observation,
                                        const Memory& memory) {
  return proposal_of(Authority::manual, inputs, observation, memory);
}

std::optional<Proposal> target_full_charge(const Inputs& inputs, const Observation& observation,
                                           const Memory& memory) {
  if (!memory.policy.full_charge) return std::nullopt;
  return charge_gently(inputs, observation, memory, Cause::full_charge);
}

std::optional<Proposal> target_dispatch(const Inputs& inputs, const Observation& observation,
                                        const Memory& memory) {
  return proposal_of(Authority::dispatch, inputs, observation, memory);
}

std::optional<Proposal> target_schedule(const Inputs& inputs, const Observation& observation,
                                        const Memory& memory) {
  return proposal_of(Authority::schedule, inputs, observation, memory);
}

std::optional<Proposal> target_tariff(const Inputs& inputs, const Observation& observation,
                                      const Memory& memory) {
  const AuthorityState& state = memory.policy.authority_state(Authority::tariff);
  if (!state.instruction) return std::nullopt;
  if (state.instruction->kind == InstructionKind::charge && !state.at_high)
    return Proposal{state.instruction->power, Cause::cheap_charge};
  return balance(inputs, observation, memory);
}

std::optional<Proposal> target_force_charge(const Inputs& inputs, const Observation& observation,
                                            const Memory& memory) {
  if (!observation.bms_ok || !observation.force_charge) return std::nullopt;
  return charge_gently(inputs, observation, memory, Cause::force_charge);
}

std::optional<Proposal> target_self_consumption(const Inputs& inputs,
                                                const Observation& observation,
                                                const Memory& memory) {
  if (!observation.grid_ok || !observation.rest) return std::nullopt;
  return Proposal{balancing_power(inputs, observation, memory), Cause::self_consumption};
}

std::optional<Proposal> target_idle(const Inputs&, const Observation&, const Memory&) {
  return Proposal{Watts{}, Cause::idle};
}

}  // namespace esshub::control
