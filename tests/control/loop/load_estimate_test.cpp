// The load estimate by docs/control-loop.md: alignment, setpoint, trim,
// caution.
#include "control/loop/load_estimate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>
#include <vector>

#include "control/loop/identify.hpp"

namespace esshub::control {
namespace {

double seconds(Instant t) {
  return Seconds{t.time_since_epoch()}.count();
}

/// What arrives, and the estimate after it.
struct Estimate {
  Settings settings;
  Snapshot snapshot;
  Memory memory;
  Instant now{100s};

  void measure(double watts) { snapshot.absorb({{Point::inverter, Measure::power}, watts, now}); }
  void acknowledge(double watts) {
    snapshot.absorb({{Point::inverter, Measure::setpoint}, watts, now});
  }
  void read_grid(double watts) { snapshot.absorb({{Point::grid, Measure::power}, watts, now}); }
  [[nodiscard]] Inputs inputs() const {
    return {.settings = settings, .snapshot = snapshot, .now = now, .local = {}};
  }
  void tick() { estimate_load(inputs(), memory); }
  [[nodiscard]] double residual() const { return memory.loop.residual->value(); }
};

// ---- alignment
// ------------------------------------------------------------------------------------------

/// The inverter and the meter as the document has them, in one line of time.
struct Reference {
  double ramp;
  double lag;
  double gain;
  double offset;
  double tau;    ///< s, of the meter
  double delta;  ///< s, its delay beyond the setting
  struct Command {
    double from;
    double power;
  };
  struct Reading {
    double taken;
    double power;
  };
  struct Note {
    double at;
    double shown;
  };
  std::vector<Command> commands{};
  std::vector<Reading> waiting{};
  std::vector<Note> notes{};  ///< q, every 50 ms
  std::optional<double> t0{};
  double p0 = 0;
  double q0 = 0;
  std::optional<double> residual{};

