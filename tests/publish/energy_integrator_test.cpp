#include "publish/energy_integrator.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

namespace esshub::publish {
namespace {

using namespace literals;

const Instant t0 = Instant{} + 1h;

/// A house whose readings come with every View.
class EnergyIntegratorTest : public testing::Test {
 protected:
  EnergyIntegratorTest() {
    view_.now = t0;
    view_.max_age = 3s;
  }
  void read(Point point, Measure measure, double value) {
    view_.snapshot.absorb({{point, measure}, value, view_.now});
  }
  void grid(double watts) { read(Point::grid, Measure::power, watts); }
  void load(double watts) {
    view_.decision.at = view_.now;
    view_.decision.house = Watts{watts};
  }
  double after(Flow flow) {
    ledger_.update(view_);
    return view_.energies[flow];
  }
  void pass(Duration time) {
    ledger_.update(view_);
    view_.now += time;
  }

  View view_;
  EnergyIntegrator ledger_;
};

TEST_F(EnergyIntegratorTest, AStraightLineBetweenTwoReadings) {
  grid(1000);
  pass(2s);
  grid(2000);
  EXPECT_DOUBLE_EQ(after(Flow::grid_import), 3000.0);
  EXPECT_DOUBLE_EQ(after(Flow::grid_export), 0.0);
}

TEST_F(EnergyIntegratorTest, AChangeOfDirectionIsCountedOnBothSides) {
  grid(-300);
  pass(2s);
  grid(100);
  EXPECT_DOUBLE_EQ(after(Flow::grid_export), 225.0);  // 1.5 s of a triangle of 300 W
  EXPECT_DOUBLE_EQ(after(Flow::grid_import), 25.0);
  pass(2s);
  grid(-300);
  EXPECT_DOUBLE_EQ(after(Flow::grid_export), 450.0);
  EXPECT_DOUBLE_EQ(after(Flow::grid_import), 50.0);
}

TEST_F(EnergyIntegratorTest, ManyViewsOfOneReadingCountItOnce) {
  grid(1000);
  for (int i = 0; i < 20; ++i) pass(100ms);
  grid(1000);
  EXPECT_DOUBLE_EQ(after(Flow::grid_import), 2000.0);
}

TEST_F(EnergyIntegratorTest, WhatFlowedWhileAReadingWasStaleIsMissing) {
  grid(1000);
  pass(1s);
  grid(1000);
  pass(3s);
  pass(100ms);  // stale from here on
  pass(10s);
  grid(1000);
  EXPECT_DOUBLE_EQ(after(Flow::grid_import), 1000.0);
  pass(1s);
  grid(1000);
  EXPECT_DOUBLE_EQ(after(Flow::grid_import), 2000.0);
}

TEST_F(EnergyIntegratorTest, AGapBetweenViewsIsNotGuessed) {
  grid(1000);
  pass(1h);  // the control was gone
  grid(1000);
  EXPECT_DOUBLE_EQ(after(Flow::grid_import), 0.0);
}

TEST_F(EnergyIntegratorTest, EveryFlowHasItsOwnPower) {
  const auto readings = [&] {
    grid(-100);
    read(Point::solar, Measure::power, 1500);
    read(Point::inverter, Measure::dc_power, 400);
    load(1000);
  };
  readings();
  pass(1s);
  readings();
  ledger_.update(view_);
  EXPECT_EQ(view_.energies, (EnergyTotals{{0, 100, 1500, 1000, 400, 0}}));
}

TEST_F(EnergyIntegratorTest, WithoutTheInvertersWordTheBmsCounts) {
  read(Point::battery, Measure::voltage, 50);
  read(Point::battery, Measure::current, -10);
  pass(1s);
  read(Point::battery, Measure::current, -10);
  EXPECT_DOUBLE_EQ(after(Flow::battery_discharge), 500.0);
}

TEST_F(EnergyIntegratorTest, ASolarInvertersOwnUseAtNightIsNoGeneration) {
  read(Point::solar, Measure::power, -4);
  pass(1s);
  read(Point::solar, Measure::power, -4);
  EXPECT_DOUBLE_EQ(after(Flow::solar), 0.0);
}

TEST_F(EnergyIntegratorTest, NothingEverFallsWhateverIsRead) {
  std::mt19937 dice{7};  // NOLINT: the same history every time
  std::normal_distribution<double> watts{0, 3000};
  std::uniform_int_distribution<int> late{-2000, 6000};
  EnergyTotals before;
  for (int i = 0; i < 10000; ++i) {
    const auto at = view_.now + std::chrono::milliseconds(late(dice));
    const double value = i % 97 == 0 ? std::numeric_limits<double>::quiet_NaN() : watts(dice);
    view_.snapshot.absorb({{Point::grid, Measure::power}, value, at});
    view_.snapshot.absorb({{Point::solar, Measure::power}, value, at});
    view_.snapshot.absorb({{Point::inverter, Measure::dc_power}, value, at});
    load(value);
    pass(std::chrono::milliseconds(std::max(0, late(dice))));
    for (const Flow flow : enum_values<Flow>) ASSERT_GE(view_.energies[flow], before[flow]);
    before = view_.energies;
  }
  EXPECT_GT(before[Flow::grid_import], 0.0);
}

}  // namespace
}  // namespace esshub::publish
