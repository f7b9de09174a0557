// Policy: who says what is to be done, and which voice rules.
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

/// Takes down who says what this tick, with the hysteresis of every voice, and whether a full
/// charge is due, in memory.policy.
void hear_voices(const Inputs& inputs, const Facts& facts, Memory& memory);

/// True while charging by the BMS's need outranks the voice that rules.
[[nodiscard]] bool charging_by_need(const Facts& facts, const Memory& memory);

/// Everything the decision tells of it.
[[nodiscard]] Policy policy_of(const Inputs& inputs, const Facts& facts, const Memory& memory);

}  // namespace esshub::control
