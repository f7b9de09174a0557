// Power cuts: what is announced, when the inverter is switched off, and which SOC is believed.
#include "control/policy/backup.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "tests/control/house.hpp"

namespace esshub::control {
namespace {

House islanded(double soc) {
  House h;
  h.modules = 2;
  h.run(10s);
  h.drift_to(soc);
  h.state = InverterStatus::islanded;
  h.mains_v = 0;
  h.ac_out_w = 480;
  h.battery_a = -10;  // 500 W at 50 V
  h.run(11s);
  return h;
}

TEST(BatteryCapacity, IsCountedAt3V2ACell) {
  EXPECT_EQ(nominal_voltage(15), 48.0_V);
  EXPECT_EQ(nominal_voltage(16), 51.2_V);
}

TEST(TimeLeft, IsTheEnergyAboveTheCutoffOverTheMeasuredDraw) {
  House h = islanded(30);
  h.settings.period = 1s;
  const Decision d = h.run(300s);
  ASSERT_TRUE(d.policy.backup_left);
  // 2 x 2400 Wh x (30 - 5) % / 500 W
  EXPECT_NEAR(Hours{*d.policy.backup_left}.count(), 2.4, 0.01);
  EXPECT_FALSE(d.faults.active(Fault::cutoff_near));
}

TEST(TimeLeft, OfTheLoadsOnAcOutBeforeAPowerCut) {
  House h;
  h.settings.period = 1s;
  h.modules = 2;
  h.ac_out_w = 250;
  const Decision d = h.run(600s);
  ASSERT_TRUE(d.policy.backup_left);
  // 4800 Wh x (50 - 5) % x 0.94 / 250 W
  EXPECT_NEAR(Hours{*d.policy.backup_left}.count(), 8.12, 0.01);
}

TEST(TimeLeft, IsUnknownWithoutADrawOrWithoutTheBms) {
  House h;
  h.modules = 2;
  EXPECT_FALSE(h.run(60s).policy.backup_left);
  h = islanded(30);
  h.bms_alive = false;
  EXPECT_FALSE(h.run(10s).policy.backup_left);
}

TEST(TimeLeft, AKettleDoesNotHalveIt) {
  House h = islanded(30);
  h.settings.period = 1s;
  h.run(300s);
  h.battery_a = -50;  // ten seconds of 2.5 kW
  const Decision d = h.run(10s);
  EXPECT_GT(Hours{*d.policy.backup_left}.count(), 1.2);
}

/// One tick by hand: a pack at 50 V and 30 %, islanded or not, that knows its draw.
struct Draw {
  Settings settings;
  Snapshot snapshot;
  Memory memory;
  Observation observation;
  Instant now{1000s};

