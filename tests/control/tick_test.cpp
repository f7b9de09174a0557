#include "control/tick.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <tuple>
#include <utility>

namespace esshub::control {
namespace {

/// Follows with a fixed command, rests when told to: battery 0, AC-in = AC-out.
Decision fake_step(const Inputs& inputs, Memory&) {
  Decision d;
  const auto ac_out = inputs.snapshot.raw(Point::ac_out, Measure::power);
  const Watts load{ac_out ? ac_out->value : 0.0};
  d.battery_power =
      inputs.stopping || inputs.overrun || inputs.components_failing ? Watts{} : Watts{500};
  d.setpoint = {d.battery_power + load, InverterMode::follow, inputs.now + 1s};
  if (inputs.stopping) d.reasons.add({Cause::shutting_down, {}});
  if (inputs.overrun) d.reasons.add({Cause::control_overrun, {}});
  if (inputs.components_failing) d.reasons.add({Cause::components_failing, {}});
  d.faults.set(Fault::clock_untrusted, !inputs.local.trusted, inputs.now);
  return d;
}

Decision releasing_step(const Inputs&, Memory&) {
  return {};
}

/// What one bus has measured, in the order it came.
struct Queue {
  std::deque<Sample> samples;
  void push(const Sample& sample) { samples.push_back(sample); }
  bool pop(Sample& sample) {
    if (samples.empty()) return false;
    sample = samples.front();
    samples.pop_front();
    return true;
  }
};

struct Rig {
  explicit Rig(const StepFunction& step = &fake_step) : control(settings(), 2, step) {}
  static Settings settings() {
    Settings settings;
    settings.period = 100ms;
    return settings;
  }

  std::array<Queue, 2> queues;
  Queue* meters = &queues[0];
  Queue* inverter = &queues[1];
  Tick control;
  Instant now{1000s};

