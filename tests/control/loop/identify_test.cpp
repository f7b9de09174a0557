#include "control/loop/identify.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <random>

#include "control/loop/load_estimate.hpp"

namespace esshub::control {
namespace {

/// Inverter and meter as they truly are, and what the model is told of them.
struct Plant {
  InverterResponse truth{WattsPerSecond{1000}, Seconds{0.1}, 1.0, {}};
  Seconds meter_time_constant{0.217};
  Duration meter_delay{};  ///< beyond that of the settings
  Settings settings;
  LoopModel loop;
  Instant now{1000s};
  Watts power{};
  std::array<Watts, 1> shown{};                   ///< of the inverter, by the meter
  std::deque<LoopModel::GridReading> on_the_way;  ///< not later than the delay
  Watts load{500.0};
  Metered metered{};
  MeteredPast past;

  Plant() {
    loop.known_at = now;
    tell(Watts{});
  }
  void tell(Watts setpoint) {
    loop.commands[loop.command_count++ % LoopModel::depth] = {now, setpoint};
  }
  void pass(Duration time) {
    InverterSteps inverter{truth};
    MeterSteps<1> meter{{meter_time_constant}};
    MeterSteps meters{all_meters(meter_time_constant_of(settings, loop))};
    walk(loop, now, now + time, [&](std::optional<Watts> setpoint, Duration dt) {
      now += dt;
      power = inverter.next(power, *setpoint, dt);
      meter.advance(shown, power, dt);
      meters.advance(metered, power, dt);
      past.note(now, metered);
    });
  }
  /// The inverter measures itself, wrong by `noise`.
  void measure(Watts noise = {}) {
    const Watts measured = power + noise;
    identify_response(settings, loop, measured, now);
    loop.known_move = measured - loop.known;
    loop.known = measured;
    loop.known_at = now;
  }
  void read_meter(Watts noise = {}) {
    on_the_way.push_back({now, load + shown.front() + noise});
    while (on_the_way[0].taken + meter_delay < now) on_the_way.pop_front();
    identify_meter(settings, loop, {now, on_the_way[0].power}, past.by_all(now, metered), true);
  }
  /// Moves up and down, watched as in the house.
  void move(int times, Watts low, Watts high) {
    for (int n = 0; n < times; ++n) {
      tell(n % 2 == 0 ? high : low);
      for (int i = 0; i < 150; ++i) {
        pass(100ms);
        read_meter();
        if (i % 2 == 0) measure();
      }
    }
  }
};

/// Setpoints of 100, 200, ... W that act from these milliseconds on, in the order they were heard.
LoopModel heard(std::initializer_list<int> milliseconds) {
  LoopModel loop;
  for (const int from : milliseconds) {
    const Watts power{100.0 * static_cast<double>(loop.command_count + 1)};
    loop.commands[loop.command_count++ % LoopModel::depth] = {Instant{from * 1ms}, power};
  }
  return loop;
}

TEST(CommandInForce, HoldsUntilTheNextOneActs) {
  const LoopModel loop = heard({1000, 1500, 2000});
  const InForce second = command_in_force(loop, Instant{1500ms});
  EXPECT_EQ(second.setpoint, 200.0_W);
  EXPECT_EQ(second.until, Instant{2000ms});
  EXPECT_EQ(command_in_force(loop, Instant{2000ms}).until, Instant::max());
  const InForce none = command_in_force(loop, Instant{999ms});
  EXPECT_FALSE(none.setpoint);
  EXPECT_EQ(none.until, Instant{1000ms});
}

TEST(CommandInForce, TheLastHeardWinsEvenIfItActsBeforeAnEarlierOne) {
  const LoopModel loop = heard({1000, 2000, 1500});
  EXPECT_EQ(command_in_force(loop, Instant{2500ms}).setpoint, 300.0_W);
  const InForce first = command_in_force(loop, Instant{1200ms});
  EXPECT_EQ(first.setpoint, 100.0_W);
  EXPECT_EQ(first.until, Instant{1500ms});
}

TEST(Walk, EveryStepHasTheSetpointThatActsAtItsBegin) {
  const LoopModel loop = heard({1000, 1013, 1040});
  const Instant from{992ms};
  const Instant to{1055ms};
  Instant at = from;
  walk(loop, from, to, [&](std::optional<Watts> setpoint, Duration dt) {
    EXPECT_EQ(setpoint, command_at(loop, at));
    EXPECT_EQ(dt, std::min<Duration>(model_step, to - at));
    at += dt;
  });
  EXPECT_EQ(at, to);
}

TEST(IdentifyResponse, FindsRampGainAndOffsetOfAKnownPlant) {
  for (const double ramp : {200.0, 700.0, 2500.0}) {
    Plant plant;
    plant.truth = {WattsPerSecond{ramp}, Seconds{0.1}, 0.93, Watts{5}};
    plant.move(21, -200.0_W, -2000.0_W);
    const auto found = response_of(plant.settings, plant.loop);
    EXPECT_NEAR(found.ramp.value() / ramp, 1.0, 0.3) << ramp;
    EXPECT_NEAR(found.gain, 0.93, 0.04) << ramp;
    // Gain and offset are told apart slowly; together they are right where it last was at rest.
    EXPECT_NEAR(found.settled(-2000.0_W).value(), plant.truth.settled(-2000.0_W).value(), 10.0);
  }
}

TEST(IdentifyResponse, DoesNotMoveOnNoiseAtRest) {
  Plant plant;
  plant.tell(-1000.0_W);
  plant.pass(5s);
  plant.measure();
  std::mt19937 random{1};
  const auto before = response_of(plant.settings, plant.loop);
  for (int i = 0; i < 1000; ++i) {
    plant.pass(200ms);
    plant.measure(Watts{static_cast<double>(random() % 9) - 4.0});
    const auto found = response_of(plant.settings, plant.loop);
    ASSERT_EQ(found.ramp, before.ramp);
    ASSERT_EQ(found.time_constant, before.time_constant);
    ASSERT_NEAR(found.settled(-1000.0_W).value(), -1000.0, 5.0);
  }
}

TEST(IdentifyResponse, StaysWithinItsCandidatesWhateverIsMeasured) {
  std::mt19937 random{2};
  const auto draw = [&](double span) {
    return Watts{span * (static_cast<double>(random() % 2001) / 1000.0 - 1.0)};
  };
  Plant plant;
  for (int i = 0; i < 5000; ++i) {
    if (i % 7 == 0) plant.tell(draw(4000.0));
    plant.pass(model_step * (1 + random() % 50));
    plant.measure(draw(i % 3 == 0 ? 20.0 : 4000.0));
    plant.load = draw(4000.0);
    plant.read_meter();
    const auto found = response_of(plant.settings, plant.loop);
    ASSERT_GE(found.ramp, WattsPerSecond{inverter_ramps.front()});
    ASSERT_LE(found.ramp, WattsPerSecond{inverter_ramps.back()});
    ASSERT_GE(found.time_constant.count(), inverter_time_constants.front());
    ASSERT_LE(found.time_constant.count(), inverter_time_constants.back());
    ASSERT_NEAR(found.gain, 1.0, 0.3);
    const double time_constant = meter_time_constant_of(plant.settings, plant.loop).count();
    ASSERT_GE(time_constant, meter_time_constants.front());
    ASSERT_LE(time_constant, meter_time_constants.back());
    ASSERT_GE(plant.loop.meter_delay.count(), meter_delays.front());
    ASSERT_LE(plant.loop.meter_delay.count(), meter_delays.back());
  }
}

TEST(IdentifyMeter, FindsTheLagFromTheInvertersOwnMoves) {
  for (const double time_constant : {0.1, 0.5, 1.0}) {
    Plant plant;
    plant.meter_time_constant = Seconds{time_constant};
    plant.move(20, -200.0_W, -2000.0_W);
    EXPECT_NEAR(meter_time_constant_of(plant.settings, plant.loop).count(), time_constant,
                0.1 + 0.15 * time_constant);
  }
}

TEST(IdentifyMeter, TellsADelayFromALag) {
  for (const auto delay : {200ms, 500ms})
    for (const double time_constant : {0.1, 0.5}) {
      Plant plant;
      plant.meter_time_constant = Seconds{time_constant};
      plant.meter_delay = delay;
      plant.move(20, -200.0_W, -2000.0_W);
      const Seconds found = meter_time_constant_of(plant.settings, plant.loop);
      EXPECT_NEAR(found.count(), time_constant, 0.15) << delay / 1ms << " ms";
      EXPECT_NEAR(plant.loop.meter_delay.count(), Seconds{delay}.count(), 0.15) << time_constant;
      EXPECT_NEAR((found + plant.loop.meter_delay).count(), time_constant + Seconds{delay}.count(),
                  0.08);
    }
}

TEST(IdentifyMeter, LearnsNothingFromARestlessHouse) {
  Plant plant;
  plant.tell(-1000.0_W);
  plant.pass(20s);
  std::mt19937 random{3};
  for (int i = 0; i < 1000; ++i) {
    plant.load = Watts{static_cast<double>(random() % 3000)};
    plant.pass(200ms);
    plant.read_meter();
  }
  EXPECT_FALSE(plant.loop.meter_time_constant);
}

TEST(Identify, WhatIsNotFoundOutYetIsNotShown) {
  Plant plant;
  EXPECT_FALSE(loop_quality(plant.loop).meter_time_constant);
  EXPECT_FALSE(loop_quality(plant.loop).inverter_ramp);
  EXPECT_FALSE(loop_quality(plant.loop).inverter_gain);
  plant.tell(-100.0_W);  // a small move shows neither gain nor ramp
  plant.pass(5s);
  for (int i = 0; i < 10; ++i) {
    plant.measure();
    plant.pass(200ms);
  }
  EXPECT_FALSE(loop_quality(plant.loop).inverter_ramp);
  EXPECT_FALSE(loop_quality(plant.loop).inverter_gain);
  plant.move(4, -200.0_W, -2000.0_W);
  const LoopQuality found = loop_quality(plant.loop);
  EXPECT_EQ(found.meter_time_constant, plant.loop.meter_time_constant);
  EXPECT_EQ(found.inverter_ramp, plant.loop.inverter->ramp);
  EXPECT_EQ(found.inverter_gain, plant.loop.inverter->gain);
}

TEST(Identify, TheSameReadingsTeachTheSameToTheLastBit) {
  Plant one;
  Plant other;
  for (Plant* plant : {&one, &other}) plant->move(6, 300.0_W, -1500.0_W);
  EXPECT_EQ(one.loop.inverter->ramp, other.loop.inverter->ramp);
  EXPECT_EQ(one.loop.inverter->gain, other.loop.inverter->gain);
  EXPECT_EQ(one.loop.meter_time_constant, other.loop.meter_time_constant);
  EXPECT_EQ(one.loop.meter_cost, other.loop.meter_cost);
  EXPECT_EQ(one.loop.response_cost, other.loop.response_cost);
}

}  // namespace
}  // namespace esshub::control
