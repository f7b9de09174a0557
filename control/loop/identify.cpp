#include "control/loop/identify.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <tuple>

namespace esshub::control {
namespace {

// Inverter
constexpr double telling_w = 30.0;  ///< candidates this far apart are told apart
constexpr double response_memory = 0.8;
constexpr double onset_weight = 0.25;
constexpr double arrived_share = 0.12;
constexpr double response_pace = 0.5;  ///< share of the way to the best candidate, at once
constexpr double ramp_prior = 1.0;     ///< W for each candidate away from the present one
constexpr Duration settled_after = 500ms;
constexpr Watts rest_span{20.0};  ///< a setpoint that moves no more, or 6 %, is at rest
constexpr Watts rest_move{3.0};   ///< the same of the inverter
constexpr WattsPerSecond rest_drift{30.0};
constexpr double rest_pace = 0.5;
constexpr double likely_gain = 0.06;  ///< standard deviations expected of the units
constexpr Watts likely_offset{15.0};

// Meter
constexpr double active_w = 15.0;  ///< the inverter's move shows meters this far apart
/// Until something is known the meter is taken for slower than configured: the first moves are a
/// little late to arrive instead of too large. The first lesson ends that. By the sweep
/// (docs/decisions/0006-identified-loop.md).
constexpr Seconds unidentified_margin{0.16};
constexpr double meter_memory = 0.5;
constexpr double meter_pace = 0.7;  ///< share of the way to the best, where it is clearly better
constexpr double doubtful = 20.0;   ///< W better than the present one: half of that pace
constexpr double least_pace = 0.2;  ///< of meter_pace
constexpr double time_constant_prior = 30.0;  ///< W for each second away from the setting
constexpr double delay_prior = 60.0;          ///< the same of the delay
constexpr double meter_evidence = 60.0;       ///< W between best and worst before one is chosen
constexpr double window_evidence = 30.0;      ///< the same of one window before it counts
constexpr Watts meters_agree{25.0};
constexpr Duration early_look = 12s;  ///< at a window, for what is clear already
constexpr Duration longest_window = 20s;
constexpr double noise_pace = 0.05;
constexpr Duration longest_pause = 2500ms;  ///< between grid readings that are compared

template <class Costs>
std::size_t least(const Costs& costs) {
  return static_cast<std::size_t>(std::ranges::min_element(costs) - costs.begin());
}

/// The minimum of a parabola through three equidistant costs, -0.5 to 0.5 from the middle one.
double vertex(double before, double middle, double after) {
  const double curve = before - 2.0 * middle + after;
  return curve > 0.0 ? std::clamp(0.5 * (before - after) / curve, -0.5, 0.5) : 0.0;
}

/// The value at an index between two candidates.
double between(std::span<const double> values, std::size_t index, double offset) {
  if (offset < 0.0) return values[index] + offset * (values[index] - values[index - 1]);
  if (offset > 0.0) return values[index] + offset * (values[index + 1] - values[index]);
  return values[index];
}

/// Where the inverter would be by every pair of ramp and time constant: all of them side by side,
/// for what they have in common is most of the work.
class Candidates {
 public:
  static constexpr std::size_t ramps = inverter_ramps.size();
  static constexpr std::size_t time_constants = inverter_time_constants.size();
  using Powers = std::array<double, ramps * time_constants>;  ///< W, the ramps of the first time
                                                              ///< constant first

  Candidates(Watts power, const InverterResponse& present) : present_(present) {
    powers_.fill(power.value());
  }

  void advance(std::optional<Watts> setpoint, Duration dt) {
    if (dt != dt_) prepare(dt);
    if (setpoint) {
      const double settled = present_.settled(*setpoint).value();
      advance([settled](double) { return settled; });
    } else {
      advance([this](double power) { return present_.settled(Watts{power}).value(); });
    }
  }
  [[nodiscard]] const Powers& powers() const { return powers_; }

