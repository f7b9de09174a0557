// Learns inverter and meter from what they show: fixed sets of candidates compete, the best wins.
#pragma once

#include "control/loop_model.hpp"
#include "control/settings.hpp"

namespace esshub::control {

constexpr Duration model_step = 10ms;

/// First-order low-pass by one implicit Euler step: basic arithmetic only, so the same on any
/// machine.
[[nodiscard]] Watts follow(Watts state, Watts input, Duration dt, Seconds lag);
/// One step of at most model_step of the inverter towards `setpoint` (W at AC-in).
[[nodiscard]] Watts respond(Watts power, Watts setpoint, Duration dt, const InverterResponse& how);
/// The acknowledged setpoint that acts at `when`; nothing where none was heard of.
[[nodiscard]] std::optional<Watts> command_at(const LoopModel& loop, Instant when);

/// What the settings say, until something better is known.
[[nodiscard]] InverterResponse response_of(const Settings& settings, const LoopModel& loop);
[[nodiscard]] Seconds meter_lag_of(const Settings& settings, const LoopModel& loop);

/// The inverter measured `measured` at `at`, after loop.known at loop.known_at: which ramp and lag
/// lead from one to the other? And once it has arrived: which gain?
void identify_response(const Settings& settings, LoopModel& loop, Watts measured, Instant at);

/// The grid meter showed `grid`, and `metered` is the inverter's part of it for every lag. The
/// right lag makes the load look simplest: with a wrong one the inverter's own moves appear in it.
/// Only the inverter's moves teach, and only while its path is `known`; a restless house does not.
void identify_meter(const Settings& settings, LoopModel& loop, const LoopModel::GridReading& grid,
                    const Metered& metered, bool known);

}  // namespace esshub::control
