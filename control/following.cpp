#include "control/following.hpp"

#include <algorithm>
#include <utility>

namespace esshub::control {
namespace {

constexpr Watts least_tolerance{150.0};
constexpr double tolerance_share = 0.15;
constexpr Watts own_use{50.0};  // and errors of its measurement: no direction
constexpr Duration patience = 15s;
constexpr Duration alarm_before_release = 15s;  // refreshed in vain that long after the alarm
constexpr Duration release_for = 60s;           // then tried again
constexpr Duration followed_proof = 5s;
/// What is commanded beyond what a derating inverter does, in tolerances: it must be seen to follow
/// again, or still to do less.
constexpr double headroom = 2.0;

Watts tolerance_of(Watts told) {
  return std::max(least_tolerance, abs(told) * tolerance_share);
}

enum class Does : std::uint8_t { as_told, unsafe, less };

Does what(const Followed& power) {
  const Watts off = power.does - power.told;
  if (abs(off) <= tolerance_of(power.told)) return Does::as_told;
  const bool charging = power.told > Watts{};
  const bool more = power.told == Watts{} || (off > Watts{}) == charging;
  const bool other_way = (power.does > Watts{}) != charging && abs(power.does) > own_use;
  return more || other_way ? Does::unsafe : Does::less;
}

/// Begins the time, or goes on with it: has it lasted for so long?
bool lasts(std::optional<Instant>& since, Instant now, Duration span) {
  if (!since) since = now;
  return now - *since >= span;
}

/// In the direction in which it holds back; the other one is free.
void derate(Following& following, const Followed& power) {
  const bool charging = power.told > Watts{};
  if (following.derating && charging != (following.most > Watts{})) return;
  const Watts size = std::max(Watts{}, charging ? power.does : -power.does);
  const Watts most = size + tolerance_of(size) * headroom;
  following.most = charging ? most : -most;
  following.derating = true;
}

}  // namespace

void evaluate_following(Following& following, const std::optional<Followed>& power, Instant now) {
  if (following.released_until && now < *following.released_until) return;
  if (std::exchange(following.released_until, std::nullopt)) following.known_by = now + patience;
  if (!power) {
    if (!following.known_by || now >= *following.known_by) following = {};
    return;
  }
  following.known_by.reset();
  const Does does = what(*power);
  if (does != Does::unsafe) following.unsafe_since.reset();
  if (does != Does::less) following.less_since.reset();
  if (does != Does::as_told) following.followed_since.reset();
  switch (does) {
    case Does::as_told:
      if (!lasts(following.followed_since, now, followed_proof)) break;
      following.not_followed = false;
      following.derating = false;
      break;
    case Does::unsafe:
      if (lasts(following.unsafe_since, now, patience)) following.not_followed = true;
      if (!lasts(following.unsafe_since, now, patience + alarm_before_release)) break;
      following.released_until = now + release_for;
      following.derating = false;  // what it can do is not known any more
      following.unsafe_since.reset();
      break;
    case Does::less:
      if (!lasts(following.less_since, now, patience)) break;
      derate(following, *power);
      following.not_followed = false;  // F7a: it is safe, and said otherwise
      break;
  }
  if (following.derating && power->told != Watts{}) derate(following, *power);
}

}  // namespace esshub::control
