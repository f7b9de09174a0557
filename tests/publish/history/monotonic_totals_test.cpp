#include "publish/history/monotonic_totals.hpp"

#include <gtest/gtest.h>

namespace esshub::publish {
namespace {

constexpr double room = MonotonicTotals::room;

EnergyTotals imported(double joules) {
  EnergyTotals totals;
  totals[Flow::grid_import] = joules;
  return totals;
}

double show(MonotonicTotals& counters, double flowed, bool bounded = true) {
  return counters.show(imported(flowed), bounded)[Flow::grid_import];
}

TEST(MonotonicTotals, ShowWhatHasFlowedUpToTheMark) {
  MonotonicTotals counters(imported(1000.0));
  EXPECT_EQ(show(counters, 1000.0), 1000.0);
  EXPECT_EQ(show(counters, 1500.0), 1000.0) << "the disk has been promised no more";
  const auto marks = counters.marks_for(imported(1500.0), false);
  EXPECT_EQ(marks[Flow::grid_import], 1500.0 + room);
  EXPECT_EQ(show(counters, 1500.0), 1000.0) << "nor is it until it is on disk";
  counters.written(marks);
  EXPECT_EQ(show(counters, 1600.0), 1600.0);
}

TEST(MonotonicTotals, AfterACrashStandStillUntilTheTotalsHaveComeUp) {
  MonotonicTotals counters(imported(1000.0 + room));  // the totals on disk: 1000 J
  EXPECT_EQ(show(counters, 1000.0), 1000.0 + room);
  counters.written(counters.marks_for(imported(1000.0), false));
  EXPECT_EQ(show(counters, 1000.0 + room / 2), 1000.0 + room);
  counters.written(counters.marks_for(imported(1000.0 + room / 2), false));
  EXPECT_EQ(show(counters, 1000.0 + room + 1.0), 1000.0 + room + 1.0);
}

TEST(MonotonicTotals, CrashesWithoutAnyFlowDoNotAddUp) {
  EnergyTotals marks = imported(1000.0 + room);
  for (int crash = 0; crash < 3; ++crash) {
    MonotonicTotals counters(marks);
    EXPECT_EQ(show(counters, 1000.0), 1000.0 + room);
    marks = counters.marks_for(imported(1000.0), false);
  }
  EXPECT_EQ(marks[Flow::grid_import], 1000.0 + room);
}

TEST(MonotonicTotals, WhatHasNeverFlowedShowsNothingAfterACrash) {
  MonotonicTotals counters;
  const auto marks = counters.marks_for(imported(5000.0), false);
  EXPECT_EQ(marks[Flow::solar], 0.0);
  EXPECT_EQ(marks[Flow::grid_import], 5000.0 + room);
}

TEST(MonotonicTotals, ABatchIsDueBeforeACounterStandsStill) {
  MonotonicTotals counters;
  EXPECT_FALSE(counters.near({}));
  EXPECT_TRUE(counters.near(imported(1.0))) << "the first that ever flowed";
  counters.written(counters.marks_for(imported(1.0), false));
  EXPECT_FALSE(counters.near(imported(room / 2)));
  EXPECT_TRUE(counters.near(imported(0.8 * room)));
}

TEST(MonotonicTotals, TheLastMarkLeavesNoRoomButNeverTakesBackWhatWasShown) {
  MonotonicTotals counters(imported(5000.0));
  EXPECT_EQ(counters.marks_for(imported(1000.0), true)[Flow::grid_import], 5000.0);
  EXPECT_EQ(counters.marks_for(imported(6000.0), true)[Flow::grid_import], 6000.0);
}

TEST(MonotonicTotals, GoOnWithoutADiskAndDoNotFallWhenItIsBack) {
  MonotonicTotals counters(imported(1000.0));
  EXPECT_EQ(show(counters, 9000.0, /*bounded=*/false), 9000.0);
  EXPECT_EQ(show(counters, 9500.0), 9000.0);
  counters.written(counters.marks_for(imported(9500.0), false));
  EXPECT_EQ(show(counters, 9600.0), 9600.0);
}

}  // namespace
}  // namespace esshub::publish