  [[nodiscard]] double next(double p, double t, double dt) const {
    std::optional<double> u;
    for (auto it = commands.rbegin(); it != commands.rend() && !u; ++it)
      if (it->from <= t + 1e-9) u = it->power;
    const double to = gain * u.value_or(p) + offset;
    return p + std::clamp((to - p) * dt / (lag + dt), -ramp * dt, ramp * dt);
  }
  struct State {
    double p;
    double q;
  };
  [[nodiscard]] State predict(double to) const {
    State s{p0, q0};
    for (double t = *t0; t < to - 1e-9;) {
      const double dt = std::min(0.01, to - t);
      s.p = next(s.p, t, dt);
      s.q += (s.p - s.q) * dt / (tau + dt);
      t += dt;
    }
    return s;
  }
  /// q at `t`, up to `now` at which it is `q`: a straight line between what was
  /// noted.
  [[nodiscard]] double shown(double t, double now, double q) const {
    Note newer{now, q};
    for (auto it = notes.rbegin(); it != notes.rend(); ++it) {
      if (it - notes.rbegin() >= 20) break;
      if (it->at <= t + 1e-9) {
        const double share = newer.at > it->at ? (t - it->at) / (newer.at - it->at) : 1.0;
        return it->shown + (newer.shown - it->shown) * share;
      }
      newer = *it;
    }
    return newer.shown;
  }
  /// The measurement p1 of t1 makes the past certain.
  void measured(double t1, double p1) {
    if (!t0) {
      t0 = t1;
      p0 = q0 = p1;
      return;
    }
    const double error = p1 - predict(t1).p;
    double modelled = p0;
    double q = q0;
    const double begin = *t0;
    double t = begin;
    const auto go = [&](double to) {
      while (t < to - 1e-9) {
        const double dt = std::min(0.01, to - t);
        modelled = next(modelled, t, dt);
        t += dt;
        p0 = modelled + error * (t - begin) / (t1 - begin);
        q += (p0 - q) * dt / (tau + dt);
        if (notes.empty() || t - notes.back().at >= 0.05 - 1e-9) notes.push_back({t, q});
      }
    };
    while (!waiting.empty() && waiting.front().taken <= t1 + 1e-9) {
      go(waiting.front().taken);
      residual = waiting.front().power - shown(t - delta, t, q);
      waiting.erase(waiting.begin());
    }
    go(t1);
    t0 = t1;
    p0 = p1;
    q0 = q;
  }
  void evaluate() {
    if (waiting.empty()) return;
    const double at = waiting.back().taken - delta;
    residual = waiting.back().power - (at < *t0 ? shown(at, *t0, q0) : predict(at).q);
  }
};

/// Moves so small that nothing is learned from them, and never at rest: what is
/// left is alignment.
TEST(LoadEstimate, IsThatOfAlignedMoments) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    std::mt19937 random{seed};
    const auto draw = [&](double low, double high) {
      return low + (high - low) * (static_cast<double>(random()) / 4294967296.0);
    };
    const auto ms = [&](int low, int high) {
      return std::chrono::milliseconds{low + static_cast<int>(random() % (high - low + 1))};
    };
    Estimate e;
    e.settings.ack_delay = ms(0, 150);
    e.settings.inverter_delay = ms(0, 250);
    e.settings.meter_delay = ms(0, 250);
    const bool identified = seed % 3 != 0;
    Reference reference{1000, 0.1, 1, 0, 0.377, 0};
    if (identified) {
      reference = {draw(30, 60), draw(0.1, 0.4), draw(0.9, 1.1), draw(-2, 2), draw(0.1, 0.9), 0};
      reference.delta = seed % 2 == 0 ? draw(0.05, 0.8) : 0.0;
      e.memory.loop.inverter =
          InverterResponse{WattsPerSecond{reference.ramp}, Seconds{reference.lag}, reference.gain,
                           Watts{reference.offset}};
      e.memory.loop.meter_time_constant = Seconds{reference.tau};
      e.memory.loop.meter_delay = Seconds{reference.delta};
    } else {
      e.settings.inverter_ramp = WattsPerSecond{1000};
      e.settings.inverter_time_constant = 100ms;
      e.settings.meter_time_constant = 217ms;
    }
    Duration next_command = e.now.time_since_epoch();
    Duration next_power = next_command;
    Duration next_grid = next_command;
    bool high = false;
    int compared = 0;
    for (int i = 0; i < 3000; ++i) {
      e.now += 10ms;
      const Duration t = e.now.time_since_epoch();
      bool news = i % 10 == 0;
      if (t >= next_command) {
        const double u = (high = !high) ? 11.5 : -11.5;
        e.acknowledge(u);
        reference.commands.push_back({seconds(e.now - e.settings.ack_delay), u});
        if (reference.commands.size() > 16) reference.commands.erase(reference.commands.begin());
        next_command = t + ms(60, 400);
        news = true;
      }
      std::optional<double> grid;
      if (t >= next_grid) {
        grid = 300 + draw(-1, 1);
        e.read_grid(*grid);
        next_grid = t + ms(80, 300);
        news = true;
      }
      std::optional<double> power;
      if (t >= next_power) {
        power = draw(-8, 8);
        e.measure(*power);
        next_power = t + ms(80, 400);
        news = true;
      }
      if (!news) continue;
      if (power && !reference.t0)
        reference.measured(seconds(e.now - e.settings.inverter_delay), *power);
      if (!reference.t0) continue;
      if (grid)
        reference.waiting.push_back(
            {std::max(seconds(e.now - e.settings.meter_delay), *reference.t0), *grid});
      if (power) {
        const double t1 = seconds(e.now - e.settings.inverter_delay);
        if (t1 > *reference.t0 + 1e-9) reference.measured(t1, *power);
      }
      reference.evaluate();
      e.tick();
      SCOPED_TRACE(testing::Message() << "seed " << seed << " at " << seconds(e.now) << " s");
      ASSERT_EQ(e.memory.loop.inverter.has_value(), identified) << "the test wants nothing learned";
      ASSERT_EQ(e.memory.loop.meter_time_constant.has_value(), identified);
      ASSERT_EQ(e.memory.loop.meter_delay.count(), reference.delta);
      ASSERT_EQ(e.memory.loop.residual.has_value(), reference.residual.has_value());
      if (!reference.residual) continue;
      ASSERT_NEAR(e.residual(), *reference.residual, 1e-6);
      ++compared;
    }
    EXPECT_GT(compared, 300);
  }
}

