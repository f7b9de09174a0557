// The targets of the rules table: each may wish a battery power; the first that answers wins.
#pragma once

#include "control/rules.hpp"

namespace esshub::control {

/// Charges gently while the BMS asks for it (0x35C force charge I or II).
[[nodiscard]] std::optional<Wish> target_force_charge(const Inputs&, const Facts&, const Memory&);
/// Holds the grid meter at the grid setpoint from the time-aligned load.
[[nodiscard]] std::optional<Wish> target_self_consumption(const Inputs&, const Facts&,
                                                          const Memory&);
/// Rests. Always answers.
[[nodiscard]] std::optional<Wish> target_idle(const Inputs&, const Facts&, const Memory&);

}  // namespace esshub::control
