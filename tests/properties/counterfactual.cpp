#include "tests/properties/counterfactual.hpp"

#include <algorithm>

#include "control/rules.hpp"
#include "control/window.hpp"

namespace esshub::properties {
namespace {

constexpr Watts wide{1e6};  // as step(): wider than any installation

}  // namespace

Counterfactual::Counterfactual(const Seen& seen) : decision_(seen.decision) {
  const auto bind = [&](Cause cause, bool against_charging, Watts at) {
    bounds_.push_back({cause, against_charging, at});
    if (!binds(cause)) causes_.push_back(cause);
  };
  // Memory as the limits met it: decide() writes the power of the tick into it when they are
  // through.
  control::Memory memory = seen.memory;
  memory.battery_power = seen.power_before;
  memory.last_tick = seen.tick_before;
  for (const auto limit : control::limits())
    for (const bool against_charging : {false, true}) {
      Reasons reasons;
      control::PowerWindow window{against_charging ? wide : -wide, -wide, wide, reasons};
      limit(seen.inputs, seen.observation, memory, window);
      for (const auto* reason = reasons.begin(); reason != reasons.end(); ++reason)
        bind(reason->cause, against_charging,
             reason + 1 == reasons.end() ? window.power() : (reason + 1)->power_without);
    }
}

bool Counterfactual::binds(Cause cause) const {
  return std::ranges::find(causes_, cause) != causes_.end();
}

Watts Counterfactual::without(const LeaveOut& leave_out) const {
  Reasons reasons;
  control::PowerWindow window{decision_.proposed, -wide, wide, reasons};
  for (const auto& bound : bounds_) {
    if (leave_out(bound.cause, bound.against_charging)) continue;
    if (bound.cause == Cause::slew)  // the pace is no limit: it may forbid rest
      window.move_within(bound.against_charging ? -wide : bound.at,
                         bound.against_charging ? bound.at : wide, Cause::idle);
    else if (bound.against_charging)
      window.at_most(bound.at, Cause::idle);
    else
      window.at_least(bound.at, Cause::idle);
  }
  return window.power();
}

bool Counterfactual::adds_up() const {
  return without([](Cause, bool) { return false; }) == decision_.battery_power;
}

bool Counterfactual::alone(const LeaveOut& leave_out) const {
  return abs(without(leave_out) - decision_.battery_power) > Watts{0.5};
}

bool Counterfactual::alone(Cause cause) const {
  return binds(cause) && alone([=](Cause c, bool) { return c == cause; });
}

}  // namespace esshub::properties