TEST(LoadEstimate, WithoutAnAcknowledgedSetpointTheInverterDoesAsItSays) {
  Estimate e;
  e.settings.inverter_delay = e.settings.meter_delay = 0ms;
  e.acknowledge(-2000);
  e.measure(-500);
  e.tick();
  e.now += 3001ms;  // the acknowledgement is too old
  e.measure(-500);
  e.tick();
  EXPECT_FALSE(e.memory.acknowledged);
  e.now += 500ms;
  e.read_grid(300);
  e.tick();
  EXPECT_NEAR(e.residual(), 800, 1e-9) << "it stays where it was";
  EXPECT_FALSE(command_at(e.memory.loop, e.now));
}

TEST(LoadEstimate, OfManyReadingsThatWaitTheNewestCount) {
  Estimate e;
  e.settings.inverter_delay = e.settings.meter_delay = 0ms;
  e.measure(0);
  e.tick();
  for (int i = 1; i <= 40; ++i) {  // no measurement of the inverter for 0.8 s
    e.now += 20ms;
    e.read_grid(100.0 * i);
    e.tick();
    EXPECT_NEAR(e.residual(), 100.0 * i, 1e-9);
  }
  e.measure(0);
  e.tick();
  EXPECT_NEAR(e.residual(), 4000, 1e-9);
}

// ---- caution
// --------------------------------------------------------------------------------------------

TEST(LoadEstimate, AfterTwoSecondsWithoutAMeasurementThePathBeginsAnewAndWhatIsKnownIsKept) {
  for (const auto& [gap, anew] : {std::pair{2000ms, false}, std::pair{2001ms, true}}) {
    Estimate e;
    LoopModel& loop = e.memory.loop;
    e.acknowledge(50);
    e.measure(50);
    e.tick();
    loop.inverter = InverterResponse{WattsPerSecond{700}, Seconds{0.2}, 0.95, Watts{4}};
    loop.meter_time_constant = Seconds{0.4};
    loop.meter_delay = Seconds{0.1};
    loop.pace_known = loop.gain_known = true;
    loop.meter_cost.fill(3.0);
    loop.meter_noise.fill(2.0);
    loop.response_cost.fill(1.0);
    loop.trim = Watts{7};
    loop.model_error = 5;
    loop.grid_mean = 6;
    loop.known_move = Watts{99};
    const LoopModel before = loop;
    e.now += gap;
    e.measure(800);  // far from what it was told: nothing to be learned
    e.tick();
    EXPECT_EQ(loop.known_move == Watts{}, anew) << gap / 1ms;
    EXPECT_EQ(loop.known, Watts{800});
    EXPECT_EQ(loop.inverter, before.inverter);
    EXPECT_EQ(loop.meter_time_constant, before.meter_time_constant);
    EXPECT_EQ(loop.meter_delay, before.meter_delay);
    EXPECT_TRUE(loop.pace_known);
    EXPECT_TRUE(loop.gain_known);
    EXPECT_EQ(loop.meter_cost, before.meter_cost);
    EXPECT_EQ(loop.meter_noise, before.meter_noise);
    EXPECT_EQ(loop.response_cost, before.response_cost);
    EXPECT_EQ(loop.trim, before.trim);
    EXPECT_EQ(loop.grid_mean, before.grid_mean);
    EXPECT_EQ(loop.model_error == before.model_error, anew);
  }
}

TEST(LoadEstimate, WithoutTheInvertersWordThereIsNoLoad) {
  Estimate e;
  e.settings.inverter_max_age = 2s;
  e.measure(0);
  e.read_grid(500);
  e.tick();
  EXPECT_TRUE(e.memory.loop.residual);
  e.now += 2s;
  e.tick();
  EXPECT_TRUE(e.memory.loop.residual);
  e.now += 1ns;
  e.tick();
  EXPECT_FALSE(e.memory.loop.residual);
  EXPECT_FALSE(e.memory.loop.known_at);
}

