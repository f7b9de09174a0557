// Following: does the inverter do what it acknowledged, more, or less? (F7, F7a)
#pragma once

#include <optional>

#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub::control {

/// Power at the battery (AC side, + = charging) as acknowledged and as measured.
struct Followed {
  Watts told{};
  Watts does{};
};

/// What the inverter does counts as told within max(150 W, 15 %). More than told, or the other way
/// round by more than it uses itself, is unsafe: an alarm after 15 s, control released for a minute
/// 15 s later. Less than told is its own limit (hot, absorption, AC current): after 15 s it is
/// taken for the most it can do now in that direction, and control goes on; an alarm is over with
/// that. Both end after 5 s of doing as told.
struct Following {
  std::optional<Instant> unsafe_since;
  std::optional<Instant> less_since;
  std::optional<Instant> followed_since;
  std::optional<Instant> released_until;  ///< control released
  std::optional<Instant> known_by;        ///< tried again: until then the alarm waits for a word
  bool not_followed = false;              ///< the alarm
  bool derating = false;
  Watts most{};  ///< while derating: the most to command, + = charging, - = discharging
};

/// Once a tick. Nothing: it is not known, or the inverter is not commanded; it begins anew, but 15
/// s after a release at the earliest.
void evaluate_following(Following& following, const std::optional<Followed>& power, Instant now);

}  // namespace esshub::control
