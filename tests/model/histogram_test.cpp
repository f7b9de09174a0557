#include "model/histogram.hpp"

#include <gtest/gtest.h>

#include <array>

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

/// A time just below and one just above each bound are in the two buckets beside it.
template <class Times, std::size_t n>
void expect_bounds(const std::array<double, n>& bounds) {
  ASSERT_EQ(n + 1, Times{}.buckets.size());
  for (std::size_t i = 0; i < n; ++i) {
    Times times;
    times.add(as_duration(Seconds{bounds[i]} - 1us));
    times.add(as_duration(Seconds{bounds[i]} + 1us));
    for (std::size_t j = 0; j < times.buckets.size(); ++j)
      EXPECT_EQ(times.buckets[j], j == i || j == i + 1 ? 1u : 0u) << bounds[i] << " s, " << j;
  }
}

/// The bounds are labels of a metric: docs/monitoring.md's dashboards and rules go by them.
TEST(RoundTrip, ItsBucketsAreThoseOfTheMetric) {
  expect_bounds<WireHistogram>(
      std::array{0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0});
}

TEST(Lateness, ItsBucketsAreThoseOfTheMetric) {
  expect_bounds<TickHistogram>(std::array{0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                          0.01, 0.02, 0.05, 0.1, 0.3});
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