TEST(LoadEstimate, WhatIsNoNumberOrMoreThanAnyInstallationHasCountsAsNotThere) {
  for (const double wrong : {double{NAN}, double{INFINITY}, 1.1e6, -1.1e6}) {
    Estimate e;
    e.acknowledge(50);
    e.measure(40);
    e.read_grid(500);
    e.tick();
    const double residual = e.residual();
    const auto grid_at = e.memory.loop.grid_at;
    e.now += 200ms;
    e.read_grid(wrong);
    e.tick();
    EXPECT_EQ(e.memory.loop.grid_at, grid_at) << wrong;
    EXPECT_EQ(e.residual(), residual) << wrong;
    EXPECT_EQ(e.memory.loop.grid_mean, 0.0) << wrong;
    e.now += 200ms;
    e.acknowledge(wrong);
    e.tick();
    EXPECT_FALSE(e.memory.acknowledged) << wrong;
    e.now += 200ms;
    e.measure(wrong);
    e.tick();
    EXPECT_FALSE(e.memory.loop.residual) << "without the inverter's word, " << wrong;
  }
  Estimate widest;
  widest.measure(1e6);
  widest.read_grid(-1e6);
  widest.tick();
  EXPECT_EQ(widest.residual(), -2e6);
}

/// By F7 and F27 control is released, by F7a the inverter holds back.
TEST(LoadEstimate, OfAnInverterThatActsByItselfAllThatWasIdentifiedIsForgotten) {
  const struct {
    const char* what;
    void (*happen)(Memory&, Instant);
  } rows[] = {
      {"F7", [](Memory& m, Instant now) { m.following.released_until = now; }},
      {"F7a", [](Memory& m, Instant) { m.following.derating = true; }},
      {"F27", [](Memory& m, Instant now) { m.pack_current.released_until = now; }},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.what);
    Estimate e;
    LoopModel& loop = e.memory.loop;
    e.measure(0);
    e.tick();
    loop.inverter = InverterResponse{};
    loop.meter_time_constant = Seconds{0.4};
    loop.meter_delay = Seconds{0.1};
    loop.pace_known = loop.gain_known = true;
    loop.window = LoopModel::Window{};
    loop.meter_cost.fill(3.0);
    loop.response_cost.fill(1.0);
    loop.trim = Watts{7};
    row.happen(e.memory, e.now);
    e.tick();
    EXPECT_FALSE(loop.inverter);
    EXPECT_FALSE(loop.meter_time_constant);
    EXPECT_EQ(loop.meter_delay, Seconds{});
    EXPECT_FALSE(loop.pace_known);
    EXPECT_FALSE(loop.gain_known);
    EXPECT_FALSE(loop.window);
    EXPECT_EQ(loop.meter_cost, ByMeter<double>{});
    EXPECT_EQ(loop.response_cost, decltype(loop.response_cost){});
    EXPECT_EQ(loop.trim, Watts{});
  }
}

// ---- the setpoint and its trim
// ----------------------------------------------------------------------------

TEST(Setpoint, BringsTheGridToItsSetpointThroughGainAndOffset) {
  Estimate e;
  e.settings.grid_setpoint = 40.0_W;
  e.memory.loop.inverter = InverterResponse{WattsPerSecond{1000}, Seconds{0.1}, 0.8, Watts{20}};
  e.memory.loop.trim = Watts{7};
  Observation observation;
  observation.ac_out = 150.0_W;
  observation.rest = 650.0_W;  // 500 W at the meter and the load on AC-out
  // u = (g* - r - o) / G + trim, and u - P(AC-out) for the battery
  EXPECT_NEAR(balancing_power(e.settings.grid_setpoint, e.inputs(), observation, e.memory).value(),
              (40.0 - 500.0 - 20.0) / 0.8 + 7.0 - 150.0, 1e-9);
}

/// An inverter at rest at `u` W and a grid meter that shows `error` W more than
/// it should, every 200 ms.
struct Steady : Estimate {
  double u;
  double error;
  Instant moved{};  ///< when the house first stood still

