#include "control/policy/storm.hpp"

#include <algorithm>

#include "control/latch.hpp"
#include "control/policy/backup.hpp"
#include "control/policy/policy.hpp"
#include "control/policy/tariff.hpp"

namespace esshub::control {
namespace {

// Percentage points that are missing besides: what may be served, and what keeps a change from
// being taken back in the next minute.
constexpr double spare = 5.0;
constexpr double serves_again = 10.0;
constexpr double waits_again = 2.0;
// Charging slows down near full, and the way there is not all alike.
constexpr double slower = 1.1;
constexpr Duration spare_time = 10min;
constexpr Duration endless = 24h * 365;
constexpr Duration judged_for = 1h;  // while the hour is not known

/// A full pack takes nothing now (reference: pylontech-can#5.1), which says nothing of later.
bool full_now(const Observation& observation) {
  return observation.ccl <= Amperes{} && observation.reported_soc.percent() >= 99.0;
}

/// How long buying takes; endless while no power can be told.
Duration time_for(double points, const Inputs& inputs, const Observation& observation) {
  if (points <= 0.0) return {};
  const Settings& s = inputs.settings;
  const Volts voltage = nominal_voltage(s.cells);
  const auto full = battery_capacity(inputs.snapshot, voltage);
  Amperes current = s.charger_current;
  if (!full_now(observation)) current = std::min(current, observation.ccl);
  Watts power = std::min({s.charge_limit, s.inverter_rating, current * voltage});
  if (s.import_cap) power = std::min(power, *s.import_cap);
  if (!full || power <= Watts{}) return endless;
  const double stored = power.value() * s.conversion_efficiency;
  const Hours hours{full->value() * points / 100.0 / stored * slower};
  return std::min(endless, as_duration(hours) + spare_time);
}

/// When buying what takes `need` will be over, in the cheapest hours of those `left`; nothing where
/// they have too many prices to be sorted.
std::optional<Instant> end_of_buying(const Inputs& inputs, Duration left, Duration need) {
  // More than that is bought from now on, and on after the begin.
  const auto end = cheapest_end(inputs.settings.tariff, inputs.local.shown(), left,
                                std::min(left, need), prices_ahead(inputs));
  return end ? std::optional{inputs.now + *end} : std::nullopt;
}

/// Whether there are hours to choose from, and it can be told how many are needed.
bool has_choice(const Inputs& inputs, const StormMemory& m) {
  return inputs.now < m.order->from && has_hours(inputs.settings.tariff, prices_ahead(inputs)) &&
         battery_capacity(inputs.snapshot, nominal_voltage(inputs.settings.cells)) &&
         (inputs.local.trusted || inputs.now - m.judged < judged_for);
}

}  // namespace

void evaluate_storm(const Inputs& inputs, const Observation& observation, Memory& memory) {
  const auto& storm = inputs.orders.storm;
  StormMemory& m = memory.policy.storm;
  if (!storm || inputs.now >= storm->until) {
    m = {};
    return;
  }
  // Until it is judged nothing is lost: after a restart the hour may not be known for long.
  if (m.order != storm) m = {.order = storm, .keeps = storm->fill, .judged = inputs.now};
  m.keeps |= inputs.now >= storm->from;
  m.reached.reset();
  m.buys = false;
  if (!storm->fill || !observation.bms_ok) return;
  const Settings& s = inputs.settings;
  const double soc = observation.reported_soc.percent();
  const double reserve = storm->reserve.percent();
  m.wanted = latch(m.wanted, soc <= reserve - missing_reserve, soc >= enough(storm->reserve, s));
  const double missing = std::max(0.0, (m.wanted ? enough(storm->reserve, s) : reserve) - soc);
  const auto need = [&](double more) { return time_for(missing + more, inputs, observation); };

  const CivilMinute minute = inputs.local.shown();
  if (!has_choice(inputs, m)) {
    m.keeps = true;
    m.waits = false;
    m.end = inputs.now + need(0.0);
  } else if (inputs.local.trusted && m.minute != minute &&
             (observation.ccl > Amperes{} || full_now(observation))) {
    // At the beginning of a minute, for the hour knows no seconds. A moment in which the BMS takes
    // nothing says nothing of the hours ahead.
    const bool first = !m.minute;
    m.minute = minute;
    m.judged = inputs.now;
    const Duration left = std::chrono::floor<std::chrono::minutes>(storm->from - inputs.now);
    const PricesAhead ahead = prices_ahead(inputs);
    const double both_ways = s.conversion_efficiency * s.conversion_efficiency;
    m.keeps = cheaper_within(s.tariff, minute, left, both_ways, ahead) <
              need(first || !m.keeps ? spare : serves_again);
    m.waits =
        cheaper_within(s.tariff, minute, left, {}, ahead) >= need(m.waits ? 0.0 : waits_again);
    m.end = end_of_buying(inputs, left, need(0.0));
  }
  m.buys = m.wanted && !m.waits;
  if (!m.wanted || soc >= reserve) {
    if (m.keeps) m.reached = inputs.now;
  } else if (m.end && need(0.0) < endless) {
    m.reached = std::max(*m.end, inputs.now + need(0.0));
  }
}

}  // namespace esshub::control
