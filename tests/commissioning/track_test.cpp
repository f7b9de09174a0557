#include "commissioning/track.hpp"

#include <gtest/gtest.h>

namespace esshub::commissioning {
namespace {

using namespace literals;

const Instant zero = Instant{} + 1h;

TEST(Track, IsStraightBetweenTwoReadings) {
  const Track track{{{zero + 2s, 200.0_W}, {zero + 1s, 100.0_W}}, zero};
  EXPECT_EQ(track.at(1.0), 100.0);
  EXPECT_EQ(track.at(1.5), 150.0);
  EXPECT_EQ(track.at(2.0), 200.0);
}

TEST(Track, KnowsNothingBeforeAndBehindItsReadings) {
  const Track track{{{zero + 1s, 100.0_W}, {zero + 2s, 200.0_W}}, zero};
  EXPECT_FALSE(track.at(0.999));
  EXPECT_FALSE(track.at(2.001));
  EXPECT_FALSE((Track{{}, zero}.at(0.0)));
}

TEST(Track, BridgesNoGapBeyondItsLongest) {
  const Track track{{{zero, 0.0_W}, {zero + 1500ms, 150.0_W}, {zero + 3001ms, 300.0_W}}, zero};
  EXPECT_EQ(track.at(0.5), 50.0);
  EXPECT_FALSE(track.at(2.0));
}

TEST(Track, OfTwoReadingsWithOneStampTheFirstCounts) {
  const Track track{{{zero + 1s, 100.0_W}, {zero + 1s, 900.0_W}, {zero + 2s, 200.0_W}}, zero};
  EXPECT_EQ(track.entries().size(), 2U);
  EXPECT_EQ(track.at(1.0), 100.0);
}

}  // namespace
}  // namespace esshub::commissioning
