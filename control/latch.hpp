// latch: the one hysteresis of the room.
#pragma once

namespace esshub::control {

/// Set while `set`; once set, cleared only by `clear`.
[[nodiscard]] constexpr bool latch(bool held, bool set, bool clear) {
  return set || (held && !clear);
}

}  // namespace esshub::control