  const Decision& tick(std::uint64_t missed = 0) {
    now += 100ms;
    return control.run(queues, {now, {720, 1, true}, 50us, missed});
  }
  void measure(Point point, Measure what, double value) const {
    inverter->push({{point, what}, value, now});
  }
};

TEST(Tick, WhatWasRememberedIsThereAtTheFirstDecision) {
  std::optional<SafetyMemory> seen;
  Rig rig{[&seen](const Inputs&, Memory& memory) {
    seen = memory.safety();
    return Decision{};
  }};
  const SafetyMemory remembered{
      .cutoff = true, .meter_reversed = true, .meter_rest_until = Instant{2000s}};
  rig.control.restore(remembered);
  rig.tick();
  EXPECT_EQ(seen, remembered);
}

TEST(Tick, ThePlanIsThereAtTheNextDecision) {
  std::optional<MarkTable> seen;
  Rig rig{[&seen](const Inputs& inputs, Memory&) {
    if (inputs.plan != nullptr) seen = *inputs.plan;
    return Decision{};
  }};
  MarkTable plan;
  plan.made = rig.now;
  plan.entries[plan.count++] = {rig.now, rig.now + 1h, {.buy = 60.0_soc, .buy_power = 1500.0_W}};
  rig.control.set_plan(plan);
  rig.tick();
  EXPECT_EQ(seen, plan);
}

TEST(Tick, AToldFaultStaysUntilEveryoneWhoRaisedItClearsIt) {
  Rig rig;
  rig.control.set_fault("state", Fault::storage_failed, true);
  rig.control.set_fault("history", Fault::storage_failed, true);
  rig.tick();
  const auto since = rig.now;
  rig.tick();
  EXPECT_EQ(rig.control.view({}).decision.faults.since(Fault::storage_failed), since);
  rig.control.set_fault("state", Fault::storage_failed, false);
  rig.tick();
  EXPECT_TRUE(rig.control.view({}).decision.faults.active(Fault::storage_failed));
  rig.control.set_fault("history", Fault::storage_failed, false);
  rig.tick();
  EXPECT_FALSE(rig.control.view({}).decision.faults.active(Fault::storage_failed));
}

TEST(Tick, DrainsEveryQueueIntoTheSnapshot) {
  Rig rig;
  rig.meters->push({{Point::grid, Measure::power}, 1, rig.now});
  rig.meters->push({{Point::grid, Measure::power}, 2, rig.now + 1ms});
  rig.measure(Point::ac_out, Measure::power, 70);
  EXPECT_EQ(rig.tick().setpoint.ac_power, Watts{570});
  EXPECT_EQ(rig.control.view({}).snapshot.raw(Point::grid, Measure::power)->value, 2);
}

TEST(Tick, AnImpossibleSampleNeverEntersTheSnapshotAndIsAFault) {
  Rig rig{&step};
  rig.meters->push({{Point::grid, Measure::power}, 500, rig.now});
  rig.tick();
  rig.meters->push({{Point::grid, Measure::power}, 1e9, rig.now});
  EXPECT_TRUE(rig.tick().faults.active(Fault::implausible_reading));
  EXPECT_EQ(rig.control.view({}).snapshot.raw(Point::grid, Measure::power)->value, 500);
}

TEST(Tick, AReadingIsCurrentNoLongerThanTheControlGoesByIt) {
  constexpr struct {
    Point point;
    Measure measure;
    Duration max_age;
  } rows[] = {{Point::grid, Measure::power, 1s},         {Point::grid, Measure::voltage, 2s},
              {Point::solar, Measure::power, 2s},        {circuit(0), Measure::power, 2s},
              {Point::battery, Measure::soc, 2500ms},    {battery_module(0), Measure::soc, 2500ms},
              {Point::inverter, Measure::power, 1500ms}, {Point::ac_out, Measure::power, 1500ms}};
  Settings settings = Rig::settings();
  settings.witness = true;
  settings.meter_max_age = 2s;
  settings.bms_max_age = 2500ms;
  settings.inverter_max_age = 1500ms;
  Rig rig;
  rig.control.set_settings(settings);
  for (const auto& row : rows) rig.measure(row.point, row.measure, 100);
  rig.inverter->push({{Point::grid, Measure::energy_forward}, 5000, rig.now, 15s});
  rig.tick();
  const auto view = rig.control.view({});
  for (const auto& row : rows)
    EXPECT_EQ(view.snapshot.raw(row.point, row.measure)->max_age, row.max_age)
        << name(row.point) << ' ' << name(row.measure);
  EXPECT_EQ(view.snapshot.raw(Point::grid, Measure::energy_forward)->max_age, 15s);
}

TEST(Tick, CountsTicksMissedPeriodsAndLateness) {
  Rig rig;
  rig.tick();
  rig.tick(2);
  const auto stats = rig.control.view({}).ticks;
  EXPECT_EQ(stats.ticks, 2u);
  EXPECT_EQ(stats.overruns, 2u);
  EXPECT_EQ(stats.lateness.buckets[0], 2u);
  EXPECT_DOUBLE_EQ(stats.lateness.sum_seconds, 0.0001);
}

TEST(Tick, AWaitAfterTheWakeUpShowsInHandoverAndDuration) {
  Rig rig;
  rig.tick();
  rig.control.record(60us, 200us);
  rig.tick();
  rig.control.record(30ms, 40ms);  // woke in time, then waited
  const auto stats = rig.control.view({}).ticks;
  EXPECT_EQ(stats.lateness.buckets[0], 2u);
  EXPECT_EQ(stats.handover.count(), 2u);
  EXPECT_DOUBLE_EQ(stats.handover.sum_seconds, 0.03006);
  EXPECT_EQ(stats.duration.count(), 2u);
  EXPECT_DOUBLE_EQ(stats.duration.sum_seconds, 0.0402);
}

TEST(Tick, ASetpointTellsTheNewestGridReadingBehindIt) {
  Rig rig{&step};
  EXPECT_EQ(rig.tick().setpoint.based_on, std::nullopt);
  rig.meters->push({{Point::grid, Measure::power}, 500, rig.now - 5ms});
  const Instant first = rig.now - 5ms;
  EXPECT_EQ(rig.tick().setpoint.based_on, first);
  rig.meters->push({{Point::grid, Measure::power}, 1e9, rig.now});
  EXPECT_EQ(rig.tick().setpoint.based_on, first) << "an implausible reading is behind nothing";
  rig.meters->push({{Point::grid, Measure::power}, 500, rig.now});
  const Instant second = rig.now;
  EXPECT_EQ(rig.tick().setpoint.based_on, second);
}

TEST(Tick, MissedPeriodsHoldTheSafeSetpointFor6Seconds) {
  Rig few;
  EXPECT_FALSE(few.tick(6).reasons.has(Cause::control_overrun)) << "6 of 60: 10 %";
  Rig rig;
  EXPECT_TRUE(rig.tick(7).reasons.has(Cause::control_overrun));
  for (int i = 0; i < 59; ++i) ASSERT_TRUE(rig.tick().reasons.has(Cause::control_overrun)) << i;
  EXPECT_FALSE(rig.tick().reasons.has(Cause::control_overrun));
}

TEST(Tick, TheTickThatComesTooLateIsSafeItself) {
  for (const auto& [later, safe] : {std::pair{200ms, false}, {201ms, true}}) {
    Rig rig;
    rig.tick();
    rig.now += later;  // and 100 ms
    EXPECT_EQ(rig.tick().battery_power == Watts{}, safe) << later / 1ms;
  }
}

TEST(Tick, AStallIsToldToTheStep) {
  static Duration stall;
  Rig rig{[](const Inputs& inputs, Memory&) {
    stall = inputs.stall;
    return Decision{};
  }};
  rig.tick();
  EXPECT_EQ(stall, Duration{});
  rig.now += 5s;
  rig.tick();
  EXPECT_EQ(stall, Duration{5100ms});
}

TEST(Tick, DriverFaultsJoinTheDecisionsAndRemoveNone) {
  Rig rig;
  rig.control.set_bus_faults(0, {Fault::grid_meter_frozen, Fault::bus_contended});
  rig.now += 100ms;
  rig.control.run(rig.queues, {rig.now, {720, 1, false}});
  const auto since = rig.control.view({}).decision.faults.since(Fault::bus_contended);
  EXPECT_EQ(since, rig.now);
  EXPECT_EQ(rig.control.view({}).decision.faults.since(Fault::grid_meter_frozen), rig.now);
  EXPECT_TRUE(rig.control.view({}).decision.faults.active(Fault::clock_untrusted));
  rig.tick();
  EXPECT_EQ(rig.control.view({}).decision.faults.since(Fault::bus_contended), since);
  rig.control.set_bus_faults(0, {});
  rig.tick();
  EXPECT_FALSE(rig.control.view({}).decision.faults.active(Fault::bus_contended));
}

TEST(Tick, AStuckPartIsAFaultAndFailingPartsHoldTheSafeSetpoint) {
  Rig rig;
  rig.control.set_components(true, false, rig.now);
  EXPECT_EQ(rig.tick().battery_power, Watts{500});
  EXPECT_TRUE(rig.control.view({}).decision.faults.active(Fault::actor_stuck));
  rig.control.set_components(false, true, rig.now);
  const auto& held = rig.tick();
  EXPECT_EQ(held.battery_power, Watts{});
  EXPECT_TRUE(held.reasons.has(Cause::components_failing));
  EXPECT_TRUE(rig.control.view({}).decision.faults.active(Fault::actor_stuck));
  rig.control.set_components(false, false, rig.now);
  EXPECT_EQ(rig.tick().battery_power, Watts{500});
  EXPECT_FALSE(rig.control.view({}).decision.faults.active(Fault::actor_stuck));
}

TEST(Tick, NewSettingsHoldFromTheNextTick) {
  Rig rig;
  Settings settings;
  settings.period = 200ms;
  settings.bms_max_age = 9s;
  rig.control.set_settings(settings);
  rig.tick();
  EXPECT_EQ(rig.control.settings().period, Duration(200ms));
  EXPECT_EQ(rig.control.view({}).max_age, Duration(9s));
}

TEST(Tick, TheSameReadingsGiveTheSameDecisions) {
  Rig one{&step};
  Rig other{&step};
  for (int i = 0; i < 300; ++i) {
    for (Rig* rig : {&one, &other}) {
      const double wave = 400.0 + 37.0 * (i % 11);
      rig->measure(Point::inverter, Measure::power, -wave);
      rig->measure(Point::inverter, Measure::controllable, 1);
      rig->measure(Point::ac_out, Measure::power, 20);
      if (i % 3 == 0) rig->meters->push({{Point::grid, Measure::power}, wave, rig->now});
      rig->tick();
    }
    const auto a = one.control.view({}).decision;
    const auto b = other.control.view({}).decision;
    ASSERT_EQ(a.setpoint.ac_power, b.setpoint.ac_power) << i;
    ASSERT_EQ(a.battery_power, b.battery_power) << i;
    ASSERT_EQ(a.house, b.house) << i;
  }
}

class Stop : public testing::Test {
 protected:
  void begin() {
    rig.measure(Point::inverter, Measure::controllable, 1);
    rig.measure(Point::ac_out, Measure::power, 200);
    rig.tick();
    rig.control.begin_stop(rig.now);
  }
  void acknowledge(double watts) { rig.measure(Point::inverter, Measure::setpoint, watts); }
  Rig rig;
};

TEST_F(Stop, EndsWhenTheRestingSetpointIsAcknowledged) {
  begin();
  EXPECT_EQ(rig.tick().setpoint.ac_power, Watts{200});
  EXPECT_FALSE(rig.control.stopped());
  acknowledge(200.9);
  rig.tick();
  EXPECT_EQ(rig.control.stopped(), true);
}

TEST_F(Stop, AnAcknowledgementFromBeforeTheStopDoesNotCount) {
  rig.measure(Point::inverter, Measure::controllable, 1);
  rig.measure(Point::ac_out, Measure::power, 200);
  acknowledge(200);
  rig.tick();
  rig.control.begin_stop(rig.now);
  rig.tick();
  rig.tick();
  EXPECT_FALSE(rig.control.stopped());
}

TEST_F(Stop, AnAcknowledgementOfAnotherValueDoesNotCount) {
  begin();
  rig.tick();
  acknowledge(700);
  rig.tick();
  EXPECT_FALSE(rig.control.stopped());
}

TEST_F(Stop, TheAcknowledgementMayLagBehindAMovingLoad) {
  begin();
  rig.tick();
  rig.measure(Point::ac_out, Measure::power, 340);
  acknowledge(200);
  EXPECT_EQ(rig.tick().setpoint.ac_power, Watts{340});
  EXPECT_EQ(rig.control.stopped(), true);
}

TEST_F(Stop, GivesUpAfterTwoSeconds) {
  begin();
  for (int i = 0; i < 19; ++i) rig.tick();
  EXPECT_FALSE(rig.control.stopped());
  rig.tick();
  EXPECT_EQ(rig.control.stopped(), false);
}

TEST_F(Stop, NeedsNoAcknowledgementWhereNoInverterIsControllable) {
  rig.tick();
  rig.control.begin_stop(rig.now);
  rig.tick();
  EXPECT_EQ(rig.control.stopped(), true);
}

TEST_F(Stop, NeedsNoAcknowledgementWhereNoSetpointIsWritten) {
  Rig quiet(&releasing_step);
  quiet.measure(Point::inverter, Measure::controllable, 1);
  quiet.tick();
  quiet.control.begin_stop(quiet.now);
  quiet.tick();
  EXPECT_EQ(quiet.control.stopped(), true);
}

TEST(Stopping, AnAcknowledgementIsNearEnoughUpToOneWatt) {
  for (const auto& [watts, enough] : {std::pair{201.0, true}, {201.1, false}, {199.0, true}}) {
    Rig rig;
    rig.measure(Point::inverter, Measure::controllable, 1);
    rig.measure(Point::ac_out, Measure::power, 200);
    rig.tick();
    rig.control.begin_stop(rig.now);
    rig.tick();
    rig.measure(Point::inverter, Measure::setpoint, watts);
    rig.tick();
    EXPECT_EQ(rig.control.stopped().has_value(), enough) << watts;
  }
}

/// A setpoint that has not let the battery rest proves nothing.
TEST(Stopping, OnlyARestingSetpointOfTheStopCounts) {
  static double battery_w;
  for (const auto& [watts, counts] : {std::pair{1.0, true}, {1.1, false}, {-1.1, false}}) {
    battery_w = watts;
    Rig rig{[](const Inputs& inputs, Memory&) {
      Decision d;
      d.battery_power = Watts{battery_w};
      d.setpoint = {Watts{300}, InverterMode::follow, inputs.now + 1s};
      return d;
    }};
    rig.measure(Point::inverter, Measure::controllable, 1);
    rig.tick();
    rig.control.begin_stop(rig.now);
    rig.tick();
    rig.measure(Point::inverter, Measure::setpoint, 300);
    rig.tick();
    EXPECT_EQ(rig.control.stopped().has_value(), counts) << watts;
  }
}

TEST(Stopping, AnInverterThatWasOnlyJustFollowingMustAcknowledge) {
  static InverterMode mode;
  mode = InverterMode::follow;
  const StepFunction step_of_mode = [](const Inputs& inputs, Memory&) {
    Decision d;
    d.setpoint = {Watts{300}, mode, inputs.now + 1s};
    return d;
  };
  for (const auto& [before, after, waits] :
       {std::tuple{InverterMode::follow, InverterMode::release, true},
        std::tuple{InverterMode::release, InverterMode::follow, true},
        std::tuple{InverterMode::release, InverterMode::release, false},
        std::tuple{InverterMode::off, InverterMode::off, false}}) {
    Rig rig{step_of_mode};
    rig.measure(Point::inverter, Measure::controllable, 1);
    mode = before;
    rig.tick();
    rig.control.begin_stop(rig.now);
    mode = after;
    rig.tick();
    EXPECT_EQ(!rig.control.stopped(), waits);
    if (mode == InverterMode::follow || !waits) continue;
    rig.measure(Point::inverter, Measure::setpoint, 300);
    rig.tick();
    EXPECT_FALSE(rig.control.stopped()) << "a setpoint that was not written proves nothing";
  }
}

TEST_F(Stop, AnInverterOfTheMaximumAgeMustAcknowledgeAnOlderOneNot) {
  for (const auto& [age, waits] : {std::pair{2000ms, true}, {2001ms, false}}) {
    Rig other;
    Settings settings;
    settings.inverter_max_age = 2s;
    other.control.set_settings(settings);
    other.measure(Point::inverter, Measure::controllable, 1);
    other.now += age - 100ms;
    other.control.begin_stop(other.now);
    other.tick();
    EXPECT_EQ(!other.control.stopped(), waits) << age / 1ms << " ms";
  }
}

TEST_F(Stop, AnInverterThatIsLostInTheMiddleStillHasToAcknowledge) {
  Settings settings;
  settings.inverter_max_age = 1s;
  rig.control.set_settings(settings);
  begin();
  for (int i = 0; i < 15; ++i) rig.tick();
  EXPECT_FALSE(rig.control.stopped());
}

TEST_F(Stop, AnInverterThatIsLostWithASetpointItMayStillHoldIsNoCleanEnd) {
  for (const auto& [ago, waits] : {std::pair{59'900ms, true}, {60'000ms, false}}) {
    Rig other;
    other.measure(Point::inverter, Measure::controllable, 1);
    other.measure(Point::inverter, Measure::setpoint, 500);
    other.now += ago - 100ms;  // long lost
    other.control.begin_stop(other.now);
    other.tick();
    EXPECT_EQ(!other.control.stopped(), waits) << ago / 1ms << " ms";
    for (int i = 0; i < 20; ++i) other.tick();
    EXPECT_EQ(other.control.stopped(), !waits);
  }
}

TEST_F(Stop, ASecondRequestDoesNotBeginItAnew) {
  begin();
  for (int i = 0; i < 10; ++i) rig.tick();
  rig.control.begin_stop(rig.now);
  for (int i = 0; i < 10; ++i) rig.tick();
  EXPECT_EQ(rig.control.stopped(), false);
}

TEST_F(Stop, OnceAcknowledgedItStaysSo) {
  begin();
  rig.tick();
  acknowledge(200);
  for (int i = 0; i < 30; ++i) rig.tick();
  EXPECT_EQ(rig.control.stopped(), true);
}

TEST_F(Stop, AnAcknowledgementOfTheMomentOfTheStopIsTooOld) {
  begin();
  acknowledge(200);  // stamped as the stop itself
  rig.tick();
  rig.tick();
  EXPECT_FALSE(rig.control.stopped());
}

/// The load moves with every decision; 256 of them are remembered, 2 s of the shortest period.
TEST_F(Stop, OfALoadThatKeepsMovingTheNewestSetpointsCount) {
  for (const auto& [back, counts] : {std::pair{0, true}, {255, true}, {256, false}}) {
    Rig moving;
    moving.measure(Point::inverter, Measure::controllable, 1);
    moving.tick();
    moving.control.begin_stop(moving.now);
    const auto decide = [&](int n) {
      moving.now += 5ms;
      moving.measure(Point::ac_out, Measure::power, 100.0 + 5.0 * n);
      moving.control.run(moving.queues, {moving.now, {720, 1, true}});
    };
    for (int n = 0; n < 300; ++n) decide(n);
    moving.measure(Point::inverter, Measure::setpoint, 100.0 + 5.0 * (300 - back));
    decide(300);
    EXPECT_EQ(moving.control.stopped().has_value(), counts) << back;
  }
}

TEST(Tick, WhatIsToldReachesTheDecision) {
  static Mode mode;
  Rig rig{[](const Inputs& inputs, Memory&) {
    mode = inputs.orders.mode.value_or(Mode::balance);
    Decision d;
    d.faults.set(Fault::grid_meter_lost, inputs.grid_frozen, inputs.now);
    d.faults.set(Fault::control_overrun, inputs.overrun, inputs.now);
    d.faults.set(Fault::clock_untrusted, inputs.stopping, inputs.now);
    d.faults.set(Fault::implausible_reading, inputs.implausible, inputs.now);
    d.faults.set(Fault::islanded, inputs.components_failing, inputs.now);
    return d;
  }};
  EXPECT_FALSE(rig.tick().faults.any());
  EXPECT_EQ(mode, Mode::balance);
  Orders orders;
  orders.mode = Mode::scheduled;
  rig.control.set_orders(orders);
  rig.control.set_bus_faults(1, {Fault::grid_meter_frozen});
  FaultSet expected;
  expected.set(Fault::grid_meter_lost, true, rig.now + 100ms);
  EXPECT_EQ(rig.tick().faults, expected);
  EXPECT_EQ(mode, Mode::scheduled);
  EXPECT_EQ(rig.control.decision().at, rig.now);
  rig.control.set_bus_faults(2, {Fault::bus_contended});
  rig.tick();
  EXPECT_FALSE(rig.control.faults().active(Fault::bus_contended)) << "of an unknown bus: ignored";
}

TEST(Tick, TheViewHasWhatItIsMadeOf) {
  Rig rig;
  Settings settings;
  settings.circuit_roles[0] = CircuitRole::ev;
  settings.export_cap = Watts{3680};
  for (const auto& [meter, bms, inverter] : {std::tuple{3s, 2s, 1s}, {2s, 3s, 1s}, {1s, 2s, 3s}}) {
    settings.meter_max_age = meter;
    settings.bms_max_age = bms;
    settings.inverter_max_age = inverter;
    rig.control.set_settings(settings);
    EXPECT_EQ(rig.control.view({}).max_age, Duration{3s});
  }
  rig.tick();
  const WallTime wall{12345s};
  const View view = rig.control.view(wall);
  EXPECT_EQ(view.now, rig.now);
  EXPECT_EQ(view.wall, wall);
  EXPECT_EQ(view.local.minute_of_day, 720);
  EXPECT_EQ(view.decision.battery_power, Watts{500});
  EXPECT_EQ(view.circuit_roles[0], CircuitRole::ev);
  EXPECT_EQ(view.export_cap, Watts{3680});
}

TEST(Tick, AFaultThatNobodyRaisesAnyMoreKeepsNoTime) {
  Rig rig;
  rig.control.set_fault("a", Fault::storage_failed, true);
  rig.control.set_fault("a", Fault::storage_failed, true);
  rig.tick();
  rig.control.set_fault("a", Fault::storage_failed, false);
  rig.tick();
  EXPECT_FALSE(rig.control.faults().active(Fault::storage_failed)) << "raised twice by one";
}

TEST(Tick, AStuckPartKeepsItsTimeWhateverOthersRaise) {
  Rig rig;
  rig.control.set_components(true, false, rig.now);
  const Instant since = rig.now;
  for (int i = 0; i < 3; ++i) {
    rig.tick();
    rig.control.set_components(true, false, rig.now);
  }
  EXPECT_EQ(rig.control.faults().since(Fault::actor_stuck), since);
}

/// A flooded bus cannot hold the tick, and what is left comes with the next.
TEST(Tick, TakesAtMost5000SamplesOfABusAtOnce) {
  Rig rig;
  for (int i = 0; i < 5001; ++i)
    rig.meters->push({{Point::solar, Measure::power}, static_cast<double>(i), rig.now});
  rig.measure(Point::ac_out, Measure::power, 70);
  EXPECT_EQ(rig.tick().setpoint.ac_power, Watts{570}) << "the other bus is not behind it";
  EXPECT_EQ(rig.control.snapshot().raw(Point::solar, Measure::power)->value, 4999);
  rig.tick();
  EXPECT_EQ(rig.control.snapshot().raw(Point::solar, Measure::power)->value, 5000);
}

TEST(Tick, OnTimeNothingIsMissed) {
  Rig rig;
  rig.control.run(rig.queues, {rig.now, {720, 1, true}});
  EXPECT_EQ(rig.control.stats().overruns, 0u);
}

TEST(Tick, WithTheRealStepFailingPartsAreNamed) {
  Rig rig(&step);
  rig.control.set_components(false, true, rig.now);
  EXPECT_TRUE(rig.tick().reasons.has(Cause::components_failing));
}

/// Nothing that was never acknowledged is held, however lately the machine has started.
TEST(Stopping, NoSetpointWasHeardOfInTheFirstMinuteOfTheMachine) {
  Rig rig;
  rig.now = Instant{10s};
  rig.control.begin_stop(rig.now);
  rig.tick();
  EXPECT_EQ(rig.control.stopped(), true);
}

}  // namespace
}  // namespace esshub::control
