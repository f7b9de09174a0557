#include "model/histogram.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "model/view.hpp"

namespace esshub {
namespace {

TEST(Histogram, EachTimeIsCountedInTheFirstBucketThatHoldsIt) {
  WireHistogram trips;
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

/// The bounds are labels of a metric: docs/monitoring.md's dashboards and rules go by them.
TEST(RoundTrip, ItsBucketsAreThoseOfTheMetric) {
  const double bounds[] = {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0};
  ASSERT_EQ(std::size(bounds) + 1, RoundTrip{}.buckets.size());
  for (std::size_t i = 0; i < std::size(bounds); ++i) {
    RoundTrip trips;
    trips.add(as_duration(Seconds{bounds[i]} - 1us));
    trips.add(as_duration(Seconds{bounds[i]} + 1us));
    for (std::size_t j = 0; j < trips.buckets.size(); ++j)
      EXPECT_EQ(trips.buckets[j], j == i || j == i + 1 ? 1u : 0u) << bounds[i] << " s, " << j;
  }
}

TEST(Lateness, ItsBucketsAreThoseOfTheMetric) {
  const double bounds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1};
  ASSERT_EQ(std::size(bounds) + 1, LatenessHistogram{}.buckets.size());
  for (std::size_t i = 0; i < std::size(bounds); ++i) {
    LatenessHistogram late;
    late.add(bounds[i]);
    late.add(std::nextafter(bounds[i], 1.0));
    for (std::size_t j = 0; j < late.buckets.size(); ++j)
      EXPECT_EQ(late.buckets[j], j == i || j == i + 1 ? 1u : 0u) << bounds[i] << " s, " << j;
    EXPECT_NEAR(late.sum_seconds, 2 * bounds[i], 1e-12);
  }
}

TEST(FrameCounters, CountEachResultByItself) {
  for (const FrameResult result : enum_values<FrameResult>) {
    FrameCounters frames;
    frames.add(result);
    frames.add(result);
    for (const FrameResult each : enum_values<FrameResult>)
      EXPECT_EQ(frames[each], each == result ? 2u : 0u) << name(each);
  }
}

TEST(Health, BeginsWithNothingKnownAndNothingCounted) {
  const BusHealth bus;
  EXPECT_FALSE(bus.line_up);
  EXPECT_FALSE(bus.driver.ready);
  EXPECT_FALSE(bus.driver.faults.any());
  EXPECT_EQ(bus.reopens + bus.restarts + bus.queue_dropped + bus.bytes_in + bus.bytes_out, 0u);
  EXPECT_EQ(bus.driver.round_trip.count(), 0u);
  EXPECT_EQ(bus.driver.round_trip.sum_seconds, 0.0);
  EXPECT_EQ(bus.driver.wire_busy, Duration::zero());
  const TickStats ticks;
  EXPECT_EQ(ticks.ticks + ticks.overruns, 0u);
  EXPECT_EQ(ticks.lateness.sum_seconds, 0.0);
}

}  // namespace
}  // namespace esshub
