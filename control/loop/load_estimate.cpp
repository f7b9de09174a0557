#include "control/loop/load_estimate.hpp"

#include <algorithm>

#include "control/loop/identify.hpp"

namespace esshub::control {
namespace {

constexpr Duration longest_gap = 2s;  ///< between two measurements of the inverter
constexpr double trim_per_second = 0.3;
constexpr double trim_share = 0.15;  ///< errors above this share of the power (or 30 W) are no trim
constexpr Watts steady_move{10.0};   ///< what moved less between two readings is at rest
constexpr double error_pace = 0.1;
constexpr Seconds most_path_error{0.05};
constexpr Seconds grid_mean_over{60.0};

/// Wider than any installation. Beyond it, or no number, a reading would stay in every mean for
/// good: it counts as not there.
constexpr Watts most_power{1e6};

std::optional<Reading<Watts>> believable(const std::optional<Reading<Watts>>& reading) {
  if (reading && abs(reading->value) <= most_power) return reading;
  return std::nullopt;
}

struct State {
  Watts inverter;
  std::array<Watts, 1> shown;  ///< of it by the grid meter
};

/// From what is known to `to`, as the model has it.
State predict(const Settings& s, const LoopModel& loop, Instant to) {
  State state{loop.known, {loop.metered.back()}};
  InverterSteps inverter{response_of(s, loop)};
  MeterSteps<1> meter{{meter_time_constant_of(s, loop)}};
  walk(loop, *loop.known_at, to, [&](std::optional<Watts> setpoint, Duration dt) {
    state.inverter = inverter.next(state.inverter, setpoint.value_or(state.inverter), dt);
    meter.advance(state.shown, state.inverter, dt);
  });
  return state;
}

/// What the grid meter shows at `now` of the inverter, as long as loop.metered is of `now`.
Watts shown_at(const LoopModel& loop, Instant now) {
  return loop.past.at(now - as_duration(loop.meter_delay), now, loop.metered)
      .by(meter_time_constants.size());
}

/// Keeps what was identified; the rest begins anew from here.
void restart(LoopModel& loop) {
  LoopModel fresh_model;
  fresh_model.meter_time_constant = loop.meter_time_constant;
  fresh_model.meter_delay = loop.meter_delay;
  fresh_model.inverter = loop.inverter;
  fresh_model.pace_known = loop.pace_known;
  fresh_model.gain_known = loop.gain_known;
  fresh_model.meter_cost = loop.meter_cost;
  fresh_model.meter_noise = loop.meter_noise;
  fresh_model.response_cost = loop.response_cost;
  fresh_model.trim = loop.trim;
  fresh_model.model_error = loop.model_error;
  fresh_model.grid_mean = loop.grid_mean;
  loop = fresh_model;
}

/// What the inverter does by itself teaches nothing of how it follows.
void forget_identified(LoopModel& loop) {
  loop.meter_time_constant.reset();
  loop.meter_delay = {};
  loop.inverter.reset();
  loop.pace_known = false;
  loop.gain_known = false;
  loop.window.reset();
  loop.meter_cost = {};
  loop.response_cost = {};
  loop.trim = {};
}

void begin(LoopModel& loop, Watts power, Instant at) {
  loop.known_at = at;
  loop.known = power;
  loop.metered.fill(power);
}

void take_command(LoopModel& loop, Watts power, Instant acknowledged_at, Instant acts_from) {
  if (loop.acknowledged_at == acknowledged_at) return;
  loop.acknowledged_at = acknowledged_at;
  loop.commands[loop.command_count++ % LoopModel::depth] = {acts_from, power};
}

/// A measurement makes the past certain: the model's path is bent onto it, and the grid readings
/// taken meanwhile are evaluated with that.
void take_power(const Settings& s, LoopModel& loop, Watts measured, Instant at) {
  const Seconds span = at - *loop.known_at;
  const InverterResponse before = response_of(s, loop);
  Watts expected = predict(s, loop, at).inverter;
  const Watts surprise = abs(measured - expected);
  loop.model_error += (surprise.value() - loop.model_error) * error_pace;
  // How far the path in between may be off, as time: it would pass for a time constant of the
  // meter.
  const Watts telling = abs(measured - loop.known) +
                        abs(loop.metered.front() - loop.metered[meter_time_constants.size() - 1]) +
                        Watts{15.0};
  const bool path_known = surprise * (0.5 * span.count()) < telling * most_path_error.count();
  identify_response(s, loop, measured, at);
  loop.known_move = measured - loop.known;
  const InverterResponse how = response_of(s, loop);
  if (how != before) expected = predict(s, loop, at).inverter;
  InverterSteps inverter{how};
  MeterSteps meters{all_meters(meter_time_constant_of(s, loop))};
  const Watts error = measured - expected;
  Watts modelled = loop.known;
  std::size_t evaluated = 0;
  for (Instant t = *loop.known_at;;) {
    Instant stop = at;
    if (evaluated < loop.unjudged_count) stop = std::min(stop, loop.pending[evaluated].taken);
    stop = std::max(stop, t);
    walk(loop, t, stop, [&](std::optional<Watts> setpoint, Duration dt) {
      modelled = inverter.next(modelled, setpoint.value_or(modelled), dt);
      t += dt;
      const double share = Seconds{t - *loop.known_at} / span;
      loop.known = modelled + error * share;
      meters.advance(loop.metered, loop.known, dt);
      loop.past.note(t, loop.metered);
    });
    if (t >= at && (evaluated == loop.unjudged_count || loop.pending[evaluated].taken > at)) break;
    if (evaluated + 1 == loop.unjudged_count)  // the newest: now for certain
      loop.residual = loop.pending[evaluated].power - shown_at(loop, t);
    identify_meter(s, loop, loop.pending[evaluated++], loop.past.by_all(t, loop.metered),
                   path_known);
  }
  std::shift_left(loop.pending.begin(),
                  loop.pending.begin() + static_cast<std::ptrdiff_t>(loop.unjudged_count),
                  static_cast<std::ptrdiff_t>(evaluated));
  loop.unjudged_count -= evaluated;
  loop.known = measured;  // the steps that end at a reading are shorter: the same within a watt
  loop.known_at = at;
}

void take_grid(LoopModel& loop, Watts grid, Instant taken) {
  if (loop.unjudged_count == LoopModel::depth) {  // no measurement for long: the oldest goes
    std::shift_left(loop.pending.begin(), loop.pending.end(), 1);
    --loop.unjudged_count;
  }
  loop.pending[loop.unjudged_count++] = {taken, grid};
}

/// What the newest grid reading says of the load, by what is known now: an acknowledgement may tell
/// only afterwards that the inverter was already on its way.
void evaluate_load(const Settings& s, LoopModel& loop) {
  if (loop.unjudged_count == 0) return;  // its inverter power is known, and so is the load
  const auto& grid = loop.pending[loop.unjudged_count - 1];
  const Instant shown = grid.taken - as_duration(loop.meter_delay);
  loop.residual =
      grid.power -
      (shown < *loop.known_at
           ? loop.past.at(shown, *loop.known_at, loop.metered).by(meter_time_constants.size())
           : predict(s, loop, shown).shown.front());
}

/// A steady error that the model does not explain (meters that disagree) is trimmed away; while
/// the inverter still moves, the error is on its way to zero by itself.
void trim(const Settings& s, LoopModel& loop, Watts grid, Watts change, Duration since,
          Watts setpoint, Instant now, bool limited) {
  const auto earlier = command_at(loop, now - 1s);
  const bool moving =
      !earlier || abs(*earlier - setpoint) > steady_move || abs(change) > steady_move;
  if (moving || !loop.moved_at) loop.moved_at = now;
  const Seconds rest =
      Seconds{0.5} + 4.0 * meter_time_constant_of(s, loop) + loop.meter_delay + Seconds{since};
  if (limited || Seconds{now - *loop.moved_at} < rest) return;
  const Watts error = s.grid_setpoint - grid;
  const Watts bound = std::max(Watts{30.0}, abs(setpoint) * trim_share);
  if (abs(error) > bound) return;
  loop.trim += error * (trim_per_second * Seconds{since}.count());
  loop.trim = std::clamp(loop.trim, -bound, bound);
}

}  // namespace

void estimate_load(const Inputs& inputs, Memory& memory) {
  const Settings& s = inputs.settings;
  LoopModel& loop = memory.loop;
  const auto power = believable(inputs.snapshot.power(Point::inverter));
  const auto setpoint = believable(inputs.snapshot.get<Watts>(Point::inverter, Measure::setpoint));
  const auto measured = fresh(power, inputs.now, s.inverter_max_age);
  memory.acknowledged = fresh(setpoint, inputs.now, s.inverter_max_age);
  if (!measured) {  // without the inverter's word there is nothing to align with
    restart(loop);
    return;
  }
  if (memory.following.released_until || memory.following.derating ||
      memory.pack_current.released_until)
    forget_identified(loop);
  // Without an acknowledged setpoint the inverter does as it says itself.
  if (!memory.acknowledged) loop.command_count = 0;
  if (memory.acknowledged)
    take_command(loop, *memory.acknowledged, setpoint->at, setpoint->at - s.ack_delay);

  const Instant measured_at = power->at - s.inverter_delay;
  if (loop.known_at && measured_at - *loop.known_at > longest_gap) restart(loop);
  if (!loop.known_at) begin(loop, *measured, measured_at);

  const auto grid = believable(inputs.snapshot.power(Point::grid));
  const bool new_grid = grid && loop.grid_at != grid->at;
  const Instant taken = grid ? grid->at - s.meter_delay : Instant{};
  const auto before = loop.residual;
  if (new_grid) take_grid(loop, grid->value, std::max(taken, *loop.known_at));
  if (measured_at > *loop.known_at) take_power(s, loop, *measured, measured_at);
  evaluate_load(s, loop);
  if (!new_grid) return;

  const Duration since = loop.grid_at ? grid->at - *loop.grid_at : Duration{};
  loop.grid_at = grid->at;
  if (since > s.grid_max_age()) return;
  loop.grid_mean += (abs(grid->value).value() - loop.grid_mean) *
                    (Seconds{since} / (grid_mean_over + Seconds{since}));
  if (memory.acknowledged && before && loop.residual)
    trim(s, loop, grid->value, *loop.residual - *before, since, *memory.acknowledged, inputs.now,
         memory.limited);
}

Watts balancing_power(Watts grid, const Inputs& inputs, const Observation& observation,
                      const Memory& memory) {
  const Watts ac_out = *observation.ac_out;
  const Watts at_ac_in = grid - (*observation.rest - ac_out);
  const InverterResponse inverter = response_of(inputs.settings, memory.loop);
  return (at_ac_in - inverter.offset) * (1.0 / inverter.gain) - ac_out + memory.loop.trim;
}

LoopQuality loop_quality(const LoopModel& loop) {
  LoopQuality found;
  if (loop.meter_time_constant) {
    found.meter_time_constant = *loop.meter_time_constant;
    found.meter_delay = loop.meter_delay;
  }
  if (loop.inverter && loop.pace_known) {
    found.inverter_time_constant = loop.inverter->time_constant;
    found.inverter_ramp = loop.inverter->ramp;
  }
  if (loop.inverter && loop.gain_known) found.inverter_gain = loop.inverter->gain;
  if (loop.known_at) found.model_error = Watts{loop.model_error};
  if (loop.grid_at) found.mean_grid = Watts{loop.grid_mean};
  return found;
}

}  // namespace esshub::control
