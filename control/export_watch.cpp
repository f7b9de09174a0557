#include "control/export_watch.hpp"

#include <algorithm>

namespace esshub::control {
namespace {

constexpr Duration setpoint_on_wire = 200ms;  // docs/safety.md, below the table of failures
/// Of a grid meter that shares its line with another one (reference: eastron-modbus#6).
constexpr Duration reading_interval = 330ms;
/// An excess that grows no faster the battery follows as it grows: it needs no time of its own.
constexpr WattsPerSecond slow_growth{50.0};
constexpr double filter_decay = 7.0;  // time constants, from a large power to nothing shown
constexpr Duration over_after = 60s;
constexpr Duration again_after = 10min;
constexpr Duration counted_for = 24h;
constexpr Duration lockout = 4h;

Duration ramp_time(const Settings& s, Watts way) {
  return as_duration(Seconds{way.value() / s.inverter_ramp.value()});
}

/// From a tick that knows to an inverter that moves.
Duration dead_time(const Settings& s) {
  return s.period + setpoint_on_wire + s.inverter_time_constant;
}

/// A load that goes, or a sun that comes, gets time of its own, and so does a command on its way; a
/// battery that does not move gets no more.
void follow_excess(ExportWatch& watch, const ExportSeen& seen, const Settings& s, Instant now) {
  const Watts slow = slow_growth * Seconds{now - watch.looked_at.value_or(now)};
  watch.looked_at = now;
  if (!seen.excess || *seen.excess <= export_tolerance) {
    watch.due.reset();
    watch.rest.reset();
    watch.excess = {};
    return;
  }
  const bool less = seen.rest && (!watch.rest || *seen.rest < *watch.rest - export_tolerance);
  const bool more = *seen.excess > watch.excess + export_tolerance;
  const bool renewed = !watch.due || less || more;
  if (renewed) watch.due = now + std::min(time_back(s, *seen.excess), longest_time_back);
  const Watts most = renewed ? *seen.excess : watch.excess + slow;
  watch.excess = std::max(watch.excess, std::min(*seen.excess, most));
  if (!seen.rest) return;
  const Watts least = renewed || !watch.rest ? *seen.rest : *watch.rest - slow;
  watch.rest = std::min(watch.rest.value_or(*seen.rest), std::max(*seen.rest, least));
}

void count(ExportWatch& watch, Instant now) {
  auto& [older, newer] = watch.excursions;
  if (older) watch.locked_until = now + lockout;
  older = newer;
  newer = now;
  watch.counted_at = now;
}

}  // namespace

Duration time_back(const Settings& s, Watts way) {
  return s.grid_max_age() + dead_time(s) + ramp_time(s, way);
}

Duration time_to_rest(const Settings& s, Watts power) {
  const Duration clamp = as_duration(filter_decay * Seconds{s.meter_time_constant}) + clamp_max_age;
  const Duration frozen = standing_max_age + 2 * reading_interval;
  return std::max({s.grid_max_age(), clamp, frozen}) + dead_time(s) + ramp_time(s, power);
}

Duration time_to_be_heard(const Settings& s) {
  constexpr int good_samples = 5;  // F1
  return s.grid_max_age() + good_samples * reading_interval;
}

Watts most_with_witness(const Settings& s) {
  const Duration left = longest_time_back - time_to_rest(s, Watts{});
  return s.inverter_ramp * Seconds{std::max(left, Duration{})};
}

void watch_export(ExportWatch& watch, const ExportSeen& seen, const Settings& s, Instant now) {
  if (watch.locked_until && now >= *watch.locked_until) watch.locked_until.reset();
  for (auto& excursion : watch.excursions)
    if (excursion && now - *excursion >= counted_for) excursion.reset();

  follow_excess(watch, seen, s, now);
  const bool beyond = seen.measurement_lost || (watch.due && now >= *watch.due);
  const bool begins = beyond && !watch.beyond;
  watch.beyond = beyond;
  if (beyond) {
    watch.well_since.reset();
    if (begins && (!watch.counted_at || now - *watch.counted_at >= again_after)) count(watch, now);
    return;
  }
  if (!watch.well_since) watch.well_since = now;
  if (now - *watch.well_since >= over_after) watch.counted_at.reset();
}

}  // namespace esshub::control
