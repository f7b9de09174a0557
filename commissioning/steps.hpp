// What the battery is ordered to do while the clamps are watched: a balanced pseudo-random
// sequence.
#pragma once

#include <array>
#include <cstddef>

#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub::commissioning {

/// One length: the inverter's dead time (about 0.7 s) and ramp (400 W/s) forbid a shorter one.
constexpr Duration chip_length = 3s;
/// At rest before the first and after the last chip.
constexpr Duration rest_length = 2s;

/// True: the battery discharges, false: it rests. Half of them each, never more than two alike in a
/// row, and no period that a thermostat could have: shifted by 6 s
/// or more the sequence is as often unlike as alike itself, but for two chips. Discharge and rest,
/// not charge: an order to charge takes a surplus of the sun as well, and with a wrong clamp there
/// is no telling what that is. These two are what they say whatever the clamps say.
constexpr std::array<bool, 16> chips{true, false, false, true, false, true,  false, true,
                                     true, false, false, true, true,  false, true,  false};

/// Between the first and the last moment at which the battery may be moved.
constexpr Duration total_length = chips.size() * chip_length + 2 * rest_length;
static_assert(total_length <= 60s);

/// Swings, the highest too, below what the control takes for the proof of a reversed grid meter
/// (500 W, safety contract F21): a reversed clamp is found here, and the run goes on.
constexpr Watts usual_power{450.0};
constexpr Watts highest_power{480.0};
/// With less the answers drown in what a house does anyway.
constexpr Watts lowest_power{100.0};

/// What the battery gives in all.
[[nodiscard]] constexpr WattHours energy_of(Watts power) {
  double on = 0.0;
  for (const bool chip : chips) on += chip ? 1.0 : 0.0;
  return power * Hours{chip_length} * on;
}
static_assert(energy_of(highest_power) < WattHours{10.0});

}  // namespace esshub::commissioning
