#include "control/policy/marks.hpp"

#include <algorithm>

namespace esshub::control {

Marks marks(const Instruction& instruction) {
  const auto& [kind, power, target, low, high] = instruction;
  switch (kind) {
    case InstructionKind::balance:
      return {.store = high, .serve = low};
    case InstructionKind::idle:
      return {.store = low, .serve = high};
    case InstructionKind::charge:
      return {.buy = target, .buy_power = power, .serve = std::max(target, low)};
    case InstructionKind::discharge:
      return {.store = target, .serve = target, .sell = target, .sell_power = power};
  }
  return {.store = {}, .serve = 100.0_soc};  // no such word: rest
}

}  // namespace esshub::control