  Steady(double watts, double off) : u(watts), error(off) {
    settings.meter_delay = settings.inverter_delay = settings.ack_delay = 0ms;
    settings.meter_time_constant = 200ms;
    memory.loop.meter_time_constant = Seconds{0.25};
    memory.loop.meter_delay = Seconds{0.1};
    settings.grid_setpoint = 30.0_W;
  }
  void reading() {
    now += 200ms;
    acknowledge(u);
    measure(u);
    read_grid(30.0 + error);
    tick();
  }
  /// The trim after the house has stood still for long, and the next reading's
  /// share.
  double step() {
    for (int i = 0; i < 60; ++i) reading();
    memory.loop.trim = {};
    reading();
    return memory.loop.trim.value();
  }
};

TEST(Trim, TakesThreeTenthsOfTheErrorASecond) {
  EXPECT_NEAR(Steady(-500, 20).step(), -0.3 * 20 * 0.2, 1e-9);
  EXPECT_NEAR(Steady(-500, -20).step(), 0.3 * 20 * 0.2, 1e-9);
}

TEST(Trim, IsForErrorsUpTo30WOr15PercentAndNeverLarger) {
  const struct {
    double u;
    double error;
    bool trimmed;
  } rows[] = {{-100, 30, true},    {-100, 30.1, false}, {100, -30, true}, {-1000, 150, true},
              {-1000, 151, false}, {1000, -150, true},  {0, 30, true},    {0, 31, false}};
  for (const auto& row : rows) {
    Steady steady{row.u, row.error};
    EXPECT_EQ(steady.step() != 0.0, row.trimmed) << row.u << " W, " << row.error << " W off";
    for (const double way : {-1.0, 1.0}) {
      if (!row.trimmed) continue;
      steady.memory.loop.trim = Watts{way * 500};
      steady.reading();
      EXPECT_NEAR(steady.memory.loop.trim.value(), way * std::max(30.0, 0.15 * std::abs(row.u)),
                  1e-9);
    }
  }
}

TEST(Trim, WaitsUntilTheLastMoveIsOverAndNothingLimits) {
  // 0.5 s + 4 x 0.25 s + 0.1 s + 0.2 s after the last move.
  Steady steady{-500, 20};
  ASSERT_NE(steady.step(), 0.0);
  const auto quiet_after = [&](const auto& move) {
    move();
    const Instant moved = steady.now;
    steady.memory.loop.trim = {};
    while (steady.memory.loop.trim == Watts{}) steady.reading();
    return Seconds{steady.now - moved}.count();
  };
  // A load that changes by more than 10 W between two readings: seen once more
  // when it has come.
  EXPECT_NEAR(quiet_after([&] {
                steady.error = 9;
                steady.reading();
              }),
              1.8, 1e-9);
  const double small = quiet_after([&] {
    steady.error = 18.9;
    steady.reading();
  });
  EXPECT_NEAR(small, 0.2, 1e-9) << "9.9 W are no move";
  // A setpoint that differs from that of a second ago by more than 10 W is a
  // move for that second.
  steady.error = 20;
  for (int i = 0; i < 60; ++i) steady.reading();
  EXPECT_NEAR(quiet_after([&] {
                steady.u -= 10.5;
                steady.reading();
              }),
              2.6, 1e-9);
  EXPECT_NEAR(quiet_after([&] {
                steady.u += 9.9;
                steady.reading();
              }),
              0.2, 1e-9);
  steady.memory.limited = true;
  steady.memory.loop.trim = {};
  for (int i = 0; i < 50; ++i) steady.reading();
  EXPECT_EQ(steady.memory.loop.trim, Watts{});
}

// ---- what is shown
// ----------------------------------------------------------------------------------------

TEST(LoopQuality, MeansAreOverAboutAMinuteAndTenMeasurements) {
  Steady steady{0, 0};
  steady.reading();
  steady.memory.loop.grid_mean = 0;
  steady.error = 70;  // the meter shows 100 W
  for (int i = 0; i < 300; ++i) steady.reading();
  EXPECT_NEAR(loop_quality(steady.memory.loop).mean_grid->value(), 100 * (1 - std::exp(-1.0)), 0.1);
  steady.memory.loop.model_error = 80;
  steady.reading();
  EXPECT_NEAR(loop_quality(steady.memory.loop).model_error->value(), 72, 1e-9);
}

