#include "control/step.hpp"

#include "control/loop/load_estimate.hpp"
#include "control/observation.hpp"
#include "control/policy/policy.hpp"
#include "control/rules.hpp"
#include "control/window.hpp"

namespace esshub::control {
namespace {

// Wider than any installation; every real bound is a limit with a name.
constexpr Watts unlimited{1e6};

/// The wish of the first target that answers; it and those it overrules become reasons.
Wish choose_target(const Inputs& inputs, const Facts& facts, const Memory& memory,
                   Reasons& reasons) {
  std::optional<Wish> chosen;
  for (const RankedTarget& row : targets()) {
    if (chosen && !row.overruled) continue;
    const auto wish = row.target(inputs, facts, memory);
    if (!wish) continue;
    if (chosen) {
      reasons.add({*row.overruled, wish->battery_power});
    } else {
      chosen = wish;
      reasons.add({wish->why, Watts{}});
    }
  }
  return chosen.value_or(Wish{Watts{}, Why::idle});
}

/// A schedule or a tariff that cannot be followed for want of a clock is told of (F13).
bool waits_for_clock(const Inputs& inputs, const Policy& policy) {
  const Settings& s = inputs.settings;
  const bool plans = policy.mode == Mode::scheduled && !s.schedule.empty();
  return !inputs.local.trusted && (plans || !s.tariff.bands.empty());
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
  hear_voices(inputs, facts, memory);
  Decision decision{.at = inputs.now,
                    .setpoint = {},
                    .house_load = house_load(inputs, facts),
                    .reasons = {},
                    .faults = memory.faults,
                    .policy = policy_of(inputs, facts, memory),
                    .loop = loop_quality(memory.loop)};
  const Wish wish = choose_target(inputs, facts, memory, decision.reasons);
  if (waits_for_clock(inputs, decision.policy))
    decision.reasons.add({Why::clock_untrusted, wish.battery_power});
  PowerWindow window{wish.battery_power, -unlimited, unlimited, decision.reasons};
  for (const Limit limit : limits()) limit(inputs, facts, memory, window);

  decision.wished = wish.battery_power;
  decision.battery_power = window.power();
  decision.setpoint.mode = choose_mode(facts, memory);
  if (decision.setpoint.mode == InverterMode::follow) {
    decision.setpoint.ac_power = decision.battery_power + *facts.ac_out;
    decision.setpoint.valid_until = inputs.now + inputs.settings.setpoint_life;
  } else if (decision.setpoint.mode == InverterMode::off) {
    decision.setpoint.valid_until = inputs.now + inputs.settings.setpoint_life;
  }

  memory.battery_power = decision.battery_power;
  memory.limited =
      decision.battery_power != wish.battery_power || wish.why != Why::self_consumption;
  memory.last_tick = inputs.now;
  return decision;
}

Decision step(const Inputs& inputs, Memory& memory) {
  const Facts facts = observe(inputs, memory);
  return decide(inputs, facts, memory);
}

}  // namespace esshub::control
