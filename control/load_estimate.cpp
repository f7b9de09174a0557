#include "control/load_estimate.hpp"

#include <algorithm>

namespace esshub::control {
namespace {

constexpr Duration substep = 10ms;
constexpr double correction = 0.5;  ///< share of a measured deviation taken over at once
constexpr double trim_per_second = 0.3;
constexpr Duration steady_span = 500ms;
constexpr Watts steady_move{10.0};   ///< inverter counts as steady when it moved less in that span
constexpr double trim_share = 0.15;  ///< errors above this share of the power (or 30 W) are no trim

/// First-order low-pass by one implicit Euler step: exact in any order of evaluation on any
/// machine.
Watts follow(Watts state, Watts input, Duration dt, Duration lag) {
  const double h = Seconds{dt}.count();
  const double tau = Seconds{lag}.count();
  return state + (input - state) * (h / (tau + h));
}

void remember(LoopModel& loop) {
  loop.past[loop.past_count % LoopModel::depth] = {*loop.at, loop.lagged + loop.bias, loop.metered};
  ++loop.past_count;
}

/// Linear between the two entries around `when`; the ends beyond.
LoopModel::Past at(const LoopModel& loop, Instant when) {
  const std::size_t kept = std::min(loop.past_count, LoopModel::depth);
  const auto entry = [&](std::size_t back) -> const LoopModel::Past& {
    return loop.past[(loop.past_count - 1 - back) % LoopModel::depth];
  };
  for (std::size_t back = 0; back < kept; ++back) {
    const auto& older = entry(back);
    if (older.at > when) continue;
    if (back == 0) return older;
    const auto& newer = entry(back - 1);
    const double share = Seconds{when - older.at} / Seconds{newer.at - older.at};
    return {when, older.inverter + (newer.inverter - older.inverter) * share,
            older.metered + (newer.metered - older.metered) * share};
  }
  return entry(kept - 1);
}

void advance(const Settings& s, LoopModel& loop, Watts target, Instant to) {
  while (*loop.at < to) {
    const Duration dt = std::min<Duration>(substep, to - *loop.at);
    const Watts reach = s.inverter_ramp * Seconds{dt};
    loop.ramped += std::clamp(target - loop.ramped, -reach, reach);
    loop.lagged = follow(loop.lagged, loop.ramped, dt, s.inverter_lag);
    loop.metered = follow(loop.metered, loop.lagged + loop.bias, dt, s.meter_lag);
    *loop.at += dt;
  }
}

void restart(LoopModel& loop, Watts power, Instant now) {
  const Watts trim = loop.trim;
  loop = LoopModel{};
  loop.trim = trim;
  loop.at = now;
  loop.ramped = loop.lagged = loop.metered = power;
  remember(loop);
}

}  // namespace

void estimate_load(const Inputs& inputs, Memory& memory) {
  const Settings& s = inputs.settings;
  LoopModel& loop = memory.loop;
  const auto power = inputs.snapshot.power(Point::inverter);
  const auto setpoint = inputs.snapshot.get<Watts>(Point::inverter, Measure::setpoint);
  const auto measured = fresh(power, inputs.now, s.inverter_max_age);
  if (!measured) {  // without the inverter's word there is nothing to align with
    loop = LoopModel{};
    return;
  }
  if (!loop.at || inputs.now - *loop.at > 2s) restart(loop, *measured, inputs.now);

  // An acknowledged setpoint is what the inverter follows; without one it does as it says itself.
  const auto acknowledged = fresh(setpoint, inputs.now, s.inverter_max_age);
  const Watts before = memory.acknowledged.value_or(*measured);
  const Watts target = acknowledged.value_or(*measured);
  if (acknowledged) {
    const Instant effective = std::clamp(setpoint->at - s.ack_delay, *loop.at, inputs.now);
    advance(s, loop, before, effective);
  }
  advance(s, loop, target, inputs.now);
  memory.acknowledged = acknowledged;
  remember(loop);

  if (power && loop.power_at != power->at) {
    loop.power_at = power->at;
    const Watts modelled = at(loop, power->at - s.inverter_delay).inverter;
    loop.bias += (*measured - modelled) * correction;
  }

  const auto grid = inputs.snapshot.power(Point::grid);
  if (!grid || loop.grid_at == grid->at) return;
  const Duration since = loop.grid_at ? grid->at - *loop.grid_at : Duration{};
  loop.grid_at = grid->at;
  const Instant taken = grid->at - s.meter_delay;
  const Watts metered = at(loop, taken).metered;
  loop.residual = grid->value - metered;

  // A steady error that the model does not explain (meters that disagree, a gain) is trimmed away;
  // while the inverter still moves, the error is on its way to zero by itself.
  const Watts error = s.grid_setpoint - grid->value;
  const bool steady = abs(metered - at(loop, taken - steady_span).metered) < steady_move;
  if (!acknowledged || !steady || memory.limited || since > s.meter_max_age) return;
  const Watts bound = std::max(Watts{30.0}, abs(*acknowledged) * trim_share);
  if (abs(error) > bound) return;
  loop.trim += error * (trim_per_second * Seconds{since}.count());
  loop.trim = std::clamp(loop.trim, -bound, bound);
}

}  // namespace esshub::control
