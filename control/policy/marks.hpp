// Marks: an instruction as four marks of charge and two powers, which is all that the control
// follows.
#pragma once

#include "model/instruction.hpp"
#include "model/units.hpp"

namespace esshub::control {

using namespace esshub::literals;

/// buy <= store and serve <= sell. As they stand here: self-consumption.
struct Marks {
  Soc buy{};              ///< bought from the grid up to it
  Watts buy_power{};      ///< with it; a larger surplus of the sun is not sent away
  Soc store = 100.0_soc;  ///< the sun is stored up to it
  Soc serve{};            ///< the house is served down to it
  Soc sell = 100.0_soc;   ///< sold down to it
  Watts sell_power{};     ///< with it, whoever draws it
  friend bool operator==(const Marks&, const Marks&) = default;
};

/// What the word means: docs/policy.md.
[[nodiscard]] Marks marks(const Instruction& instruction);

}  // namespace esshub::control
