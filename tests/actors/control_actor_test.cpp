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

enum class Mood { normal, slow, broken };
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
    ControlDeps deps{.settings = {},
                     .sources = {},
                     .step = {},
                     .zone = config::load_time_zone("Europe/London").value(),
                     .events = {}};
    deps.settings.period = 5ms;
    deps.sources = {{"inverter", queue_}};
    deps.step = &fake_step;
    deps.realtime = false;
    deps.events = log_.sink();
    self_->monitor(control_ = spawn_control(system_, deps, self_));
    caf::anon_send(control_, InverterBusStarted{self_});
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
  View view() {
    caf::anon_send(control_, NextView{self_});
    return *next<ViewPtr>().value();
  }

  EventLog log_;
  std::shared_ptr<SampleQueue> queue_ = std::make_shared<SampleQueue>();
  TestConfig config_{false};
  caf::actor_system system_{config_};
  caf::scoped_actor self_{system_};
  caf::actor control_;
  bool ended_ = false;
};

TEST_F(ControlActorTest, EveryPeriodIsTickedOrCountedAsMissed) {
  const auto first = view();
  mood = Mood::slow;  // a few to be missed for certain
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(next<Setpoint>());
  // The periods a tick was late by are counted at the next one, so on a busy machine one View may
  // be behind; the count as such must not be.
  bool even = false;
  for (int i = 0; i < 50 && !even; ++i) {
    const auto last = view();
    const auto periods = (last.now - first.now + 2500us) / 5ms;
    const auto counted = static_cast<std::int64_t>(last.ticks.ticks + last.ticks.overruns) -
                         static_cast<std::int64_t>(first.ticks.ticks + first.ticks.overruns);
    even = std::abs(periods - counted) <= 1;
  }
  EXPECT_TRUE(even);
}

TEST_F(ControlActorTest, SendsASetpointEveryTickAndBeats) {
  EXPECT_TRUE(next<ControlHeartbeat>());
  const auto first = next<Setpoint>();
  const auto second = next<Setpoint>();
  ASSERT_TRUE(first && second);
  EXPECT_LT(first->valid_until, second->valid_until);
}

TEST_F(ControlActorTest, ALongTickSkipsItsPeriodsAndIsCounted) {
  EXPECT_TRUE(next<Setpoint>());
  const auto before = view().ticks.overruns;
  mood = Mood::slow;
  while (mood == Mood::slow) ASSERT_TRUE(next<Setpoint>());
  View after = view();
  EXPECT_GE(after.ticks.overruns, before + 4);
  EXPECT_TRUE(after.decision.reasons.has(Cause::control_overrun));
}

TEST_F(ControlActorTest, AViewIsSentOnlyWhenAskedFor) {
  view();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(next<Setpoint>());
  bool unasked = false;
  self_->receive([&](const ViewPtr&) { unasked = true; }, caf::after(0s) >> [] {});
  EXPECT_FALSE(unasked);
}

TEST_F(ControlActorTest, HearsOfBusesAndSettingsBetweenTicks) {
  BusReport report;
  report.health.bus = "inverter";
  report.health.restarts = 3;
  caf::anon_send(control_, report);
  auto settings = std::make_shared<control::Settings>();
  settings->period = 4ms;
  settings->bms_max_age = 7s;
  caf::anon_send(control_, SettingsPtr(settings));
  const auto v = view();
  ASSERT_EQ(v.buses.size(), 1u);
  EXPECT_EQ(v.buses[0].restarts, 3u);
  EXPECT_EQ(v.max_age, Duration(7s));
}

TEST_F(ControlActorTest, StopIsAcknowledgedByTheInverterAndThenItEnds) {
  const auto now = std::chrono::steady_clock::now;
  queue_->push({{Point::inverter, Measure::controllable}, 1, now()});
  ASSERT_TRUE(next<Setpoint>());
  caf::anon_send(control_, StopControl{self_});
  for (auto s = next<Setpoint>(); s && s->ac_power != Watts{}; s = next<Setpoint>()) {
  }
  queue_->push({{Point::inverter, Measure::setpoint}, 0.4, now()});
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
  ControlDeps deps{.settings = {},
                   .sources = {},
                   .step = {},
                   .zone = config::load_time_zone("Etc/UTC").value(),
                   .events = {}};
  deps.settings.period = 5ms;
  deps.step = &fake_step;
  deps.events = log_.sink();
  const auto eager = spawn_control(system_, deps, self_);
  caf::anon_send(eager, NextView{self_});
  EXPECT_TRUE(next<ViewPtr>());
  EXPECT_LE(log_.count("control realtime_denied"), 1u);
  self_->monitor(eager);
  caf::anon_send_exit(eager, caf::exit_reason::kill);
  EXPECT_TRUE(next<caf::down_msg>());
}

TEST_F(ControlActorTest, AnExceptionEndsItWithAnEvent) {
  mood = Mood::broken;
  wait_for_end();
  EXPECT_EQ(log_.count("control actor_died exception=\"bug\""), 1u);
}

}  // namespace
}  // namespace esshub::actors