 private:
  void prepare(Duration dt) {
    dt_ = dt;
    for (std::size_t i = 0; i < time_constants; ++i)
      shares_[i] = filter_gain(dt, Seconds{inverter_time_constants[i]});
    for (std::size_t i = 0; i < ramps; ++i)
      reaches_[i] = (WattsPerSecond{inverter_ramps[i]} * Seconds{dt}).value();
  }
  template <class Settled>
  void advance(Settled settled) {
    for (std::size_t time_constant = 0; time_constant < time_constants; ++time_constant) {
      const double share = shares_[time_constant];
      for (std::size_t ramp = 0; ramp < ramps; ++ramp) {
        double& power = powers_[time_constant * ramps + ramp];
        const double way = power + (settled(power) - power) * share - power;
        const double reach = reaches_[ramp];
        power += way < -reach ? -reach : reach < way ? reach : way;
      }
    }
  }

  InverterResponse present_;  ///< its gain and offset count
  Powers powers_{};
  Duration dt_{};
  std::array<double, time_constants> shares_{};
  std::array<double, ramps> reaches_{};
};

void choose_response(LoopModel& loop, InverterResponse& present) {
  constexpr std::size_t ramps = inverter_ramps.size();
  auto scores = loop.response_cost;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const double candidate = inverter_ramps[i % ramps];
    const double now = present.ramp.value();
    scores[i] += ramp_prior * (std::max(candidate, now) / std::min(candidate, now) - 1.0);
  }
  const std::size_t best = least(scores);
  const std::size_t ramp = best % ramps;
  const bool inside = ramp > 0 && ramp + 1 < ramps;
  const double offset = inside ? vertex(scores[best - 1], scores[best], scores[best + 1]) : 0.0;
  const double wanted = between(inverter_ramps, ramp, offset);
  present.ramp += WattsPerSecond{wanted - present.ramp.value()} * response_pace;
  present.time_constant +=
      (Seconds{inverter_time_constants[best / ramps]} - present.time_constant) * response_pace;
}

struct Commanded {
  Watts low;
  Watts high;
  [[nodiscard]] Watts middle() const { return (low + high) * 0.5; }
};
/// The setpoints that acted from `from` to `to`; nothing where one is not known.
std::optional<Commanded> commanded(const LoopModel& loop, Instant from, Instant to) {
  const auto first = command_at(loop, from);
  if (!first) return std::nullopt;
  Watts low = *first;
  Watts high = *first;
  for (const auto& command : loop.commands) {
    if (command.from <= from || command.from > to) continue;
    low = std::min(low, command.power);
    high = std::max(high, command.power);
  }
  return Commanded{low, high};
}

/// It rests although it was told something else a while ago: that is what it makes of it.
bool learn_rest(LoopModel& loop, InverterResponse& present, Watts measured, Instant at) {
  const auto told = commanded(loop, *loop.known_at - settled_after, at);
  if (!told) return false;
  const Watts setpoint = told->middle();
  if (told->high - told->low > std::max(rest_span, abs(setpoint) * 0.06)) return false;
  const Seconds time = at - *loop.known_at;
  if (abs(measured - loop.known) > rest_move + rest_drift * time) return false;
  // The deviation is shared out as likely: a gain shows at high power, an offset at any.
  const double power = setpoint.value();
  const double deviation = measured.value() - power;
  const Watts bound = likely_offset * 2.5 + abs(setpoint) * (4.0 * likely_gain);
  if (abs(measured - setpoint) > bound) return true;  // something else holds it back
  const double by_gain = power * power * likely_gain * likely_gain;
  const double by_offset = likely_offset.value() * likely_offset.value();
  if (by_gain > 0.0) {
    const double gain = 1.0 + deviation / power * (by_gain / (by_gain + by_offset));
    present.gain += (gain - present.gain) * rest_pace;
    loop.gain_known |= by_gain > by_offset;  // at lower power it shows too little
  }
  present.offset += (measured - present.settled(setpoint)) * rest_pace;
  return true;
}

/// The candidate next to what is identified.
std::size_t present_meter(const Settings& settings, const LoopModel& loop) {
  const auto nearest = [](std::span<const double> values, Seconds present) {
    const auto away = [&](double value) { return std::abs(value - present.count()); };
    return static_cast<std::size_t>(std::ranges::min_element(values, {}, away) - values.begin());
  };
  return nearest(meter_delays, loop.meter_delay) * meter_time_constants.size() +
         nearest(meter_time_constants, meter_time_constant_of(settings, loop));
}

void choose_meter(const Settings& settings, LoopModel& loop, const ByMeter<double>& cost) {
  constexpr std::size_t time_constants = meter_time_constants.size();
  const auto [least_cost, most_cost] = std::ranges::minmax(cost);
  if (most_cost - least_cost < window_evidence) return;
  ByMeter<double> scores{};
  for (std::size_t i = 0; i < scores.size(); ++i) {
    loop.meter_cost[i] = loop.meter_cost[i] * meter_memory + cost[i];
    const double away = std::abs(meter_time_constants[i % time_constants] -
                                 Seconds{settings.meter_time_constant}.count());
    scores[i] = loop.meter_cost[i] + time_constant_prior * away +
                delay_prior * meter_delays[i / time_constants];
  }
  const auto [smallest, largest] = std::ranges::minmax(scores);
  if (largest - smallest < meter_evidence) return;
  const std::size_t best = least(scores);
  const auto offset = [&](std::size_t place, std::size_t count, std::size_t stride) {
    const bool inside = place > 0 && place + 1 < count;
    return inside ? vertex(scores[best - stride], scores[best], scores[best + stride]) : 0.0;
  };
  const std::size_t time_constant = best % time_constants;
  const std::size_t delay = best / time_constants;
  const Seconds best_time_constant{
      between(meter_time_constants, time_constant, offset(time_constant, time_constants, 1))};
  const Seconds best_delay{
      between(meter_delays, delay, offset(delay, meter_delays.size(), time_constants))};
  // The first one begins from within the margin, as far as the best is there.
  const Seconds configured{settings.meter_time_constant};
  const Seconds present = loop.meter_time_constant.value_or(
      std::clamp(best_time_constant, configured, configured + unidentified_margin));
  const double better = scores[present_meter(settings, loop)] - smallest;
  const double pace = meter_pace * std::max(least_pace, better / (better + doubtful));
  loop.meter_time_constant = present + (best_time_constant - present) * pace;
  loop.meter_delay += (best_delay - loop.meter_delay) * pace;
}

}  // namespace

