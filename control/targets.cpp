#include "control/targets.hpp"

#include <algorithm>

namespace esshub::control {

std::optional<Wish> target_force_charge(const Inputs& inputs, const Facts& facts,
                                        const Memory& memory) {
  if (!facts.bms_ok || !facts.force_charge) return std::nullopt;
  // From the grid as gently as configured; a larger surplus of the sun is not sent away.
  const auto surplus = target_self_consumption(inputs, facts, memory);
  const Watts least = inputs.settings.force_charge_power;
  return Wish{surplus ? std::max(least, surplus->battery_power) : least, Why::force_charge};
}

std::optional<Wish> target_self_consumption(const Inputs& inputs, const Facts& facts,
                                            const Memory& memory) {
  if (!facts.grid_ok || !facts.rest) return std::nullopt;
  return Wish{inputs.settings.grid_setpoint - *facts.rest + memory.loop.trim,
              Why::self_consumption};
}

std::optional<Wish> target_idle(const Inputs&, const Facts&, const Memory&) {
  return Wish{Watts{}, Why::idle};
}

}  // namespace esshub::control
