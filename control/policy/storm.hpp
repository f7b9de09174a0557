// Storm: from when on the raised reserve is kept, when what is missing of it is bought, and about
// when it will be there.
#pragma once

#include "control/memory.hpp"
#include "control/observation.hpp"
#include "control/step.hpp"

namespace esshub::control {

/// Judges the order in force into memory.policy.storm; without one nothing is remembered. From its
/// begin on the reserve is kept, and bought at once. Before that what is missing is bought in the
/// cheapest hours that are left, the earlier of equal ones: not yet while those that cost less than
/// now suffice. It is kept as soon as those that also cost less after the losses of both ways would
/// not suffice for 5 points more. This is judged once a minute, and taken back with 2 and 10 points
/// to spare; until it was judged for the first time it is kept. Where there is one price, after an
/// hour without a trusted clock, or where the battery's size is not known, it is bought, and kept,
/// at once.
void evaluate_storm(const Inputs& inputs, const Observation& observation, Memory& memory);

}  // namespace esshub::control
