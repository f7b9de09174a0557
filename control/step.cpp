#include "control/step.hpp"

#include <algorithm>

#include "control/loop/load_estimate.hpp"
#include "control/observation.hpp"
#include "control/overrun.hpp"
#include "control/policy/policy.hpp"
#include "control/rules.hpp"
#include "control/targets.hpp"
#include "control/window.hpp"

namespace esshub::control {
namespace {

// Wider than any installation; every real bound is a limit with a name.
constexpr Watts unlimited{1e6};

/// The proposal of the first target that answers, or what keeps the export within its cap where
/// that is more; it and those it overrules become reasons.
Proposal choose_target(const Inputs& inputs, const Observation& observation, const Memory& memory,
                       Reasons& reasons) {
  std::optional<Proposal> chosen;
  for (const RankedTarget& row : targets()) {
    if (chosen && !row.overruled) continue;
    const auto proposal = row.target(inputs, observation, memory);
    if (!proposal) continue;
    if (chosen) {
      reasons.add({*row.overruled, proposal->battery_power});
    } else {
      const auto least = export_charge(inputs, observation, memory);
      const bool raised = least && least->battery_power > proposal->battery_power;
      chosen = raised ? least : proposal;
      reasons.add({chosen->cause, Watts{}});
      if (raised && row.overruled) reasons.add({*row.overruled, proposal->battery_power});
    }
  }
  return chosen.value_or(Proposal{Watts{}, Cause::idle});
}

/// A schedule, a tariff or a Smart plan that cannot be followed for want of a clock is told of
/// (F13).
bool waits_for_clock(const Inputs& inputs, const Policy& policy) {
  const Settings& s = inputs.settings;
  const bool plans = policy.mode != Mode::balance && !s.schedule.empty();
  return !inputs.local.trusted && (plans || policy.mode == Mode::smart || !s.tariff.bands.empty());
}

InverterMode choose_mode(const Observation& observation, const Memory& memory) {
  if (memory.cutoff) return InverterMode::off;
  // Unknown AC-out load: no AC-in setpoint means 0 W at the battery for certain, so write none and
  // let the inverter fall to passthru. Islanded it runs by itself; before the start the hub only
  // watches.
  if (memory.following.released_until || memory.pack_current.released_until)
    return InverterMode::release;
  if (!memory.started || observation.islanded) return InverterMode::release;
  if (observation.ac_out_before) return InverterMode::follow;
  if (!observation.inverter_ok || !observation.ac_out) return InverterMode::release;
  return InverterMode::follow;
}

std::optional<Watts> house_load(const Inputs& inputs, const Observation& observation) {
  if (!observation.rest) return std::nullopt;
  if (!inputs.settings.solar_metered) return observation.rest;
  const auto solar =
      fresh(inputs.snapshot.power(Point::solar), inputs.now, inputs.settings.meter_max_age);
  if (!solar) return std::nullopt;
  return *observation.rest + *solar;
}

}  // namespace

Decision decide(const Inputs& inputs, const Observation& observation, Memory& memory) {
  update_authorities(inputs, observation, memory);
  const Policy policy = policy_of(inputs, observation, memory);
  const bool suspended = waits_for_clock(inputs, policy);
  memory.faults.set(Fault::plan_suspended, suspended, inputs.now);
  Decision decision{.at = inputs.now,
                    .setpoint = {},
                    .house = house_load(inputs, observation),
                    .reasons = {},
                    .faults = memory.faults,
                    .policy = policy,
                    .loop = loop_quality(memory.loop),
                    .safety = memory.safety()};
  const Proposal proposal = choose_target(inputs, observation, memory, decision.reasons);
  if (suspended) decision.reasons.add({Cause::clock_untrusted, proposal.battery_power});
  PowerWindow window{proposal.battery_power, -unlimited, unlimited, decision.reasons};
  for (const Limit limit : limits()) limit(inputs, observation, memory, window);

  decision.proposed = proposal.battery_power;
  decision.battery_power = window.power();
  decision.setpoint.mode = choose_mode(observation, memory);
  const auto valid_until =
      inputs.now + std::min(inputs.settings.setpoint_life, longest_gap(inputs.settings.period));
  if (decision.setpoint.mode == InverterMode::follow) {
    const auto ac_out = observation.ac_out ? observation.ac_out : observation.ac_out_before;
    decision.setpoint.ac_power = decision.battery_power + *ac_out;
    decision.setpoint.valid_until = valid_until;
  } else if (decision.setpoint.mode == InverterMode::off || memory.switch_on) {
    decision.setpoint.valid_until = valid_until;
  }

  decision.setpoint.switch_on = memory.switch_on;

  memory.battery_power = decision.battery_power;
  memory.limited =
      decision.battery_power != proposal.battery_power || proposal.cause != Cause::self_consumption;
  memory.last_tick = inputs.now;
  return decision;
}

Decision step(const Inputs& inputs, Memory& memory) {
  const Observation observation = observe(inputs, memory);
  return decide(inputs, observation, memory);
}

}  // namespace esshub::control