InForce command_in_force(const LoopModel& loop, Instant when) {
  const std::size_t kept = std::min(loop.command_count, LoopModel::depth);
  InForce command;
  for (std::size_t back = 1; back <= kept; ++back) {
    const auto& heard = loop.commands[(loop.command_count - back) % LoopModel::depth];
    if (heard.from <= when) {
      command.setpoint = heard.power;
      break;
    }
    command.until = std::min(command.until, heard.from);
  }
  return command;
}

std::optional<Watts> command_at(const LoopModel& loop, Instant when) {
  return command_in_force(loop, when).setpoint;
}

InverterResponse response_of(const Settings& settings, const LoopModel& loop) {
  if (loop.inverter) return *loop.inverter;
  return {settings.inverter_ramp, Seconds{settings.inverter_time_constant}, 1.0, Watts{}};
}

Seconds meter_time_constant_of(const Settings& settings, const LoopModel& loop) {
  // Taken for slower than it is, a meter leaves a battery that comes back from export a little more
  // of it: with `witness` there is no room for that.
  const Seconds margin = settings.witness ? Seconds{} : unidentified_margin;
  return loop.meter_time_constant.value_or(Seconds{settings.meter_time_constant} + margin);
}

void identify_response(const Settings& settings, LoopModel& loop, Watts measured, Instant at) {
  InverterResponse present = response_of(settings, loop);
  if (learn_rest(loop, present, measured, at)) {
    loop.inverter = present;
    return;
  }
  Candidates candidates{loop.known, present};
  walk(loop, *loop.known_at, at,
       [&](std::optional<Watts> setpoint, Duration dt) { candidates.advance(setpoint, dt); });
  Candidates::Powers errors = candidates.powers();
  for (double& error : errors) error = std::abs(error - measured.value());
  // It has arrived, near enough: where exactly is a matter of gain, not of speed.
  if (const auto setpoint = command_at(loop, at)) {
    const double left = abs(present.settled(*setpoint) - measured).value();
    if (left < telling_w + arrived_share * abs(*setpoint).value())
      for (double& error : errors) error = std::max(0.0, error - left);
  }
  const auto [smallest, largest] = std::ranges::minmax(errors);
  const double moved = abs(measured - loop.known).value();
  // Where even the best is far off, something else holds the inverter back.
  if (largest - smallest < telling_w || smallest > telling_w + 0.3 * moved) return;
  // When exactly a move began is known less well than where it was on its way.
  const double weight = abs(loop.known_move) > rest_span ? 1.0 : onset_weight;
  const double kept = 1.0 - weight * (1.0 - response_memory);
  for (std::size_t i = 0; i < errors.size(); ++i)
    loop.response_cost[i] = loop.response_cost[i] * kept + errors[i] * weight;
  choose_response(loop, present);
  loop.pace_known = true;
  loop.inverter = present;
}

