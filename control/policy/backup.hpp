// Backup: the cut-off of a power cut, and how long the battery will last.
#pragma once

#include <optional>

#include "control/observation.hpp"

namespace esshub::control {

/// Of LFP cells in series, whatever flows: the voltage of the moment moves with the power.
[[nodiscard]] constexpr Volts nominal_voltage(unsigned cells) {
  return Volts{3.2 * cells};
}

/// Of the whole battery when full. The stack's own word for its capacity is slow to change and may
/// be old; without it the number of modules says it, and without that nothing does.
[[nodiscard]] std::optional<WattHours> battery_capacity(const Snapshot& snapshot, Volts voltage);

/// F9: islanded and at the cut-off SOC, or at the cut-off voltage for 10 s: memory.cutoff is set,
/// latched until the mains is back or the owner's word (acknowledge_cutoff()).
void evaluate_cutoff(const Inputs& inputs, Memory& memory, const Observation& observation);

/// Ends the latch. After that the cut-off SOC is not looked at for 10 minutes, the voltage always
/// is.
void acknowledge_cutoff(Memory& memory, Instant now);

/// Time from now to the cut-off SOC at the present draw: islanded what the battery gives, else what
/// AC-out takes, both as a mean over about a minute. Nothing while unknown, while nothing is drawn
/// or while it charges.
[[nodiscard]] std::optional<Duration> backup_left(const Inputs& inputs, Memory& memory,
                                                  const Observation& observation);

}  // namespace esshub::control
