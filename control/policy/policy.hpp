// Policy: who says what is to be done, and which authority rules.
#pragma once

#include "control/memory.hpp"
#include "control/observation.hpp"
#include "control/step.hpp"

namespace esshub::control {

struct Planned {
  Instruction instruction;
  Authority authority = Authority::balance;
};

/// What the configuration alone wants at that time: schedule before tariff before Balance. An
/// untrusted clock leaves Balance (F13).
[[nodiscard]] Planned planned(const Settings& settings, Mode mode, const LocalTime& local);

/// The reserve in force on grid: ordered or configured, raised by a storm.
[[nodiscard]] Soc reserve_in_force(const Inputs& inputs);

/// Takes down who says what this tick, with the hysteresis of every authority, and whether a full
/// charge or a recharge of the reserve is bought, in memory.policy.
void update_authorities(const Inputs& inputs, const Observation& observation, Memory& memory);

/// True while a charge that the BMS asks for, or one for the reserve, outranks the authority that
/// rules.
[[nodiscard]] bool forced_charge(const Observation& observation, const Memory& memory);

/// Everything the decision tells of it.
[[nodiscard]] Policy policy_of(const Inputs& inputs, const Observation& observation,
                               const Memory& memory);

}  // namespace esshub::control
