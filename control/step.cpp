#include "control/step.hpp"

#include "control/facts.hpp"
#include "control/rules.hpp"
#include "control/window.hpp"

namespace esshub::control {
namespace {

// Wider than any installation; every real bound is a limit with a name.
constexpr Watts unlimited{1e6};

Wish choose_target(const Inputs& inputs, const Facts& facts, const Memory& memory) {
  for (const Target target : targets())
    if (const auto wish = target(inputs, facts, memory)) return *wish;
  return {Watts{}, Why::idle};
}

InverterMode choose_mode(const Facts& facts, const Memory& memory) {
  if (memory.cutoff) return InverterMode::off;
  // Unknown AC-out load: no AC-in setpoint means 0 W at the battery for certain, so write none and
  // let the inverter fall to passthru. Islanded it runs by itself; before the start the hub only
  // watches.
  if (memory.released_until) return InverterMode::release;
  if (!memory.started || facts.islanded || !facts.inverter_ok || !facts.ac_out)
    return InverterMode::release;
  return InverterMode::follow;
}

std::optional<Watts> house_load(const Inputs& inputs, const Facts& facts) {
  if (!facts.rest) return std::nullopt;
  if (!inputs.settings.solar_metered) return facts.rest;
  const auto solar =
      fresh(inputs.snapshot.power(Point::solar), inputs.now, inputs.settings.meter_max_age);
  if (!solar) return std::nullopt;
  return *facts.rest + *solar;
}

}  // namespace

Decision decide(const Inputs& inputs, const Facts& facts, Memory& memory) {
  const Wish wish = choose_target(inputs, facts, memory);
  PowerWindow window{wish.battery_power, -unlimited, unlimited};
  for (const Limit limit : limits()) limit(inputs, facts, memory, window);

  Decision decision;
  decision.at = inputs.now;
  decision.wished = wish.battery_power;
  decision.battery_power = window.power();
  decision.house_load = house_load(inputs, facts);
  decision.reasons.add({wish.why, Watts{}});
  for (const Reason& reason : window.reasons()) decision.reasons.add(reason);
  decision.faults = memory.faults;
  decision.setpoint.mode = choose_mode(facts, memory);
  if (decision.setpoint.mode == InverterMode::follow) {
    decision.setpoint.ac_power = decision.battery_power + *facts.ac_out;
    decision.setpoint.valid_until = inputs.now + inputs.settings.setpoint_life;
  } else if (decision.setpoint.mode == InverterMode::off) {
    decision.setpoint.valid_until = inputs.now + inputs.settings.setpoint_life;
  }

  decision.policy.backup_left = facts.backup_left;
  decision.policy.reserve = inputs.settings.reserve;
  decision.policy.floor = inputs.settings.soc_floor;
  decision.policy.ceiling = inputs.settings.soc_ceiling;
  decision.policy.cutoff = inputs.settings.cutoff_soc;

  memory.battery_power = decision.battery_power;
  memory.limited = decision.battery_power != wish.battery_power;
  memory.last_tick = inputs.now;
  return decision;
}

Decision step(const Inputs& inputs, Memory& memory) {
  const Facts facts = observe(inputs, memory);
  return decide(inputs, facts, memory);
}

}  // namespace esshub::control
