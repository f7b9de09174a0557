// step(inputs, memory) -> {decision, memory}: the whole control, pure, time as an argument.
#pragma once

#include "control/memory.hpp"
#include "control/policy/mark_table.hpp"
#include "control/policy/price_table.hpp"
#include "control/settings.hpp"
#include "model/decision.hpp"
#include "model/instruction.hpp"
#include "model/snapshot.hpp"
#include "model/time.hpp"

namespace esshub::control {

struct Inputs {
  const Settings& settings;
  const Snapshot& snapshot;
  Instant now;
  LocalTime local;
  bool stopping = false;            ///< the hub was told to stop: safe setpoint
  bool overrun = false;             ///< periods were missed (F10): safe setpoint
  bool components_failing = false;  ///< an actor dies again and again: safe setpoint
  Orders orders{};                  ///< what was ordered at run time
  bool implausible = false;  ///< samples were dropped because they cannot be (PlausibilityFilter)
  bool grid_frozen = false;  ///< the grid meter's registers stand still (its bus says so)
  bool bms_implausible = false;  ///< the BMS sends what cannot be (its bus says so)
  Duration stall{};  ///< OverrunWatch::stall(): readings are that old by the hub's own doing
  const MarkTable* plan = nullptr;     ///< the planner's; nothing: there is none
  const PriceTable* prices = nullptr;  ///< that others told; nothing: none
};

/// Deterministic: same arguments, same result, bit for bit. Allocates nothing. `memory` is updated.
[[nodiscard]] Decision step(const Inputs& inputs, Memory& memory);

}  // namespace esshub::control
