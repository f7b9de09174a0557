// F25: export above its cap by the battery's doing, what counts of it, and the lock-out.
#include "control/export_watch.hpp"

#include <gtest/gtest.h>

#include "tests/control/house.hpp"

namespace esshub::control {
namespace {

using namespace esshub::literals;

/// Ticks of 100 ms. An excess of 500 W has 1 s + 0.02 s + 0.2 s + 0.1 s + 0.5 s.
struct Watched {
  Watched() {
    settings.witness = true;
    settings.export_cap = 1000.0_W;
  }
  Settings settings;
  ExportWatch watch;
  Instant now{1000s};

  void run(Duration time, const ExportSeen& seen) {
    for (const Instant end = now + time; now < end; now += 100ms)
      watch_export(watch, seen, settings, now);
  }
  void well(Duration time) { run(time, {}); }
  void lost(Duration time) { run(time, {.measurement_lost = true}); }
  /// Excursions within the last 24 h.
  [[nodiscard]] int counted() const {
    return int{watch.excursions[0].has_value()} + int{watch.excursions[1].has_value()};
  }
};

constexpr ExportSeen excess(Watts watts, Watts rest) {
  return {.excess = watts, .rest = rest};
}

TEST(TimeBack, IsAgeTickWireAndTheWayAtTheRamp) {
  Settings s;
  s.witness = true;
  s.inverter_ramp = WattsPerSecond{400};
  EXPECT_EQ(time_back(s, 0.0_W), 1320ms);
  EXPECT_EQ(time_back(s, 1000.0_W), 3820ms);
  s.meter_max_age = 500ms;
  s.period = 100ms;
  s.inverter_time_constant = 300ms;
  EXPECT_EQ(time_back(s, 1000.0_W), 3600ms);
}

TEST(TimeBack, ToRestIsThatOfTheMeterThatIsFoundOutLast) {
  Settings s;
  s.witness = true;
  EXPECT_EQ(time_to_rest(s, 1000.0_W), 1500ms + 660ms + 320ms + 1s) << "frozen";
  EXPECT_NEAR(most_with_witness(s).value(), 2520.0, 1e-6);
  s.meter_time_constant = 250ms;
  EXPECT_EQ(time_to_rest(s, 1000.0_W), 1750ms + 500ms + 320ms + 1s) << "without its clamp";
  s.meter_time_constant = 1s;
  EXPECT_EQ(most_with_witness(s), 0.0_W);
}

TEST(ExportWatch, WithinTheTimeOfTheWayBackNothingCounts) {
  Watched w;
  w.run(1800ms, excess(500.0_W, Watts{-1500}));
  w.well(100ms);
  EXPECT_EQ(w.counted(), 0);
  w.run(1800ms, excess(500.0_W, Watts{-1500}));
  EXPECT_EQ(w.counted(), 0) << "its time begins anew";
  w.run(200ms, excess(500.0_W, Watts{-1500}));
  EXPECT_EQ(w.counted(), 1);
}

TEST(ExportWatch, AnExcessThatTheMeterMayBeOffByIsNone) {
  Watched w;
  w.run(10s, excess(50.0_W, Watts{-1050}));
  EXPECT_EQ(w.counted(), 0);
  w.run(10s, excess(50.1_W, Watts{-1050}));
  EXPECT_EQ(w.counted(), 1);
}

TEST(ExportWatch, NoWayBackHasMoreThanFiveSeconds) {
  Watched w;
  w.settings.inverter_ramp = WattsPerSecond{100};
  w.run(5s, excess(2000.0_W, Watts{-3000}));
  EXPECT_EQ(w.counted(), 0);
  w.run(200ms, excess(2000.0_W, Watts{-3000}));
  EXPECT_EQ(w.counted(), 1);
}

TEST(ExportWatch, ALoadThatGoesMeanwhileGetsItsOwnTimeABatteryThatStandsStillDoesNot) {
  Watched w;
  w.run(1500ms, excess(500.0_W, Watts{-1500}));
  w.run(1800ms, excess(500.0_W, Watts{-1551}));
  EXPECT_EQ(w.counted(), 0);
  w.run(1s, excess(500.0_W, Watts{-1600}));
  EXPECT_EQ(w.counted(), 1) << "50 W more are within what the estimate is off by";
  Watched back_and_forth;
  for (int i = 0; i < 20; ++i) {
    back_and_forth.run(500ms, excess(500.0_W, Watts{-1500}));
    back_and_forth.run(500ms, excess(500.0_W, Watts{-1800}));
  }
  EXPECT_EQ(back_and_forth.counted(), 1) << "only what is more than ever";
}

TEST(ExportWatch, AnExcessThatGrowsSlowlyGetsNoTimeOfItsOwn) {
  const auto grows = [](double watts_per_second, Duration time) {
    Watched w;
    double grown = 0.0;
    for (const Instant end = w.now + time; w.now < end; grown += 0.1 * watts_per_second)
      w.run(100ms, excess(Watts{100.0 + grown}, Watts{-1100.0 - grown}));
    return w.counted();
  };
  EXPECT_EQ(grows(49.0, 1300ms), 0);
  EXPECT_EQ(grows(49.0, 1700ms), 1) << "1.32 s and 0.1 s for the first 100 W";
  EXPECT_EQ(grows(10.0, 1700ms), 1);
  EXPECT_EQ(grows(100.0, 10s), 0) << "a cloud that goes: every further 50 W have their time";
  Watched follows;
  for (double grown = 0.0; grown < 1000.0; grown += 10.0)
    follows.run(100ms, excess(500.0_W, Watts{-1500.0 - grown}));
  EXPECT_EQ(follows.counted(), 0) << "the battery too is 500 W behind it all the time";
}

TEST(ExportWatch, WhatHasGrownSlowlyHidesNoLoadThatGoes) {
  Watched w;
  for (double grown = 0.0; grown < 48.0; grown += 4.0)
    w.run(100ms, excess(Watts{100.0 + grown}, Watts{-1100.0 - grown}));
  w.run(1400ms, excess(148.0_W, Watts{-1649.0}));
  EXPECT_EQ(w.counted(), 0) << "it was -1148 W";
}

TEST(ExportWatch, ACommandThatIsStillOnItsWayGetsTheTimeOfAllOfIt) {
  Watched w;
  w.run(100ms, excess(300.0_W, Watts{-2500}));
  w.run(2700ms, excess(1500.0_W, Watts{-2500}));
  EXPECT_EQ(w.counted(), 0);
  w.run(300ms, excess(1500.0_W, Watts{-2500}));
  EXPECT_EQ(w.counted(), 1);
}

TEST(ExportWatch, WithoutAnInverterThatSaysTheTimeIsThatOfTheLargestExcess) {
  Watched w;
  w.run(1s, {.excess = 500.0_W});
  w.run(2200ms, {.excess = 900.0_W});
  EXPECT_EQ(w.counted(), 0);
  w.run(200ms, {.excess = 900.0_W});
  EXPECT_EQ(w.counted(), 1);
  Watched falls;
  falls.run(1s, {.excess = 500.0_W});
  falls.run(1s, {.excess = 400.0_W});
  EXPECT_EQ(falls.counted(), 1) << "not again when it falls";
}

TEST(ExportWatch, ALostMeasurementCountsAtOnceAndOnce) {
  Watched w;
  w.lost(100ms);
  EXPECT_EQ(w.counted(), 1);
  w.lost(5h);
  EXPECT_EQ(w.counted(), 1);
  EXPECT_FALSE(w.watch.locked());
}

TEST(ExportWatch, WhatComesAgainWithinAMinuteBelongsToIt) {
  Watched w;
  for (int i = 0; i < 9; ++i) {
    w.lost(6s);
    w.well(59s);
  }
  EXPECT_EQ(w.counted(), 1);
  w.well(2s);
  w.lost(1s);
  EXPECT_EQ(w.counted(), 2);
}

TEST(ExportWatch, WhatFlickersOnCountsAgainEveryTenMinutes) {
  Watched w;
  for (int i = 0; i < 119; ++i) {
    w.lost(2s);
    w.well(3s);
  }
  EXPECT_EQ(w.counted(), 1);
  w.well(5s);
  w.lost(2s);
  EXPECT_EQ(w.counted(), 2) << "10 min after the first";
  w.well(9min);
  w.lost(2s);
  EXPECT_TRUE(w.watch.locked()) << "a calm of 9 min ends it";
}

TEST(ExportWatch, TheThirdWithin24HoursLocksFor4Hours) {
  Watched w;
  w.lost(1s);
  w.well(12h);
  w.lost(1s);
  w.well(12h - 2s - 200ms);
  EXPECT_FALSE(w.watch.locked());
  w.lost(100ms);
  EXPECT_EQ(w.watch.locked_until, w.now - 100ms + 4h);
  w.well(4h - 100ms);
  EXPECT_TRUE(w.watch.locked());
  w.well(100ms);
  EXPECT_FALSE(w.watch.locked());
}

TEST(ExportWatch, WhatIsADayAgoCountsNoMore) {
  Watched w;
  w.lost(1s);
  w.well(12h);
  w.lost(1s);
  w.well(12h - 2s);
  EXPECT_EQ(w.counted(), 2);
  w.well(100ms);
  EXPECT_EQ(w.counted(), 1);
  w.lost(1s);
  EXPECT_FALSE(w.watch.locked());
  EXPECT_EQ(w.counted(), 2);
}

TEST(ExportWatch, AnotherOneInALockOutBeginsItAnew) {
  Watched w;
  for (int i = 0; i < 3; ++i) {
    w.lost(1s);
    w.well(2min);
  }
  w.well(3h);
  w.lost(100ms);
  EXPECT_EQ(w.watch.locked_until, w.now - 100ms + 4h);
}

TEST(ExportWatch, ALockOutRunsOutWithoutWitnessToo) {
  Watched w;
  w.watch.locked_until = w.now + 1h;
  w.settings = Settings{};
  w.well(1h - 100ms);
  EXPECT_TRUE(w.watch.locked());
  w.well(200ms);
  EXPECT_FALSE(w.watch.locked());
}

// ---- in the control -----------------------------------------------------------------------------

/// A house that exports 1000 W at most, settled.
struct Witness : House {
  Witness() {
    settings.witness = true;
    settings.export_cap = 1000.0_W;
    residual_w = 100;  // a meter that shows exactly 0 W has no clamp
    run(5s);
  }
  void order(const Instruction& instruction) { orders.manual = Order{instruction, now + 10h}; }
  void sell() {
    order({.kind = InstructionKind::discharge, .power = 2400.0_W, .target = 20.0_soc});
  }
  [[nodiscard]] double grid() const { return residual_w + inverter_w; }
  [[nodiscard]] int counted() const {
    return int{memory.export_watch.excursions[0].has_value()} +
           int{memory.export_watch.excursions[1].has_value()};
  }
};

TEST(WitnessControl, TheGridMeterIsLostAfterOneSecondAndThatIsAnExcursion) {
  Witness h;
  h.residual_w = 800;
  h.run(5s);
  h.grid_alive = false;
  EXPECT_NEAR(h.run(1s).battery_power.value(), -800, 2);
  const Decision d = h.run(200ms);
  EXPECT_EQ(d.battery_power, Watts{});
  EXPECT_TRUE(d.faults.active(Fault::grid_meter_lost));
  EXPECT_EQ(h.counted(), 1);
  h.run(1min);
  EXPECT_EQ(h.counted(), 1);
}

TEST(WitnessControl, ExactlyZeroIsAClampThatIsOff) {
  Witness h;
  h.residual_w = 800;
  h.run(5s);
  h.instead = {{{Point::grid, Measure::power}, 0.0}};
  EXPECT_NEAR(h.run(500ms).battery_power.value(), -800, 20);
  EXPECT_EQ(h.run(200ms).battery_power, Watts{});
  EXPECT_EQ(h.counted(), 1);
  h.instead.clear();
  h.run(400ms);
  EXPECT_EQ(h.tick().faults.active(Fault::grid_meter_lost), false) << "five good samples";
  h.settings.witness = false;
  h.instead = {{{Point::grid, Measure::power}, 0.0}};
  EXPECT_FALSE(h.run(5s).faults.active(Fault::grid_meter_lost)) << "opt-in";
}

TEST(WitnessControl, AMeterThatRepeatsItsWordIsLostAfterOneAndAHalfSeconds) {
  Witness h;
  h.residual_w = 800;
  h.run(5s);
  h.instead = {{{Point::grid, Measure::power}, 12.5}, {{Point::grid, Measure::voltage}, 231.7}};
  EXPECT_LT(h.run(1600ms).battery_power, Watts{-700}) << "from its second saying it";
  const Decision d = h.tick();
  EXPECT_EQ(d.battery_power, Watts{});
  EXPECT_TRUE(d.faults.active(Fault::grid_meter_lost));
  EXPECT_EQ(h.counted(), 1);
  h.instead.clear();
  h.run(400ms);
  EXPECT_EQ(h.tick().faults.active(Fault::grid_meter_lost), false) << "five good samples";
  h.run(2min);
  h.settings.witness = false;
  h.instead = {{{Point::grid, Measure::power}, 12.5}, {{Point::grid, Measure::voltage}, 231.7}};
  EXPECT_FALSE(h.run(5s).faults.active(Fault::grid_meter_lost)) << "opt-in";
}

TEST(WitnessControl, APowerOrAVoltageThatMovesIsOfALivingMeter) {
  for (const Measure constant : {Measure::power, Measure::voltage}) {
    Witness h;
    h.instead = {{{Point::grid, constant}, constant == Measure::power ? 12.5 : 231.7}};
    h.residual_w = 12.5;
    for (int i = 0; i < 100; ++i) {
      h.residual_w += 1e-6;
      ASSERT_FALSE(h.tick().faults.active(Fault::grid_meter_lost)) << i;
    }
  }
}

TEST(WitnessControl, AMeterThatIsReadSeldomDoesNotStandStill) {
  Witness h;
  h.settings.period = 900ms;
  EXPECT_FALSE(h.run(20s).faults.active(Fault::grid_meter_lost));
}

TEST(WitnessControl, AMeterThatHasOnlyShownZeroIsNotTrusted) {
  House h;
  h.settings.witness = true;
  h.settings.export_cap = 1000.0_W;
  h.instead = {{{Point::grid, Measure::power}, 0.0}};
  EXPECT_TRUE(h.run(5s).reasons.has(Cause::starting));
  EXPECT_FALSE(h.memory.export_watch.beyond) << "a meter that was never there is not lost";
}

TEST(WitnessControl, APowerCutIsNoExcursionThoughTheMeterDiesFirst) {
  Witness h;
  h.run(5s);
  h.grid_alive = false;
  // The newest word of the inverter is older than the loss.
  h.instead = {{{Point::inverter, Measure::status}, std::nullopt}};
  h.run(2s);
  EXPECT_EQ(h.counted(), 0);
  h.instead.clear();
  h.state = InverterStatus::islanded;
  h.mains_v = 0;
  h.run(10s);
  EXPECT_EQ(h.counted(), 0);
  h.state = InverterStatus::grid_connected;
  h.mains_v = 230;
  h.tick();
  EXPECT_EQ(h.counted(), 1) << "the mains are back, the meter is not";
}

TEST(WitnessControl, WhereNothingIsHeardOfTheInverterALostMeterCounts) {
  Witness h;
  h.grid_alive = h.inverter_alive = false;
  h.run(2s);
  EXPECT_EQ(h.counted(), 0);
  h.run(2s);
  EXPECT_EQ(h.counted(), 1);
}

TEST(WitnessControl, AStallOfTheHubIsNoLossOfTheMeter) {
  Witness h;
  h.grid_alive = false;
  h.stall = 2s;
  h.run(2s);
  EXPECT_EQ(h.counted(), 0);
  h.stall = {};
  h.run(2600ms);
  EXPECT_EQ(h.counted(), 0) << "it may take that long to be heard five times";
  h.run(200ms);
  EXPECT_EQ(h.counted(), 1) << "still not there";
}

TEST(WitnessControl, AStallEndsNoLossThatWasThereBefore) {
  Witness h;
  h.grid_alive = false;
  h.run(11min);
  EXPECT_EQ(h.counted(), 1);
  h.stall = 2s;
  h.run(1s);
  h.stall = {};
  h.run(10s);
  EXPECT_EQ(h.counted(), 1) << "one in a piece";
}

TEST(WitnessControl, AReversedMeterMeasuresNothing) {
  Witness h;
  h.memory.sign.reversed = true;
  h.memory.sign.rest_until = h.now + 15min;
  h.run(500ms);
  EXPECT_EQ(h.counted(), 1);
}

TEST(WitnessControl, AKettleThatIsSwitchedOffIsNoExcursion) {
  Witness h;
  h.settings.export_cap = 0.0_W;
  h.residual_w = 2300;
  h.run(10s);
  h.residual_w = 100;
  double lowest = 0;
  for (int i = 0; i < 100; ++i) {
    h.tick();
    lowest = std::min(lowest, h.grid());
  }
  EXPECT_LT(lowest, -2000) << "the loop's dead time";
  EXPECT_NEAR(h.grid(), 0, 5);
  EXPECT_EQ(h.counted(), 0);
}

TEST(WitnessControl, ABatteryThatGoesOnExportingIsAnExcursion) {
  Witness h;
  h.residual_w = 2300;
  h.run(10s);
  h.inverter_follows = false;
  h.residual_w = 100;  // 1200 W above the cap: 1.42 s (ticks of 100 ms) and 1.2 s
  h.run(2500ms);
  EXPECT_EQ(h.counted(), 0);
  h.run(1s);
  EXPECT_EQ(h.counted(), 1);
  h.run(5min);
  EXPECT_EQ(h.counted(), 1) << "one in a piece";
}

TEST(WitnessControl, WhatTheSunExportsAloneIsNoExcursion) {
  Witness h;
  h.soc = 100;
  h.ccl_a = 0;
  h.residual_w = -4000;
  h.run(1min);
  EXPECT_NEAR(h.grid(), -4000, 5);
  EXPECT_EQ(h.counted(), 0);
}

TEST(WitnessControl, WhatIsAboveTheCapIsChargedWhateverWasOrdered) {
  Witness h;
  h.residual_w = -2500;
  h.order({.kind = InstructionKind::idle, .low = 0.0_soc, .high = 100.0_soc});
  Decision d = h.run(10s);
  EXPECT_NEAR(d.battery_power.value(), 1500, 5);
  EXPECT_EQ(d.reasons.begin()->cause, Cause::export_charge);
  EXPECT_TRUE(d.reasons.has(Cause::override_overruled));
  h.order({.kind = InstructionKind::balance, .low = 0.0_soc, .high = 40.0_soc});
  d = h.run(10s);
  EXPECT_NEAR(d.battery_power.value(), 1500, 5);
  EXPECT_TRUE(d.reasons.has(Cause::range_high)) << "no more than that";
  h.settings.witness = false;
  EXPECT_EQ(h.run(5s).battery_power, Watts{});
}

TEST(WitnessControl, WhoChargesMoreIsNotOverruled) {
  Witness h;
  h.residual_w = -1500;
  const Decision d = h.run(10s);
  EXPECT_NEAR(d.battery_power.value(), 1500, 5);
  EXPECT_EQ(d.reasons.begin()->cause, Cause::self_consumption);
}

TEST(WitnessControl, ABatteryThatCouldTakeTheExcessAndDoesNotIsAnExcursion) {
  Witness h;
  h.inverter_follows = false;
  h.instead = {{{Point::inverter, Measure::setpoint}, 0.0}};  // it has not heard of it
  h.residual_w = -2500;
  h.run(2500ms);
  EXPECT_EQ(h.counted(), 0);
  h.run(2s);
  EXPECT_EQ(h.counted(), 1);
}

TEST(WitnessControl, AnInverterThatHoldsBackDoesWhatItCan) {
  Witness h;
  h.inverter_follows = false;
  h.ramped_w = h.inverter_w = h.metered_inverter_w = 300;
  h.residual_w = -2500;
  EXPECT_FALSE(h.run(10s).faults.active(Fault::inverter_derating));
  EXPECT_EQ(h.counted(), 0) << "it has acknowledged more than it takes, though nobody named it yet";
  EXPECT_TRUE(h.run(10s).faults.active(Fault::inverter_derating));
  EXPECT_FALSE(h.memory.export_watch.due);
}

TEST(WitnessControl, OfAnInverterThatIsLostAllExportAboveTheCapCounts) {
  Witness h;
  h.residual_w = -1500;
  h.soc = 100;
  h.ccl_a = 0;
  h.run(10s);
  EXPECT_EQ(h.counted(), 0);
  h.inverter_alive = false;
  h.run(10s);
  EXPECT_EQ(h.counted(), 1);
}

TEST(WitnessControl, InALockOutTheBatteryServesAndChargesAndExportsNothing) {
  Witness h;
  h.sell();
  h.residual_w = 600;
  EXPECT_NEAR(h.run(10s).battery_power.value(), -1600, 5);
  h.memory.export_watch.locked_until = h.now + 4h;
  Decision d = h.run(10s);
  EXPECT_NEAR(d.battery_power.value(), -600, 5) << "the house is served";
  EXPECT_TRUE(d.reasons.has(Cause::export_lockout));
  EXPECT_TRUE(d.faults.active(Fault::export_lockout));
  EXPECT_EQ(d.safety.export_locked_until, h.memory.export_watch.locked_until);
  h.orders.manual.reset();
  h.residual_w = -700;
  d = h.run(10s);
  EXPECT_NEAR(d.battery_power.value(), 700, 5) << "the sun is charged";
  h.sell();
  EXPECT_EQ(h.run(5s).battery_power, Watts{});
  h.settings = Settings{};
  h.settings.period = 100ms;
  h.settings.meter_delay = h.settings.inverter_delay = h.settings.ack_delay = 0ms;
  EXPECT_EQ(h.run(5s).battery_power, Watts{}) << "it runs to its end, whatever is configured since";
  h.memory.export_watch.locked_until = h.now + 1s;
  EXPECT_LT(h.run(5s).battery_power, Watts{-1000});
  EXPECT_FALSE(h.tick().faults.active(Fault::export_lockout));
}

TEST(WitnessControl, NobodysWordEndsALockOut) {
  Witness h;
  h.memory.export_watch.locked_until = h.now + 4h;
  ++h.orders.acknowledgements;
  EXPECT_TRUE(h.run(1s).faults.active(Fault::export_lockout));
}

TEST(WitnessControl, ExcursionsAndLockOutOutliveTheControl) {
  Witness h;
  h.memory.export_watch.excursions = {h.now - 3h, h.now - 1h};
  h.memory.export_watch.locked_until = h.now + 1h;
  const SafetyMemory kept = h.memory.safety();
  h.memory = Memory{};
  h.memory.restore(kept);
  EXPECT_TRUE(h.tick().faults.active(Fault::export_lockout));
  EXPECT_EQ(h.memory.safety(), kept);
}

TEST(WitnessControl, ARestartCountsNoReversedMeterAgain) {
  Witness h;
  h.memory = Memory{};
  h.memory.restore({.meter_reversed = true});
  h.run(5s);
  EXPECT_EQ(h.counted(), 0);
}

TEST(WitnessControl, WithoutItNothingIsWatched) {
  House h;
  h.settings.export_cap = 0.0_W;
  h.run(5s);
  h.grid_alive = false;
  h.run(10s);
  EXPECT_EQ(h.memory.safety(), SafetyMemory{});
  EXPECT_FALSE(h.memory.export_watch.beyond);
}

}  // namespace
}  // namespace esshub::control