  Draw() {
    settings.cutoff_soc = 5.0_soc;
    settings.conversion_efficiency = 0.9;
    settings.bms_max_age = 2s;
    observation.bms_ok = true;
    observation.soc = 30.0_soc;
    observation.reported_soc = 90.0_soc;
    observation.voltage = 50.0_V;
    observation.ac_out = 250.0_W;
    put(Point::battery, Measure::modules, 2);
  }
  void put(Point point, Measure measure, double value) {
    snapshot.absorb({{point, measure}, value, now});
  }
  /// Hours that are left after `passed` more.
  std::optional<double> left(Duration passed = 100ms) {
    now += passed;
    const auto time = backup_left(
        {.settings = settings, .snapshot = snapshot, .now = now, .local = {}}, memory, observation);
    memory.last_tick = now;
    if (!time) return std::nullopt;
    return Hours{*time}.count();
  }
};
constexpr double above_cutoff = 0.30 - 0.05;

TEST(TimeLeft, CountsTheCapacityThatTheStackTellsElseItsModules) {
  Draw d;
  EXPECT_NEAR(*d.left(), 2 * 2400 * above_cutoff * 0.9 / 250, 1e-9);
  d.put(Point::battery, Measure::capacity, 100);
  EXPECT_NEAR(*d.left(), 100 * 50 * above_cutoff * 0.9 / 250, 1e-9);
  d.put(Point::battery, Measure::capacity, 0.5);
  EXPECT_NEAR(*d.left(), 0.5 * 50 * above_cutoff * 0.9 / 250, 1e-9);
  d.put(Point::battery, Measure::capacity, 0);
  EXPECT_NEAR(*d.left(), 2 * 2400 * above_cutoff * 0.9 / 250, 1e-9) << "not known yet";
  d.put(Point::battery, Measure::modules, 0.5);
  EXPECT_NEAR(*d.left(), 0.5 * 2400 * above_cutoff * 0.9 / 250, 1e-9);
  d.put(Point::battery, Measure::modules, 0);
  EXPECT_FALSE(d.left());
}

TEST(TimeLeft, IslandedGoesByTheBatterysOwnCurrentWhileItIsFresh) {
  Draw d;
  d.observation.islanded = true;
  d.put(Point::battery, Measure::current, -10);
  EXPECT_NEAR(*d.left(2s), 4800 * above_cutoff / 500, 1e-9) << "its losses are in it";
  d.memory.mean_draw.reset();
  EXPECT_NEAR(*d.left(1ns), 4800 * above_cutoff / 250, 1e-9) << "AC-out, for want of it";
  d.memory.mean_draw.reset();
  d.put(Point::battery, Measure::current, 10);
  EXPECT_FALSE(d.left()) << "it charges";
}

TEST(TimeLeft, OnGridGoesByAcOutWhateverTheBatteryDoes) {
  Draw d;
  d.put(Point::battery, Measure::current, -40);
  EXPECT_NEAR(*d.left(), 4800 * above_cutoff * 0.9 / 250, 1e-9);
  d.observation.ac_out.reset();
  EXPECT_FALSE(d.left());
  EXPECT_FALSE(d.memory.mean_draw);
}

TEST(TimeLeft, IsNothingBelowTenWattsAndAtMostTenDays) {
  Draw d;
  for (const auto& [watts, known] : {std::pair{9.99, false}, std::pair{10.0, true}}) {
    d.memory.mean_draw.reset();
    d.observation.ac_out = Watts{watts};
    EXPECT_EQ(d.left().has_value(), known) << watts;
  }
  d.put(Point::battery, Measure::modules, 20);
  EXPECT_EQ(d.left(), 240.0);
}

TEST(TimeLeft, IsNoneAtOrBelowTheCutoff) {
  Draw d;
  for (const Soc soc : {5.0_soc, 3.0_soc}) {
    d.observation.soc = soc;
    EXPECT_EQ(d.left(), 0.0);
  }
}

TEST(TimeLeft, FollowsTheDrawWithinAMinute) {
  Draw d;
  d.left();
  d.observation.ac_out = 1250.0_W;
  for (int i = 0; i < 600; ++i) d.left();
  const double mean = 1250 - 1000 * std::exp(-1.0);  // of a first-order lag after its time constant
  EXPECT_NEAR(d.memory.mean_draw->value(), mean, 1.0);
}

TEST(TimeLeft, BeginsAnewWhenTheMainsComeOrGoOrTheBmsWasLost) {
  for (const auto change : {0, 1, 2}) {
    Draw d;
    d.observation.islanded = change == 1;
    d.left();
    if (change == 0) d.observation.islanded = true;
    if (change == 1) d.observation.islanded = false;
    if (change == 2) {
      d.observation.bms_ok = false;
      EXPECT_FALSE(d.left());
      d.observation.bms_ok = true;
    }
    d.observation.ac_out = 800.0_W;
    d.left();
    EXPECT_EQ(d.memory.mean_draw, 800.0_W) << change;
    d.observation.ac_out = 400.0_W;
    d.left();
    EXPECT_NE(d.memory.mean_draw, 400.0_W) << "and only then";
  }
}

// ---- F9: the cut-off
// ----------------------------------------------------------------------------------

/// A power cut that has lasted for a while, tick by tick: whether the inverter is switched off.
struct PowerCut {
  Settings settings;
  Snapshot snapshot;
  Memory memory;
  Observation observation;
  bool acknowledged = false;  ///< by the owner, in the next tick
  Instant now{1000s};
  std::optional<double> mains{0.0};  ///< V at AC-in; nothing: not told
  std::optional<double> dc;          ///< V, the inverter's word

