#include "control/targets.hpp"

#include <algorithm>

#include "control/loop/load_estimate.hpp"
#include "control/policy/policy.hpp"

namespace esshub::control {
namespace {

constexpr Wish rest{Watts{}, Why::idle};

Wish balance(const Inputs& inputs, const Facts& facts, const Memory& memory) {
  return target_self_consumption(inputs, facts, memory).value_or(rest);
}

/// Below its range the sun may charge, above it the house is served, within it the battery rests.
Wish idle(const Voice& voice, Wish balance) {
  const Watts power = voice.at_low    ? std::max(Watts{}, balance.battery_power)
                      : voice.at_high ? std::min(Watts{}, balance.battery_power)
                                      : Watts{};
  return power == Watts{} ? rest : Wish{power, balance.why};
}

std::optional<Wish> wish_of(Authority who, const Inputs& inputs, const Facts& facts,
                            const Memory& memory) {
  const Voice& voice = memory.policy.voice(who);
  if (!voice.says) return std::nullopt;
  switch (voice.says->kind) {
    case InstructionKind::charge:
      if (voice.at_high) return Wish{Watts{}, Why::target_reached};
      return Wish{voice.says->power, Why::charge};
    case InstructionKind::discharge:
      if (voice.at_low) return Wish{Watts{}, Why::target_reached};
      return Wish{-voice.says->power, Why::discharge};
    case InstructionKind::balance:
      return balance(inputs, facts, memory);
    case InstructionKind::idle:
      return idle(voice, balance(inputs, facts, memory));
  }
  return std::nullopt;
}

/// From the grid as gently as configured; a larger surplus of the sun is not sent away.
Wish charge_gently(const Inputs& inputs, const Facts& facts, const Memory& memory, Why why) {
  const Watts surplus = balance(inputs, facts, memory).battery_power;
  return {std::max(inputs.settings.force_charge_power, surplus), why};
}

}  // namespace

std::optional<Wish> target_override(const Inputs& inputs, const Facts& facts,
                                    const Memory& memory) {
  return wish_of(Authority::manual, inputs, facts, memory);
}

std::optional<Wish> target_full_charge(const Inputs& inputs, const Facts& facts,
                                       const Memory& memory) {
  if (!memory.policy.full_charge) return std::nullopt;
  return charge_gently(inputs, facts, memory, Why::full_charge);
}

std::optional<Wish> target_dispatch(const Inputs& inputs, const Facts& facts,
                                    const Memory& memory) {
  return wish_of(Authority::dispatch, inputs, facts, memory);
}

std::optional<Wish> target_schedule(const Inputs& inputs, const Facts& facts,
                                    const Memory& memory) {
  return wish_of(Authority::schedule, inputs, facts, memory);
}

std::optional<Wish> target_tariff(const Inputs& inputs, const Facts& facts, const Memory& memory) {
  const Voice& voice = memory.policy.voice(Authority::tariff);
  if (!voice.says) return std::nullopt;
  if (voice.says->kind == InstructionKind::charge && !voice.at_high)
    return Wish{voice.says->power, Why::cheap_charge};
  return balance(inputs, facts, memory);
}

std::optional<Wish> target_force_charge(const Inputs& inputs, const Facts& facts,
                                        const Memory& memory) {
  if (!facts.bms_ok || !facts.force_charge) return std::nullopt;
  return charge_gently(inputs, facts, memory, Why::force_charge);
}

std::optional<Wish> target_self_consumption(const Inputs& inputs, const Facts& facts,
                                            const Memory& memory) {
  if (!facts.grid_ok || !facts.rest) return std::nullopt;
  return Wish{balancing_power(inputs, facts, memory), Why::self_consumption};
}

std::optional<Wish> target_idle(const Inputs&, const Facts&, const Memory&) {
  return Wish{Watts{}, Why::idle};
}

}  // namespace esshub::control