TEST(LoopQuality, AGapInTheReadingsOfTheGridTeachesNothing) {
  for (const auto& [gap, mean] : {std::pair{15, 100.0 * 3 / 63}, std::pair{16, 0.0}}) {
    Steady steady{0, 70};
    steady.reading();
    steady.memory.loop.grid_mean = 0;
    for (int i = 1; i < gap; ++i) {  // the inverter goes on
      steady.now += 200ms;
      steady.measure(0);
      steady.tick();
    }
    steady.reading();
    EXPECT_NEAR(steady.memory.loop.grid_mean, mean, 1e-9) << gap * 200 << " ms";
  }
}

TEST(LoopQuality, NothingIsToldThatIsNotKnown) {
  LoopModel loop;
  EXPECT_FALSE(loop_quality(loop).mean_grid);
  EXPECT_FALSE(loop_quality(loop).model_error);
  loop.known_at = loop.grid_at = Instant{1s};
  EXPECT_EQ(loop_quality(loop).mean_grid, Watts{});
  EXPECT_EQ(loop_quality(loop).model_error, Watts{});
  loop.inverter = InverterResponse{WattsPerSecond{700}, Seconds{0.2}, 0.9, Watts{}};
  EXPECT_FALSE(loop_quality(loop).inverter_gain);
  EXPECT_FALSE(loop_quality(loop).inverter_ramp);
  EXPECT_FALSE(loop_quality(loop).meter_delay);
  loop.gain_known = true;
  EXPECT_EQ(loop_quality(loop).inverter_gain, 0.9);
  EXPECT_FALSE(loop_quality(loop).inverter_time_constant);
  loop.gain_known = false;
  loop.pace_known = true;
  EXPECT_FALSE(loop_quality(loop).inverter_gain);
  EXPECT_EQ(loop_quality(loop).inverter_ramp, WattsPerSecond{700});
  EXPECT_EQ(loop_quality(loop).inverter_time_constant, Seconds{0.2});
  loop.meter_time_constant = Seconds{0.3};
  loop.meter_delay = Seconds{0.1};
  EXPECT_EQ(loop_quality(loop).meter_time_constant, Seconds{0.3});
  EXPECT_EQ(loop_quality(loop).meter_delay, Seconds{0.1});
}

// ---- the model's steps
// ------------------------------------------------------------------------------------

TEST(ModelSteps, TheInverterGoesItsWayNeverFasterThanItsRamp) {
  InverterSteps steps{{WattsPerSecond{500}, Seconds{0.1}, 0.9, Watts{10}}};
  // p + (G u + o - p) h / (lambda + h), at most 500 W/s
  EXPECT_NEAR(steps.next(Watts{0}, Watts{20}, 10ms).value(), 28 * 0.01 / 0.11, 1e-12);
  EXPECT_NEAR(steps.next(Watts{0}, Watts{1000}, 10ms).value(), 5, 1e-12);
  EXPECT_NEAR(steps.next(Watts{0}, Watts{-1000}, 10ms).value(), -5, 1e-12);
  EXPECT_NEAR(steps.next(Watts{0}, Watts{-1000}, 4ms).value(), -2, 1e-12);
  EXPECT_NEAR(steps.next(Watts{0}, Watts{20}, 4ms).value(), 28 * 0.004 / 0.104, 1e-12);
}

TEST(ModelSteps, EveryMeterFiltersWithItsOwnTimeConstant) {
  MeterSteps<2> meters{{Seconds{0.0}, Seconds{0.09}}};
  std::array<Watts, 2> shown{Watts{100}, Watts{100}};
  meters.advance(shown, Watts{200}, 10ms);
  EXPECT_NEAR(shown[0].value(), 200, 1e-12);
  EXPECT_NEAR(shown[1].value(), 110, 1e-12);
  const auto all = all_meters(Seconds{0.7});
  EXPECT_EQ(all.front(), Seconds{0.0});
  EXPECT_EQ(all[4], Seconds{0.217});
  EXPECT_EQ(all.back(), Seconds{0.7});
}

}  // namespace
}  // namespace esshub::control
