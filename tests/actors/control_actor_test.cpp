#include "actors/control_actor.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <caf/after.hpp>
#include <caf/others.hpp>
#include <caf/scoped_actor.hpp>
#include <stdexcept>
#include <thread>

#include "config/time_zone.hpp"
#include "tests/actors/test_system.hpp"

namespace esshub::actors {
namespace {

enum class Mood { normal, slow, broken, broken_oddly };
std::atomic<Mood> mood{
    Mood::normal};  // a step is a plain function: the test's only way to reach it

/// Commands the tick's time, so that setpoints can be told apart.
Decision fake_step(const control::Inputs& inputs, control::Memory&) {
  switch (mood.load()) {
    case Mood::normal:
      break;
    case Mood::slow:
      mood = Mood::normal;
      std::this_thread::sleep_for(5 * inputs.settings.period);
      break;
    case Mood::broken:
      throw std::runtime_error("bug");
    case Mood::broken_oddly:
      throw 1;
  }
  Decision d;
  d.battery_power = inputs.stopping ? Watts{} : Watts{500};
  d.setpoint = {d.battery_power, InverterMode::follow, inputs.now};
  if (inputs.overrun) d.reasons.add({Cause::control_overrun, {}});
  return d;
}

class ControlActorTest : public testing::Test {
 protected:
  void SetUp() override {
    mood = Mood::normal;
    self_->monitor(control_ = spawn_control(system_, deps(false)));
  }
  [[nodiscard]] ControlDeps deps(bool realtime) {
    ControlDeps deps{.settings = {},
                     .buses = {bus_},
                     .inverter = bus_,
                     .channel = channel_,
                     .step = &fake_step,
                     .zone = config::load_time_zone("Europe/London").value(),
                     .realtime = realtime,
                     .events = log_.sink()};
    deps.settings.period = 10ms;
    return deps;
  }
  void TearDown() override {
    caf::anon_send_exit(control_, caf::exit_reason::kill);
    wait_for_end();
  }
  void wait_for_end() {
    if (std::exchange(ended_, true)) return;
    bool down = false;
    self_->receive_while([&] { return !down; })(
        [&](const caf::down_msg&) { down = true; },
        caf::others >> [](caf::message_view&) -> caf::result<caf::message> {
          return caf::sec::unexpected_message;
        });
  }
  /// The next message of a kind; others are skipped.
  template <class Message>
  std::optional<Message> next() {
    std::optional<Message> got;
    bool late = false;
    while (!got && !late)
      self_->receive([&](const Message& message) { got = message; },
                     caf::after(5s) >> [&] { late = true; });
    return got;
  }
  /// The next value of a slot.
  template <class Slot>
  auto newest(Slot& slot) {
    for (;;) {
      if (const auto* const value = slot.take()) return *value;
      std::this_thread::sleep_for(1ms);
    }
  }
  Setpoint next_setpoint() { return newest(bus_->setpoints); }
  View view() { return newest(channel_->views); }
  /// A View that came after what was done before.
  View fresh_view() {
    static_cast<void>(view());
    return view();
  }