  PowerCut() {
    settings.inverter_max_age = 2s;
    memory.islanded_since = now - 1min;
    observation.islanded = observation.bms_ok = true;
    observation.soc = observation.reported_soc = 50.0_soc;
    observation.voltage = 50.0_V;
  }
  bool cut(Duration passed = 100ms) {
    now += passed;
    if (mains) snapshot.absorb({{Point::inverter, Measure::voltage}, *mains, now});
    if (dc) snapshot.absorb({{Point::inverter, Measure::dc_voltage}, *dc, now});
    if (std::exchange(acknowledged, false)) acknowledge_cutoff(memory, now);
    evaluate_cutoff({.settings = settings, .snapshot = snapshot, .now = now, .local = {}}, memory,
                    observation);
    return memory.cutoff;
  }
};

TEST(Cutoff, AtTheSocAndNotAboveIt) {
  PowerCut p;
  p.observation.reported_soc = 3.0_soc;  // the SOC that rules counts
  p.observation.soc = 5.1_soc;
  EXPECT_FALSE(p.cut());
  p.observation.soc = 5.0_soc;
  EXPECT_TRUE(p.cut());
}

TEST(Cutoff, TheSocOfALostBmsDoesNotCount) {
  PowerCut p;
  p.observation.bms_ok = false;
  p.observation.soc = {};
  EXPECT_FALSE(p.cut());
}

TEST(Cutoff, AtTheVoltageForTenSecondsInOnePiece) {
  PowerCut p;
  p.observation.voltage = 46.0_V;
  p.cut();
  EXPECT_FALSE(p.cut(10s - 1ns));
  p.observation.voltage = 46.1_V;
  EXPECT_FALSE(p.cut(1ns));
  p.observation.voltage = 46.0_V;
  p.cut();
  EXPECT_FALSE(p.cut(9s));
  EXPECT_TRUE(p.cut(1s));
}

TEST(Cutoff, WithoutTheBmsTheInvertersOwnVoltageCounts) {
  PowerCut p;
  p.observation.bms_ok = false;
  p.observation.voltage = {};
  p.cut();
  EXPECT_FALSE(p.cut(20s)) << "no voltage at all";
  p.dc = 45.9;
  p.cut();
  EXPECT_FALSE(p.cut(9s));
  EXPECT_TRUE(p.cut(1s));
}

TEST(Cutoff, AnOldVoltageOfTheInverterDoesNotCount) {
  PowerCut p;
  p.observation.bms_ok = false;
  p.dc = 45.9;
  p.cut();
  p.dc.reset();
  p.cut(2s);
  EXPECT_TRUE(p.memory.low_voltage_since);
  p.cut(1ns);  // older than its maximum age
  EXPECT_FALSE(p.memory.low_voltage_since);
}

TEST(Cutoff, TheBmssVoltageComesFirst) {
  PowerCut p;
  p.dc = 45.0;
  p.cut();
  EXPECT_FALSE(p.cut(20s));
}

TEST(Cutoff, HoldsUntilTheMainsAreThereAgain) {
  PowerCut p;
  p.observation.soc = 5.0_soc;
  ASSERT_TRUE(p.cut());
  p.observation.soc = 60.0_soc;
  p.observation.islanded = false;  // switched off
  EXPECT_TRUE(p.cut(1h));
  p.mains = 179.9;
  EXPECT_TRUE(p.cut());
  p.mains = 180.0;
  EXPECT_FALSE(p.cut());
}

TEST(Cutoff, MainsThatWereThereLongAgoDoNotCount) {
  PowerCut p;
  p.settings.setpoint_life = 500ms;  // has no part in it
  p.mains = 230.0;
  p.cut();
  p.mains.reset();
  p.observation.soc = 5.0_soc;
  EXPECT_FALSE(p.cut(2s));
  p.cut(1ns);
  EXPECT_FALSE(p.cut(10s - 1ns));
  EXPECT_TRUE(p.cut(1ns));
}

/// One damaged reading, grid-tied in truth, must not make the house dark.
TEST(Cutoff, AtTheSocOnlyInAPowerCutOfTenSeconds) {
  PowerCut p;
  p.observation.soc = 3.0_soc;
  p.observation.islanded = false;
  p.mains = 230.0;
  p.cut();
  p.observation.islanded = true;
  p.mains = 0.0;
  EXPECT_FALSE(p.cut());
  EXPECT_FALSE(p.cut(10s - 1ns));
  p.observation.islanded = false;
  EXPECT_FALSE(p.cut(1ns));
  p.observation.islanded = true;
  p.cut();
  EXPECT_FALSE(p.cut(10s - 1ns)) << "in one piece";
  p.mains = 230.0;
  EXPECT_FALSE(p.cut(1ns)) << "nor while mains are there";
  p.mains = 0.0;
  p.cut();
  EXPECT_FALSE(p.cut(10s - 1ns));
  EXPECT_TRUE(p.cut(1ns));
}

TEST(Cutoff, ComesOnlyInAPowerCut) {
  PowerCut p;
  p.observation.islanded = false;
  p.observation.soc = 1.0_soc;
  p.observation.voltage = 45.0_V;
  p.cut();
  EXPECT_FALSE(p.cut(20s));
  p.observation.islanded = true;
  p.observation.soc = 50.0_soc;
  p.cut();
  EXPECT_FALSE(p.cut(10s - 1ns)) << "the ten seconds begin with it";
}

TEST(Cutoff, AnInverterThatIsNotIslandedForAMomentBeginsTheTenSecondsAnew) {
  PowerCut p;
  p.observation.voltage = 45.0_V;
  p.cut();
  p.cut(9s);
  p.observation.islanded = false;
  p.cut();
  p.observation.islanded = true;
  p.cut();
  EXPECT_FALSE(p.cut(9s));
  EXPECT_TRUE(p.cut(1s));
}

TEST(Cutoff, WithoutAResetOneThatIsLatchedStays) {
  PowerCut p;
  p.memory.cutoff = true;
  EXPECT_TRUE(p.cut());
}

TEST(Cutoff, MainsForAMomentBeginTheTenSecondsAnew) {
  PowerCut p;
  p.observation.voltage = 45.0_V;
  p.cut();
  p.cut(9s);
  p.mains = 230.0;
  p.cut();
  p.mains = 0.0;
  p.cut();
  EXPECT_FALSE(p.cut(9s));
  EXPECT_TRUE(p.cut(1s));
}

TEST(Cutoff, AResetHoldsTheSocBackForTenMinutes) {
  PowerCut p;
  p.observation.soc = 4.0_soc;
  ASSERT_TRUE(p.cut());
  p.acknowledged = true;
  EXPECT_FALSE(p.cut());
  EXPECT_FALSE(p.cut(10min - 1ns));
  EXPECT_TRUE(p.cut(1ns));
}

TEST(Cutoff, AResetOfNoneHoldsNothingBack) {
  PowerCut p;
  p.acknowledged = true;
  EXPECT_FALSE(p.cut());
  p.observation.soc = 4.0_soc;
  EXPECT_TRUE(p.cut());
}

TEST(Cutoff, AResetGivesTheVoltageItsTenSecondsAgain) {
  PowerCut p;
  p.observation.voltage = 45.0_V;
  p.cut();
  ASSERT_TRUE(p.cut(10s));
  p.acknowledged = true;
  EXPECT_FALSE(p.cut());
  EXPECT_FALSE(p.cut(9s));
  EXPECT_TRUE(p.cut(1s));
}

TEST(Cutoff, TheMainsEndTheTenMinutesOfAReset) {
  PowerCut p;
  p.observation.soc = 4.0_soc;
  p.cut();
  p.acknowledged = true;
  EXPECT_FALSE(p.cut());
  p.mains = 230.0;
  p.cut();
  p.mains = 0.0;
  p.cut();
  EXPECT_TRUE(p.cut(10s)) << "the next power cut is another one";
}

TEST(Islanded, TheCutoffIsAnnouncedHalfAnHourAhead) {
  House h = islanded(11);  // 288 Wh at 500 W: 34 min
  h.settings.period = 1s;
  EXPECT_FALSE(h.run(300s).faults.active(Fault::cutoff_near));
  h.drift_to(10);  // 28.8 min
  EXPECT_TRUE(h.run(60s).faults.active(Fault::cutoff_near));
  h.mains_v = 230;
  h.state = InverterStatus::grid_connected;
  EXPECT_FALSE(h.run(10s).faults.active(Fault::cutoff_near));
}

TEST(Islanded, AResetEndsTheCutoffForTenMinutes) {
  House h = islanded(5);
  h.settings.period = 1s;
  EXPECT_EQ(h.tick().setpoint.mode, InverterMode::off);
  ++h.orders.acknowledgements;
  EXPECT_NE(h.run(599s).setpoint.mode, InverterMode::off);
  EXPECT_EQ(h.run(2s).setpoint.mode, InverterMode::off);
}

TEST(Islanded, AResetDoesNotSilenceTheCutoffVoltage) {
  House h = islanded(5);
  h.pack_v = 45.5;
  h.tick();
  ++h.orders.acknowledgements;
  EXPECT_EQ(h.run(12s).setpoint.mode, InverterMode::off);
}

TEST(Islanded, CommandsNothingWhileItIsCutOff) {
  House h = islanded(5);
  EXPECT_EQ(h.tick().setpoint.mode, InverterMode::off);
  h.residual_w = -1000;
  h.state = InverterStatus::grid_connected;  // although it reads no mains
  const Decision d = h.run(20s);
  EXPECT_EQ(d.setpoint.mode, InverterMode::off);
  EXPECT_EQ(d.battery_power, Watts{});
  EXPECT_TRUE(d.reasons.has(Cause::inverter_off));
}

TEST(SocDoubt, AFallRulesAtOnceAndIsAFault) {
  House h;
  h.residual_w = 1000;
  EXPECT_LT(h.run(20s).battery_power, Watts{-900});
  h.soc = 0;
  const Decision d = h.tick();
  EXPECT_EQ(d.battery_power, Watts{});
  EXPECT_TRUE(d.faults.active(Fault::soc_inconsistent));
}

TEST(SocDoubt, AfterARiseTheLowerWordRulesForAMinute) {
  House h;
  h.settings.reserve_recharge = ReserveRecharge::surplus;
  h.residual_w = 1000;
  h.drift_to(15);
  EXPECT_EQ(h.run(20s).battery_power, Watts{});
  h.soc = 60;
  EXPECT_EQ(h.run(59s).battery_power, Watts{});
  const Decision d = h.run(3s);
  EXPECT_LT(d.battery_power, Watts{-900});
  EXPECT_FALSE(d.faults.active(Fault::soc_inconsistent));
}

TEST(SocDoubt, ASilenceEndsNoDoubt) {
  House h;
  h.residual_w = 1000;
  h.drift_to(15);
  h.run(20s);
  h.soc = 60;
  h.run(1s);
  h.bms_alive = false;
  h.run(15s);
  h.bms_alive = true;
  EXPECT_EQ(h.run(59s).battery_power, Watts{}) << "agreement is of words, not of silence";
  EXPECT_LT(h.run(5s).battery_power, Watts{-900});
}

TEST(SocDoubt, APackVoltageOfAnEmptyPackRules) {
  House h;
  h.residual_w = 1000;
  h.modules = 2;
  h.battery_a = -5;
  h.run(20s);
  h.pack_v = 46.0;  // at most 10 %
  const Decision d = h.tick();
  EXPECT_EQ(d.battery_power, Watts{});
  EXPECT_TRUE(d.faults.active(Fault::soc_inconsistent));
}

TEST(SocDoubt, TheSagOfAHeavyLoadIsNoContradiction) {
  House h;
  h.residual_w = 2000;
  h.modules = 2;
  h.battery_a = -45;
  h.pack_v = 48.0;
  const Decision d = h.run(20s);
  EXPECT_FALSE(d.faults.active(Fault::soc_inconsistent));
  EXPECT_LT(d.battery_power, Watts{-1500});
}

TEST(SocDoubt, ARestingPackOfAFullOnesVoltageIsAFaultAfterAMinute) {
  House h;
  h.battery_a = 0.5;
  h.pack_v = 51.0;
  EXPECT_FALSE(h.run(55s).faults.active(Fault::soc_inconsistent));
  EXPECT_TRUE(h.run(10s).faults.active(Fault::soc_inconsistent));
}

TEST(SocDoubt, AnHonestChangeDuringALongSilenceIsNoJump) {
  House h;
  h.run(10s);
  h.bms_alive = false;
  h.run(60s);
  h.bms_alive = true;
  h.soc = 70;
  EXPECT_FALSE(h.run(10s).faults.active(Fault::soc_inconsistent));
}

TEST(Implausible, IsAFault) {
  House h;
  h.implausible = true;
  EXPECT_TRUE(h.run(1s).faults.active(Fault::implausible_reading));
}

// ---- I12: over a restart of the control

/// The control is started anew, as after its death, with what it remembered.
void restart(House& h) {
  const SafetyMemory kept = h.memory.safety();
  h.memory = Memory{};
  h.memory.restore(kept);
}

TEST(Restart, ACutoffStaysLatchedUntilTheMainsAreBack) {
  House h = islanded(5);
  ASSERT_EQ(h.tick().setpoint.mode, InverterMode::off);
  EXPECT_TRUE(h.tick().safety.cutoff);
  restart(h);
  h.state = InverterStatus::off;  // it is dark: no longer islanded
  EXPECT_EQ(h.run(20s).setpoint.mode, InverterMode::off);
  EXPECT_TRUE(h.tick().faults.active(Fault::backup_cutoff));
  h.mains_v = 230;
  h.run(1s);
  EXPECT_NE(h.tick().setpoint.mode, InverterMode::off);
  EXPECT_FALSE(h.tick().safety.cutoff);
}

TEST(Restart, TheOwnersWordBeforeItIsNotTakenForANewOne) {
  House h = islanded(30);
  ++h.orders.acknowledgements;
  h.drift_to(5);
  ASSERT_EQ(h.tick().setpoint.mode, InverterMode::off);
  EXPECT_EQ(h.tick().safety.acknowledgements, 1u);
  restart(h);
  EXPECT_EQ(h.tick().setpoint.mode, InverterMode::off);
}

TEST(Restart, AControlThatHasNotHeardTheOrdersYetTakesNoWordFromTheirAbsence) {
  House h = islanded(30);
  ++h.orders.acknowledgements;
  h.drift_to(5);
  ASSERT_EQ(h.tick().setpoint.mode, InverterMode::off);
  restart(h);
  const auto heard = std::exchange(h.orders, {});
  EXPECT_EQ(h.tick().setpoint.mode, InverterMode::off);
  h.orders = heard;
  EXPECT_EQ(h.tick().setpoint.mode, InverterMode::off);
  EXPECT_TRUE(h.tick().safety.cutoff);
}

TEST(Restart, TheOwnersWordDuringItIsHeard) {
  House h = islanded(5);
  ASSERT_EQ(h.tick().setpoint.mode, InverterMode::off);
  restart(h);
  ++h.orders.acknowledgements;
  EXPECT_NE(h.tick().setpoint.mode, InverterMode::off);
}

/// A house that a cut-off has left dark, and a hub that was started anew in it: the grid meter has
/// no power either.
House dark_after_a_restart() {
  House h = islanded(5);
  h.grid_alive = false;
  h.tick();
  restart(h);
  h.snapshot = {};
  h.state = InverterStatus::off;
  return h;
}

TEST(Restart, TheOwnersWordSwitchesADarkHouseOnWithoutItsGridMeter) {
  House h = dark_after_a_restart();
  Decision d = h.run(20s);
  ASSERT_EQ(d.setpoint.mode, InverterMode::off);
  EXPECT_FALSE(d.setpoint.switch_on);
  ++h.orders.acknowledgements;
  d = h.tick();
  EXPECT_EQ(d.setpoint.mode, InverterMode::release);
  EXPECT_TRUE(d.setpoint.switch_on);
  EXPECT_GT(d.setpoint.valid_until, h.now) << "the driver must be allowed to send it";
  EXPECT_TRUE(h.run(5min).setpoint.switch_on) << "until it is done";
  h.state = InverterStatus::islanded;
  EXPECT_TRUE(h.run(9s).setpoint.switch_on) << "a command to switch off may be on its way yet";
  d = h.run(2s);
  EXPECT_FALSE(d.setpoint.switch_on);
  EXPECT_LT(d.setpoint.valid_until, h.now);
  h.state = InverterStatus::off;
  EXPECT_FALSE(h.run(1min).setpoint.switch_on) << "somebody else has switched it off";
}

TEST(Restart, TheOwnersTenMinutesGoOn) {
  House h = islanded(5);
  h.tick();
  ++h.orders.acknowledgements;
  ASSERT_EQ(h.run(1min).setpoint.mode, InverterMode::release);
  restart(h);
  EXPECT_EQ(h.run(8min).setpoint.mode, InverterMode::release);
  EXPECT_EQ(h.run(2min).setpoint.mode, InverterMode::off);
}

TEST(Restart, WhatIsOwedToADarkHouseIsOwedAfterAnotherRestartToo) {
  House h = dark_after_a_restart();
  ++h.orders.acknowledgements;
  h.tick();
  restart(h);
  EXPECT_TRUE(h.run(5s).setpoint.switch_on);
}

TEST(Restart, TheMainsSwitchADarkHouseOnWithoutItsGridMeter) {
  House h = dark_after_a_restart();
  h.mains_v = 230;
  const Decision d = h.run(1s);
  EXPECT_EQ(d.setpoint.mode, InverterMode::release);
  EXPECT_TRUE(d.setpoint.switch_on);
}

TEST(Cutoff, AnotherCutoffOwesNothing) {
  House h = islanded(5);
  h.tick();
  ++h.orders.acknowledgements;
  ASSERT_TRUE(h.tick().setpoint.switch_on);
  h.pack_v = 40;
  const Decision d = h.run(11s);
  EXPECT_EQ(d.setpoint.mode, InverterMode::off);
  EXPECT_FALSE(d.setpoint.switch_on);
}

/// An inverter that was told to switch off just before may still do so.
TEST(Cutoff, TheInverterIsSwitchedOnUntilItStaysOnForTenSecondsInOnePiece) {
  House h = dark_after_a_restart();
  ++h.orders.acknowledgements;
  ASSERT_TRUE(h.run(5s).setpoint.switch_on);
  for (int n = 0; n < 3; ++n) {
    h.state = InverterStatus::islanded;
    EXPECT_TRUE(h.run(6s).setpoint.switch_on) << n;
    h.state = InverterStatus::off;
    EXPECT_TRUE(h.run(1s).setpoint.switch_on) << n;
  }
  h.state = InverterStatus::islanded;
  h.tick();
  EXPECT_TRUE(h.run(10s - h.settings.period).setpoint.switch_on);
  EXPECT_FALSE(h.tick().setpoint.switch_on);
}

TEST(Cutoff, IsNotAnnouncedWhereNothingIsKnownOfTheTimeLeft) {
  House h = islanded(30);
  h.bms_alive = false;
  const Decision d = h.run(10s);
  EXPECT_FALSE(d.policy.backup_left);
  EXPECT_FALSE(d.faults.active(Fault::cutoff_near));
}

}  // namespace
}  // namespace esshub::control
