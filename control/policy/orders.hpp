// Orders and commands: what may be ordered at run time, and when an order has had its time.
#pragma once

#include <vector>

#include "control/settings.hpp"
#include "model/command.hpp"
#include "model/instruction.hpp"
#include "model/order_limits.hpp"
#include "model/result.hpp"

namespace esshub::control {

/// The orders with the command carried out, those that ended left out. An Error (kind content)
/// says what was refused and what is allowed: powers up to the configured limits (of a dispatch:
/// any, the limits bound it), states of charge between floor and ceiling, a range with room in it,
/// all of it as in model/order_limits.hpp.
[[nodiscard]] Result<Orders> apply(const Orders& orders, const Command& command,
                                   const Settings& settings, Instant now);

/// The ranges of model/order_limits.hpp as far as apply() takes them now, in whole steps. The power
/// is there three times: as "power_w" of either direction, and as "charge_power_w" and
/// "discharge_power_w". A range of which nothing is taken is empty: its least is above its most.
[[nodiscard]] std::vector<OrderLimit> accepted_limits(const Orders& orders,
                                                      const Settings& settings, Instant now);

/// The orders without those whose end has come (F17).
[[nodiscard]] Orders expire(Orders orders, Instant now);

}  // namespace esshub::control
