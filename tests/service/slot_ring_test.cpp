#include "service/slot_ring.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace esshub::service {
namespace {

constexpr control::UnixSeconds begin = 20000 * 86400;
constexpr Watts most{2400.0};

void add(SlotRing& ring, int minute, double load, double solar) {
  ring.add({begin + minute * 60, Watts{load}, Watts{solar}}, most, most);
}

TEST(SlotRing, SumsDeficitAndSurplusOfItsMinutes) {
  SlotRing ring;
  for (int n = 0; n < 15; ++n) add(ring, n, 600, n % 3 == 0 ? 1800 : 0);  // a broken sky
  const auto slots = ring.slots();
  ASSERT_EQ(slots.size(), 1u);
  EXPECT_EQ(slots[0].begin, begin);
  EXPECT_EQ(slots[0].end, begin + 900);
  EXPECT_NEAR(slots[0].load.value(), 150, 1e-9);
  EXPECT_NEAR(slots[0].solar.value(), 150, 1e-9);
  EXPECT_NEAR(slots[0].crossing.value(), 100, 1e-9) << "the mean would show neither";
}

TEST(SlotRing, LeavesOutWhatTheBatteryCannotDo) {
  SlotRing ring;
  for (int n = 0; n < 15; ++n) add(ring, n, 200, 3000);
  for (int n = 15; n < 30; ++n) add(ring, n, 5000, 1000);
  const auto slots = ring.slots();
  ASSERT_EQ(slots.size(), 2u);
  EXPECT_NEAR(slots[0].solar.value(), 2600 / 4.0, 1e-9);
  EXPECT_NEAR(slots[0].load.value(), 200 / 4.0, 1e-9);
  EXPECT_NEAR(slots[1].load.value(), 3400 / 4.0, 1e-9);
  EXPECT_NEAR(slots[1].solar.value(), 1000 / 4.0, 1e-9);
}

TEST(SlotRing, CountsTheSunThatIsLeftOut) {
  SlotRing ring;
  for (int n = 0; n < 8; ++n)
    ring.add({begin + n * 60, Watts{200}, Watts{3000}, Watts{n < 4 ? 800.0 : 0.0}}, most, most);
  for (int n = 15; n < 30; ++n) add(ring, n, 5000, 1000);
  for (int n = 30; n < 45; ++n) add(ring, n, -3000, 0);
  const auto slots = ring.slots();
  ASSERT_EQ(slots.size(), 3u);
  EXPECT_NEAR(slots[0].solar.value(), 2600 / 4.0, 1e-9);
  EXPECT_NEAR(slots[0].beyond.value(), (400 + 800 / 2.0) / 4.0, 1e-9)
      << "more than can be stored, and what others took";
  EXPECT_NEAR(slots[1].beyond.value(), 0, 1e-9);
  EXPECT_NEAR(slots[2].beyond.value(), 600 / 4.0, 1e-9);
}

TEST(SlotRing, ASunThatIsNotMeteredShowsInWhatItLeaves) {
  SlotRing ring;
  for (int n = 0; n < 15; ++n) add(ring, n, -800, 0);
  EXPECT_NEAR(ring.slots().at(0).solar.value(), 200, 1e-9);
  EXPECT_EQ(ring.slots().at(0).load, WattHours{});
}

TEST(SlotRing, HalfAWattEachWayIsLoadOrSun) {
  SlotRing ring;
  for (int n = 0; n < 15; ++n) add(ring, n, 0.5, 0);
  for (int n = 15; n < 30; ++n) add(ring, n, -0.5, 0);
  const auto slots = ring.slots();
  EXPECT_NEAR(slots.at(0).load.value(), 0.125, 1e-12);
  EXPECT_EQ(slots.at(0).solar, WattHours{});
  EXPECT_EQ(slots.at(1).load, WattHours{});
  EXPECT_NEAR(slots.at(1).solar.value(), 0.125, 1e-12);
}

/// Of so many minutes in which the house lacks and so many in which sun is left, each with its
/// power.
double crossing(int lacking, double deficit, int sunny, double surplus) {
  SlotRing ring;
  for (int n = 0; n < lacking; ++n) add(ring, n, 100 + deficit, 100);
  for (int n = 0; n < sunny; ++n) add(ring, lacking + n, 100, 100 + surplus);
  return ring.slots().at(0).crossing.value();
}

TEST(SlotRing, WhatCrossesIsTheLesserOfDeficitAndSurplus) {
  EXPECT_NEAR(crossing(10, 600, 5, 2400), 100, 1e-9) << "100 Wh are lacking, 200 Wh left";
  EXPECT_NEAR(crossing(5, 1800, 10, 300), 50, 1e-9) << "150 Wh are lacking, 50 Wh left";
  EXPECT_NEAR(crossing(6, 600, 4, 2400), 60 * 15 / 10.0, 1e-9) << "of ten minutes that are known";
  EXPECT_EQ(crossing(15, 600, 0, 0), 0);
  EXPECT_EQ(crossing(0, 0, 15, 600), 0);
}

TEST(SlotRing, EightMinutesStandForASlotAndSevenDoNot) {
  SlotRing ring;
  for (int n = 0; n < 7; ++n) add(ring, n, 600, 0);
  for (int n = 15; n < 23; ++n) add(ring, n, 600, 0);
  const auto slots = ring.slots();
  ASSERT_EQ(slots.size(), 1u);
  EXPECT_EQ(slots[0].begin, begin + 900);
  EXPECT_NEAR(slots[0].load.value(), 150, 1e-9);
}

TEST(SlotRing, ASlotIsCurtailedIfOneOfItsMinutesWas) {
  SlotRing ring;
  for (int n = 0; n < 45; ++n)
    ring.add({begin + n * 60, Watts{600}, {}, {}, n == 15 || n == 44}, most, most);
  const auto slots = ring.slots();
  ASSERT_EQ(slots.size(), 3u);
  EXPECT_FALSE(slots[0].curtailed);
  EXPECT_TRUE(slots[1].curtailed);
  EXPECT_TRUE(slots[2].curtailed);
}

TEST(SlotRing, AMinuteCountsOnceAndNoNumberNever) {
  SlotRing ring;
  for (int n = 0; n < 8; ++n) add(ring, n, 600, 0);
  for (int n = 0; n < 8; ++n) add(ring, n, 6000, 0);
  add(ring, 8, std::numeric_limits<double>::quiet_NaN(), 0);
  add(ring, 9, 600, std::numeric_limits<double>::infinity());
  ring.add({begin + 600, Watts{6000}, {}, Watts{std::numeric_limits<double>::quiet_NaN()}}, most,
           most);
  EXPECT_NEAR(ring.slots().at(0).load.value(), 150, 1e-9);
  EXPECT_EQ(ring.slots().at(0).solar, WattHours{});
}

TEST(SlotRing, KeepsFifteenDaysAndForgetsAFutureThatDoesNotCome) {
  SlotRing ring;
  constexpr int minutes_a_day = 1440;
  for (int n = 0; n < 16 * minutes_a_day; ++n) add(ring, n, 600, 0);
  EXPECT_EQ(ring.slots().size(), 15u * 96);
  EXPECT_EQ(ring.slots().front().begin, begin + 86400);
  for (int n = 0; n < 15; ++n) add(ring, 15 * minutes_a_day + n, 1200, 0);  // set back a day
  EXPECT_EQ(ring.size(), 14u * 96 + 1);
  EXPECT_EQ(ring.slots().back().begin, begin + 15 * 86400);
}

}  // namespace
}  // namespace esshub::service
