// Policy: who says what is to be done, and which authority rules.
#pragma once

#include "control/memory.hpp"
#include "control/observation.hpp"
#include "control/policy/tariff.hpp"
#include "control/step.hpp"

namespace esshub::control {

struct Planned {
  Instruction instruction;
  Authority authority = Authority::balance;
};

/// What the configuration wants at that time, and at prices that others told: schedule before
/// tariff before Balance. An untrusted clock leaves Balance (F13).
[[nodiscard]] Planned planned(const Settings& settings, Mode mode, const LocalTime& local,
                              const ToldPrices& told = {});

[[nodiscard]] inline PricesAhead prices_ahead(const Inputs& inputs) {
  return {inputs.prices, inputs.now};
}

inline constexpr Duration plan_every = 6h;  ///< the planner, at least

inline constexpr double missing_reserve = 1.0;  ///< safety contract F24, percentage points

/// %, the SOC at which buying back a reserve ends: a little beyond it, for a BMS tells whole
/// points, and not beyond the ceiling. Discharging does not resume there yet.
[[nodiscard]] double enough(Soc reserve, const Settings& settings);

/// The reserve in force on grid: ordered or configured, raised by a storm (evaluate_storm).
[[nodiscard]] Soc reserve_in_force(const Inputs& inputs, const Memory& memory);

/// Takes down who says what this tick, with the hysteresis of every authority, and whether a full
/// charge or a recharge of the reserve is bought, in memory.policy.
void update_authorities(const Inputs& inputs, const Observation& observation, Memory& memory);

/// True while a charge that the BMS asks for, or one for a storm or the reserve, outranks the
/// authority that rules.
[[nodiscard]] bool forced_charge(const Observation& observation, const Memory& memory);

/// Everything the decision tells of it.
[[nodiscard]] Policy policy_of(const Inputs& inputs, const Observation& observation,
                               const Memory& memory);

}  // namespace esshub::control
