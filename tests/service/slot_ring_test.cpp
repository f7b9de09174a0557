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

TEST(SlotRing, ASunThatIsNotMeteredShowsInWhatItLeaves) {
  SlotRing ring;
  for (int n = 0; n < 15; ++n) add(ring, n, -800, 0);
  EXPECT_NEAR(ring.slots().at(0).solar.value(), 200, 1e-9);
  EXPECT_EQ(ring.slots().at(0).load, WattHours{});
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

TEST(SlotRing, AMinuteCountsOnceAndNoNumberNever) {
  SlotRing ring;
  for (int n = 0; n < 8; ++n) add(ring, n, 600, 0);
  for (int n = 0; n < 8; ++n) add(ring, n, 6000, 0);
  add(ring, 8, std::numeric_limits<double>::quiet_NaN(), 0);
  add(ring, 9, 600, std::numeric_limits<double>::infinity());
  EXPECT_NEAR(ring.slots().at(0).load.value(), 150, 1e-9);
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
