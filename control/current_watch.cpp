#include "control/current_watch.hpp"

#include <algorithm>

namespace esshub::control {
namespace {

constexpr Amperes least_excess{3.0};
constexpr double excess_share = 0.15;
constexpr Duration beyond_limit = 2s;  // besides the ramp
constexpr Duration within_proof = 10s;
constexpr Duration release_for = 60s;

/// By how much the current passes its limit; 0 or less: it does not.
Amperes excess_of(const PackCurrent& pack) {
  return std::max(pack.current - pack.ccl, -pack.current - pack.dcl);
}

bool is_beyond(const PackCurrent& pack) {
  const Amperes limit = pack.current > Amperes{} ? pack.ccl : pack.dcl;
  return excess_of(pack) > std::max(least_excess, limit * excess_share);
}

}  // namespace

void watch_current(CurrentWatch& watch, const std::optional<PackCurrent>& pack, WattsPerSecond ramp,
                   Instant now) {
  if (watch.released_until && now >= *watch.released_until) watch.released_until.reset();
  if (!pack) {
    watch.beyond_since.reset();
    watch.within_since.reset();
    return;
  }
  if (!is_beyond(*pack)) {
    watch.beyond_since.reset();
    if (!watch.within_since) watch.within_since = now;
    if (now - *watch.within_since >= within_proof) watch.exceeded_since.reset();
    return;
  }
  watch.within_since.reset();
  if (!watch.beyond_since) {
    watch.beyond_since = now;
    const Watts excess = excess_of(*pack) * pack->voltage;
    watch.allowed = beyond_limit + as_duration(Seconds{excess.value() / ramp.value()});
  }
  if (!watch.exceeded_since && now - *watch.beyond_since >= watch.allowed)
    watch.exceeded_since = now;
  if (watch.exceeded_since && !watch.released_until &&
      now - std::max(*watch.exceeded_since, *watch.beyond_since) >= watch.allowed)
    watch.released_until = now + release_for;
}

}  // namespace esshub::control