  EventLog log_;
  std::shared_ptr<BusChannel> bus_ = std::make_shared<BusChannel>("inverter");
  std::shared_ptr<ControlChannel> channel_ = std::make_shared<ControlChannel>();
  TestConfig config_{false};
  caf::actor_system system_{config_};
  caf::scoped_actor self_{system_};
  caf::actor control_;
  bool ended_ = false;
};

TEST_F(ControlActorTest, EveryPeriodIsTickedOrCountedAsMissed) {
  const auto first = view();
  mood = Mood::slow;  // a few to be missed for certain
  for (int i = 0; i < 40; ++i) static_cast<void>(next_setpoint());
  const auto last = fresh_view();
  const auto periods = (last.now - first.now + 5ms) / 10ms;
  const auto counted = static_cast<std::int64_t>(last.ticks.ticks + last.ticks.overruns) -
                       static_cast<std::int64_t>(first.ticks.ticks + first.ticks.overruns);
  EXPECT_NEAR(static_cast<double>(periods), static_cast<double>(counted), 1.0);
}

TEST_F(ControlActorTest, HandsASetpointOverEveryTickAndBeats) {
  const auto beats = channel_->heartbeat.beats();
  const auto first = next_setpoint();
  const auto second = next_setpoint();
  EXPECT_LT(first.valid_until, second.valid_until);
  while (channel_->heartbeat.beats() < beats + 2) std::this_thread::sleep_for(1ms);
}

TEST_F(ControlActorTest, ALongTickSkipsItsPeriodsAndIsCountedAndMeasured) {
  static_cast<void>(next_setpoint());
  const auto before = view().ticks;
  mood = Mood::slow;
  while (mood == Mood::slow) static_cast<void>(next_setpoint());
  const auto after = fresh_view().ticks;
  EXPECT_GE(after.overruns, before.overruns + 4);
  // Five periods of 10 ms: the setpoint of that tick was handed over at least that late.
  EXPECT_GE(after.handover.sum_seconds, before.handover.sum_seconds + 0.05);
  EXPECT_GE(after.duration.sum_seconds, before.duration.sum_seconds + 0.05);
}

TEST_F(ControlActorTest, ViewsComeTenASecondAndWithoutBuses) {
  const auto first = view();
  const auto second = view();
  EXPECT_GE(second.now - first.now, 95ms);
  EXPECT_TRUE(first.buses.empty());
}

TEST_F(ControlActorTest, KnowsTheFaultsOfItsBusesAndItsSettings) {
  bus_->faults = FaultFlags{Fault::bus_contended};
  auto settings = std::make_shared<control::Settings>();
  settings->period = 10ms;
  settings->bms_max_age = 7s;
  caf::anon_send(control_, SettingsPtr(settings));
  const auto until = std::chrono::steady_clock::now() + 5s;
  View v = view();
  while (v.max_age != Duration(7s) && std::chrono::steady_clock::now() < until) v = view();
  EXPECT_EQ(v.max_age, Duration(7s));
  EXPECT_TRUE(v.decision.faults.active(Fault::bus_contended));
}

TEST_F(ControlActorTest, ASupervisorThatBeatsNoMoreIsAFaultUntilItDoes) {
  const auto stuck = [&] { return view().decision.faults.active(Fault::actor_stuck); };
  channel_->supervisor.beat();
  EXPECT_FALSE(stuck());
  const auto until = std::chrono::steady_clock::now() + 20s;
  bool told = stuck();
  while (!told && std::chrono::steady_clock::now() < until) told = stuck();
  EXPECT_TRUE(told);
  EXPECT_EQ(log_.count("control actor_stuck actor=supervisor"), 1u);
  channel_->supervisor.beat();
  while (told && std::chrono::steady_clock::now() < until) told = stuck();
  EXPECT_FALSE(told);
}

TEST_F(ControlActorTest, StopIsAcknowledgedByTheInverterAndThenItEnds) {
  const auto now = std::chrono::steady_clock::now;
  bus_->samples.push({{Point::inverter, Measure::controllable}, 1, now()});
  static_cast<void>(next_setpoint());
  caf::anon_send(control_, StopControl{self_});
  while (next_setpoint().ac_power != Watts{}) {
  }
  bus_->samples.push({{Point::inverter, Measure::setpoint}, 0.4, now()});
  const auto stopped = next<ControlStopped>();
  ASSERT_TRUE(stopped);
  EXPECT_TRUE(stopped->acknowledged);
  wait_for_end();
}

TEST_F(ControlActorTest, StopWithoutAnInverterEndsAtOnce) {
  caf::anon_send(control_, StopControl{self_});
  const auto stopped = next<ControlStopped>();
  ASSERT_TRUE(stopped);
  EXPECT_TRUE(stopped->acknowledged);
  wait_for_end();
}

TEST_F(ControlActorTest, RefusedRealTimeIsOneEventAndItTicksOn) {
  caf::anon_send_exit(control_, caf::exit_reason::kill);
  wait_for_end();
  self_->monitor(control_ = spawn_control(system_, deps(true)));
  ended_ = false;
  static_cast<void>(view());
  static_cast<void>(view());
  EXPECT_LE(log_.count("control realtime_denied"), 1u);
}

TEST_F(ControlActorTest, AnExceptionEndsItWithAnEvent) {
  mood = Mood::broken;
  wait_for_end();
  EXPECT_EQ(log_.count("control actor_died exception=\"bug\""), 1u);
}

TEST_F(ControlActorTest, WhateverItDiesOfItsSetpointIsWithdrawn) {
  for (const auto death : {Mood::broken, Mood::broken_oddly}) {
    static_cast<void>(next_setpoint());
    mood = death;
    wait_for_end();
    const auto* const last = bus_->setpoints.take();
    ASSERT_NE(last, nullptr);
    EXPECT_EQ(last->mode, InverterMode::release);
    EXPECT_EQ(last->valid_until, Instant{});
    mood = Mood::normal;
    self_->monitor(control_ = spawn_control(system_, deps(false)));
    ended_ = false;
  }
  EXPECT_EQ(log_.count("control actor_died exception=\"unknown\""), 1u);
}

}  // namespace
}  // namespace esshub::actors
