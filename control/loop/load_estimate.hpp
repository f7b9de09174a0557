// Time-aligned house load: the grid sample minus what the inverter was doing when it was taken.
#pragma once

#include "control/memory.hpp"
#include "control/observation.hpp"
#include "control/step.hpp"

namespace esshub::control {

/// Advances the model of inverter and meter to `inputs.now`, corrects it by the inverter's own
/// measurement, takes in a new grid sample, and learns time constants, ramp and gain from both.
/// Afterwards memory.loop.residual is the grid power if the inverter drew nothing at AC-in (W, + =
/// import), free of the inverter's own moves.
///
/// The grid meter shows filter(residual + inverter). Subtracting the inverter power as it is *now*
/// would make the loop answer its own steps a second time; subtracting it as the meter's filter saw
/// it *then* does not, so the loop does not hunt.
void estimate_load(const Inputs& inputs, Memory& memory);

/// The battery power to command so that the grid meter comes to `grid` (W, + = import; the power +
/// = charging). Observation must know `rest`.
[[nodiscard]] Watts balancing_power(Watts grid, const Inputs& inputs,
                                    const Observation& observation, const Memory& memory);

/// What the loop has found out about the plant, for those who watch it.
[[nodiscard]] LoopQuality loop_quality(const LoopModel& loop);

}  // namespace esshub::control
