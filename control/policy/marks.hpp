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

/// The word nearest to marks, for people: charge while it buys, discharge while it sells, else the
/// range.
[[nodiscard]] Instruction word(const Marks& marks, bool buys, bool sells);

/// buy <= store and buy <= serve <= sell, the higher one moved up; a power that is no number or
/// below 0 is none.
[[nodiscard]] Marks ordered(Marks marks);

}  // namespace esshub::control
