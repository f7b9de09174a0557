#include "control/policy/storm.hpp"

#include <algorithm>

#include "control/latch.hpp"
#include "control/policy/backup.hpp"
#include "control/policy/policy.hpp"
#include "control/policy/tariff.hpp"

namespace esshub::control {
namespace {

constexpr double spare_points = 5.0;
// Charging slows down near full, and the way there is not all alike.
constexpr double slower = 1.1;
constexpr Duration spare_time = 10min;
constexpr Duration endless = 24h * 365;

/// How long buying takes; endless while no power can be told.
Duration time_for(double points, const Inputs& inputs, const Observation& observation) {
  if (points <= 0.0) return {};
  const Settings& s = inputs.settings;
  const auto full = battery_capacity(inputs.snapshot, observation.voltage);
  const Watts most = std::min(observation.ccl, s.charger_current) * observation.voltage;
  const Watts power = std::min({s.charge_limit, s.inverter_rating, most});
  if (!full || power <= Watts{}) return endless;
  const double stored = power.value() * s.conversion_efficiency;
  const Hours hours{full->value() * points / 100.0 / stored * slower};
  return std::min(endless, as_duration(hours) + spare_time);
}

}  // namespace

void evaluate_storm(const Inputs& inputs, const Observation& observation, Memory& memory) {
  const auto& storm = inputs.orders.storm;
  StormMemory& m = memory.policy.storm;
  if (!storm || inputs.now >= storm->until) {
    m = {};
    return;
  }
  const bool begun = inputs.now >= storm->from;
  m.reached.reset();
  m.buys = false;
  if (!storm->fill || !observation.bms_ok) {
    m.keeps = begun || (m.keeps && storm->fill);
    m.wanted &= storm->fill;
    return;
  }
  const Settings& s = inputs.settings;
  const double soc = observation.reported_soc.percent();
  const double reserve = storm->reserve.percent();
  m.wanted = latch(m.wanted, soc <= reserve - missing_reserve, soc >= enough(storm->reserve, s));
  const double goal = m.wanted ? enough(storm->reserve, s) : reserve;
  const double missing = std::max(0.0, goal - soc);
  const Duration need = time_for(missing, inputs, observation);
  const bool has_choice = !begun && inputs.local.trusted && !s.tariff.bands.empty();
  const CivilMinute minute = inputs.local.shown();
  const Duration left = storm->from - inputs.now;
  const Duration cheaper = has_choice ? cheaper_within(s.tariff, minute, left) : Duration{};
  m.keeps = begun || cheaper < time_for(missing + spare_points, inputs, observation);
  m.buys = m.wanted && cheaper < need;

  if (need >= endless) return;
  if (m.planned_at != minute || m.planned_for != need || !has_choice) {
    m.planned_at = minute;
    m.planned_for = need;
    const auto bought =
        has_choice ? cheapest_end(s.tariff, minute, left, need) : std::optional<Duration>{};
    m.planned_end = inputs.now + bought.value_or(need);
  }
  m.reached = soc >= reserve ? inputs.now : m.planned_end;
}

}  // namespace esshub::control
