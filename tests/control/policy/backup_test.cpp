// Power cuts: what is announced, when the inverter is switched off, and which SOC is believed.
#include <gtest/gtest.h>

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
  h.run(1s);
  return h;
}

TEST(TimeLeft, IsTheEnergyAboveTheCutoffOverTheMeasuredDraw) {
  House h = islanded(30);
  const Decision d = h.run(300s);
  ASSERT_TRUE(d.policy.backup_left);
  // 2 x 2400 Wh x (30 - 5) % / 500 W
  EXPECT_NEAR(Hours{*d.policy.backup_left}.count(), 2.4, 0.01);
  EXPECT_FALSE(d.faults.active(Fault::cutoff_near));
}

TEST(TimeLeft, OfTheLoadsOnAcOutBeforeAPowerCut) {
  House h;
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
  h.run(300s);
  h.battery_a = -50;  // ten seconds of 2.5 kW
  const Decision d = h.run(10s);
  EXPECT_GT(Hours{*d.policy.backup_left}.count(), 1.2);
}

TEST(Islanded, TheCutoffIsAnnouncedHalfAnHourAhead) {
  House h = islanded(11);  // 288 Wh at 500 W: 34 min
  EXPECT_FALSE(h.run(300s).faults.active(Fault::cutoff_near));
  h.drift_to(10);  // 28.8 min
  EXPECT_TRUE(h.run(60s).faults.active(Fault::cutoff_near));
  h.mains_v = 230;
  h.state = InverterStatus::grid_connected;
  EXPECT_FALSE(h.run(10s).faults.active(Fault::cutoff_near));
}

TEST(Islanded, AResetEndsTheCutoffForTenMinutes) {
  House h = islanded(5);
  EXPECT_EQ(h.tick().setpoint.mode, InverterMode::off);
  ++h.orders.cutoff_resets;
  EXPECT_NE(h.run(599s).setpoint.mode, InverterMode::off);
  EXPECT_EQ(h.run(2s).setpoint.mode, InverterMode::off);
}

TEST(Islanded, AResetDoesNotSilenceTheCutoffVoltage) {
  House h = islanded(5);
  h.pack_v = 45.5;
  h.tick();
  ++h.orders.cutoff_resets;
  EXPECT_EQ(h.run(12s).setpoint.mode, InverterMode::off);
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
  h.residual_w = 1000;
  h.drift_to(15);
  EXPECT_EQ(h.run(20s).battery_power, Watts{});
  h.soc = 60;
  EXPECT_EQ(h.run(59s).battery_power, Watts{});
  const Decision d = h.run(3s);
  EXPECT_LT(d.battery_power, Watts{-900});
  EXPECT_FALSE(d.faults.active(Fault::soc_inconsistent));
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

}  // namespace
}  // namespace esshub::control
