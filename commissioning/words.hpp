// What was found of each channel and what to change, for the person at the terminal.
#pragma once

#include "commissioning/findings.hpp"

namespace esshub::commissioning {

/// Fills in `found` and `change` of every channel.
void put_into_words(Findings& findings);
/// What the configuration says of a channel.
[[nodiscard]] Role configured_role(Point point);

}  // namespace esshub::commissioning
