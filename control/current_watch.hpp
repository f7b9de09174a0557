// CurrentWatch: the battery's own current against what its BMS allows, whatever the cause (F27).
#pragma once

#include <optional>

#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub::control {

/// What the BMS says of its current.
struct PackCurrent {
  Amperes current{};  ///< + = charging
  Amperes ccl{};
  Amperes dcl{};
  Volts voltage{};
};

/// Beyond CCL or DCL by more than max(3 A, 15 %) for 2 s longer than the inverter's ramp needs to
/// come back within: the battery is to rest. As long again, and control is released for a minute.
/// Over after 10 s within.
struct CurrentWatch {
  std::optional<Instant> beyond_since;
  Duration allowed{};  ///< how long it may be beyond, by the excess that it began with
  std::optional<Instant> within_since;
  std::optional<Instant> exceeded_since;  ///< the battery is to rest
  std::optional<Instant> released_until;

  [[nodiscard]] bool exceeded() const { return exceeded_since.has_value(); }
};

/// Once a tick. `pack`: nothing while it is not known or the inverter is not tied to the grid: then
/// nothing is judged and nothing cleared. `ramp`: how fast the inverter moves.
void watch_current(CurrentWatch& watch, const std::optional<PackCurrent>& pack, WattsPerSecond ramp,
                   Instant now);

}  // namespace esshub::control
