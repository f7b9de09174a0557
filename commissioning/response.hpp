// How the inverter answered the steps, and what was lost on the way.
#pragma once

#include "commissioning/findings.hpp"

namespace esshub::commissioning {

/// Fills in swing, dead time, ramp and losses, as far as they could be measured.
void measure_response(const Measured& measured, Findings& findings);

}  // namespace esshub::commissioning
