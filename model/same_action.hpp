// Whether two instructions of a Smart plan are the same action to somebody who looks.
#pragma once

#include "model/instruction.hpp"

namespace esshub {

/// Balance that serves nobody: the charge is kept, the sun still charges.
[[nodiscard]] inline bool keeps_charge(const Instruction& instruction) {
  return instruction.kind == InstructionKind::balance && instruction.low.percent() >= 100.0;
}

/// Of the same kind, and both or none to keep the charge: the marks of a Smart plan are others in
/// each quarter of an hour.
[[nodiscard]] inline bool same_action(const Instruction& a, const Instruction& b) {
  return a.kind == b.kind && keeps_charge(a) == keeps_charge(b);
}

}  // namespace esshub
