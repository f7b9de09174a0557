#include "control/policy/marks.hpp"

#include <algorithm>
#include <cmath>

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

Instruction word(const Marks& marks, bool buys, bool sells) {
  if (buys)
    return {.kind = InstructionKind::charge,
            .power = marks.buy_power,
            .target = marks.buy,
            .low = marks.serve};
  if (sells)
    return {.kind = InstructionKind::discharge, .power = marks.sell_power, .target = marks.sell};
  if (marks.serve > marks.store)
    return {.kind = InstructionKind::idle, .low = marks.store, .high = marks.serve};
  return {.kind = InstructionKind::balance, .low = marks.serve, .high = marks.store};
}

Marks ordered(Marks marks) {
  for (Watts* const power : {&marks.buy_power, &marks.sell_power})
    if (!std::isfinite(power->value()) || *power < Watts{}) *power = Watts{};
  marks.store = std::max(marks.store, marks.buy);
  marks.serve = std::max(marks.serve, marks.buy);
  marks.sell = std::max(marks.sell, marks.serve);
  return marks;
}

}  // namespace esshub::control
