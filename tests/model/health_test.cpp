#include "model/health.hpp"

#include <gtest/gtest.h>

namespace esshub {
namespace {

TEST(RoundTrip, EachTimeIsCountedInTheFirstBucketThatHoldsIt) {
  RoundTrip trips;
  trips.add(0ms);
  trips.add(10ms);
  trips.add(11ms);
  trips.add(300ms);
  trips.add(5s);
  EXPECT_EQ(trips.buckets.front(), 2u) << "a bound belongs to its bucket";
  EXPECT_EQ(trips.buckets[1], 1u);
  EXPECT_EQ(trips.buckets[7], 1u);
  EXPECT_EQ(trips.buckets.back(), 1u);
  EXPECT_EQ(trips.count(), 5u);
  EXPECT_NEAR(trips.sum_seconds, 5.321, 1e-9);
}

}  // namespace
}  // namespace esshub
