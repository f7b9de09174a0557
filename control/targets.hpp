// The targets of the rules table: each may wish a battery power; the first that answers wins.
#pragma once

#include "control/rules.hpp"

namespace esshub::control {

/// Charges gently while the BMS asks for it (0x35C force charge I or II).
[[nodiscard]] std::optional<Wish> target_force_charge(const Inputs&, const Facts&, const Memory&);
/// The owner's override.
[[nodiscard]] std::optional<Wish> target_override(const Inputs&, const Facts&, const Memory&);
/// Charges to 100 % because the BMS asks for it or it is time again; as gently as by force.
[[nodiscard]] std::optional<Wish> target_full_charge(const Inputs&, const Facts&, const Memory&);
/// What a planner or a remote command orders.
[[nodiscard]] std::optional<Wish> target_dispatch(const Inputs&, const Facts&, const Memory&);
/// The weekly plan.
[[nodiscard]] std::optional<Wish> target_schedule(const Inputs&, const Facts&, const Memory&);
/// Charges while energy is cheap; charged, it follows the house as far as the limits let it.
[[nodiscard]] std::optional<Wish> target_tariff(const Inputs&, const Facts&, const Memory&);
/// Holds the grid meter at the grid setpoint from the time-aligned load.
[[nodiscard]] std::optional<Wish> target_self_consumption(const Inputs&, const Facts&,
                                                          const Memory&);
/// Rests. Always answers.
[[nodiscard]] std::optional<Wish> target_idle(const Inputs&, const Facts&, const Memory&);

}  // namespace esshub::control
