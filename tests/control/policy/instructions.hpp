// Instructions in one line each.
#pragma once

#include "model/instruction.hpp"

namespace esshub::control {

constexpr Instruction charge(Watts power, Soc target) {
  return {.kind = InstructionKind::charge, .power = power, .target = target};
}
constexpr Instruction discharge(Watts power, Soc target) {
  return {.kind = InstructionKind::discharge, .power = power, .target = target};
}
constexpr Instruction balance(Soc low, Soc high) {
  return {.kind = InstructionKind::balance, .low = low, .high = high};
}
constexpr Instruction idle(Soc low, Soc high) {
  return {.kind = InstructionKind::idle, .low = low, .high = high};
}

}  // namespace esshub::control
