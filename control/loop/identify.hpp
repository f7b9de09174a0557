// Learns inverter and meter from what they show: fixed sets of candidates compete, the best wins.
#pragma once

#include <algorithm>

#include "control/loop/loop_model.hpp"
#include "control/loop/model_steps.hpp"
#include "control/settings.hpp"

namespace esshub::control {

/// The acknowledged setpoint that acts at `when`; nothing where none was heard of.
[[nodiscard]] std::optional<Watts> command_at(const LoopModel& loop, Instant when);

struct InForce {
  std::optional<Watts> setpoint;   ///< as of command_at()
  Instant until = Instant::max();  ///< it acts up to here
};
[[nodiscard]] InForce command_in_force(const LoopModel& loop, Instant when);

/// Calls step(setpoint, dt) for every step of at most model_step that leads from `from` to `to`,
/// with the setpoint that acts at its begin.
template <class Step>
void walk(const LoopModel& loop, Instant from, Instant to, Step step) {
  InForce command{{}, from};
  while (from < to) {
    if (from >= command.until) command = command_in_force(loop, from);
    const Duration dt = std::min<Duration>(model_step, to - from);
    step(command.setpoint, dt);
    from += dt;
  }
}

/// What the settings say, until something better is known.
[[nodiscard]] InverterResponse response_of(const Settings& settings, const LoopModel& loop);
[[nodiscard]] Seconds meter_time_constant_of(const Settings& settings, const LoopModel& loop);

/// The inverter measured `measured` at `at`, after loop.known at loop.known_at: which ramp and time
/// constant lead from one to the other? And once it has arrived: which gain?
void identify_response(const Settings& settings, LoopModel& loop, Watts measured, Instant at);

/// The grid meter showed `grid`, and `shown` is the inverter's part of it by every candidate. The
/// right one makes the load look simplest: with a wrong one the inverter's own moves appear in it.
/// Only the inverter's moves teach, and only while its path is `known`; a restless house does not.
void identify_meter(const Settings& settings, LoopModel& loop, const LoopModel::GridReading& grid,
                    const ByMeter<Watts>& shown, bool known);

}  // namespace esshub::control