void identify_meter(const Settings& settings, LoopModel& loop, const LoopModel::GridReading& grid,
                    const ByMeter<Watts>& shown, bool known) {
  constexpr std::size_t time_constants = meter_time_constants.size();
  constexpr std::size_t count = std::tuple_size_v<ByMeter<Watts>>;
  LoopModel::Judged now{.at = grid.taken, .grid = grid.power, .known = known};
  for (std::size_t i = 0; i < count; ++i) now.residual[i] = grid.power - shown[i];
  const auto before = loop.evaluated;
  const Duration dt = before ? grid.taken - before->at : Duration{};
  const bool comparable = before && dt > Duration{} && dt <= longest_pause;
  if (!comparable) {
    now.load = now.residual;
    loop.evaluated = now;
    return;
  }
  const double h = Seconds{model_step}.count();
  const auto steps = std::max<Duration::rep>(1, dt / model_step);
  std::array<double, time_constants> kept;  // of the older reading, after dt behind each filter
  kept.fill(1.0);
  for (Duration::rep n = 0; n < steps; ++n)
    for (std::size_t time_constant = 0; time_constant < time_constants; ++time_constant)
      kept[time_constant] *=
          meter_time_constants[time_constant] / (meter_time_constants[time_constant] + h);
  for (std::size_t i = 0; i < count; ++i) {
    const double old = kept[i % time_constants];
    now.load[i] = (now.residual[i] - before->residual[i] * old) * (1.0 / (1.0 - old));
  }
  now.active = abs(now.residual.front() - now.residual.back()).value() > active_w;
  loop.evaluated = now;
  if (!loop.window && now.active) {
    loop.window = LoopModel::Window{};
    loop.window->from = now.at;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const double change = abs(now.load[i] - before->load[i]).value();
    double& noise = loop.meter_noise[i];
    if (loop.window) {
      if (known && before->known) loop.window->cost[i] += std::max(0.0, change - 2.0 * noise);
    } else {
      noise += (std::min(change, 50.0) - noise) * noise_pace;
    }
  }
  if (!loop.window) return;
  if (known && before->known) loop.window->as_read += abs(grid.power - before->grid).value();
  const auto [lowest, highest] = std::ranges::minmax(now.load);
  const bool agreed = !now.active && highest - lowest < meters_agree;
  const Duration age = now.at - loop.window->from;
  if (!agreed && age < early_look) return;
  // A loop that hunts, or a restless house, lets them never agree. Then the own moves must be seen
  // in the load by far more with the present meter than with the best.
  const auto& cost = loop.window->cost;
  const bool clear = agreed || 2.0 * std::ranges::min(cost) < cost[present_meter(settings, loop)];
  if (!clear && age < longest_window) return;
  // Where no meter makes the load simpler than the reading itself, the own moves are not in it as
  // they should be (its sign is wrong): nothing can be learned from that.
  if (clear && std::ranges::min(cost) < loop.window->as_read) choose_meter(settings, loop, cost);
  loop.window.reset();
}

}  // namespace esshub::control
