#include "transport/read_throttle.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

namespace esshub::transport {
namespace {

using namespace std::chrono_literals;
using Instant = ReadThrottle::Instant;

/// A line that offers bytes at some rate and is read as the throttle allows.
class ReadThrottleTest : public testing::TestWithParam<double> {
 protected:
  const double wire = GetParam();  ///< bytes a second
  Instant now{5000s};
  ReadThrottle throttle{wire};
  double waiting = 0;  ///< in the kernel
  double read = 0;
  int reads = 0;

  void SetUp() override { throttle.reset(now); }

  /// What `offered` bytes a second make of it; returns when the flood was first told, or its end.
  std::optional<Instant> pass(std::chrono::milliseconds time, double offered) {
    const bool before = throttle.flooded(now);
    std::optional<Instant> changed;
    for (const auto end = now + time; now < end; now += 5ms) {
      waiting += offered * 0.005;
      if (waiting >= 1 && throttle.next_read(now) <= now) take();
      if (!changed && throttle.flooded(now) != before) changed = now;
    }
    return changed;
  }
  void take() {
    const auto size =
        std::min(static_cast<std::size_t>(std::min(waiting, 4096.0)), throttle.allowance(now));
    throttle.took(size, now);
    waiting -= static_cast<double>(size);
    read += static_cast<double>(size);
    ++reads;
  }
};

TEST_P(ReadThrottleTest, ABusyWireIsReadAsItComesAndIsNoFlood) {
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(pass(1s, wire), std::nullopt);
    EXPECT_LE(waiting, wire * 0.005 + 16) << "nothing waits";
  }
}

TEST_P(ReadThrottleTest, WhatTheKernelKeptDuringAPauseIsReadAtOnceAndIsNoFlood) {
  for (int pauses = 0; pauses < 4; ++pauses) {
    EXPECT_EQ(pass(2s, wire), std::nullopt);
    now += 12s;
    waiting = 4095;
    EXPECT_EQ(pass(10ms, 0), std::nullopt);
    EXPECT_LT(waiting, 1);
  }
}

TEST_P(ReadThrottleTest, AFloodIsReadAtOneAndAHalfTimesTheWiresRate) {
  pass(60s, 1e6);
  const double depth = std::max(4096.0, 0.5 * 1.5 * wire);
  EXPECT_LE(read, 60 * 1.5 * wire + depth);
  EXPECT_GE(read, 59 * 1.5 * wire);
  EXPECT_LT(reads, 60 * 100) << "in pieces that are worth a system call";
}

TEST_P(ReadThrottleTest, AFloodIsKnownWithinASecondAndOverAfterTenNormalOnes) {
  for (const double offered : {1.5 * wire, 3 * wire, 1e6}) {
    for (const std::chrono::milliseconds idle : {0ms, 70ms, 130ms, 30000ms}) {
      now += 60s;
      throttle.reset(now);
      waiting = 0;
      EXPECT_EQ(pass(idle, 0), std::nullopt);
      const auto begun = now;
      const auto told = pass(3s, offered);
      ASSERT_TRUE(told) << offered;
      EXPECT_LE(*told - begun, 1s) << offered;
      waiting = 0;
      const auto normal_since = now;
      const auto over = pass(12s, 0.9 * wire);
      ASSERT_TRUE(over);
      EXPECT_GE(*over - normal_since, 10s - 200ms);
      EXPECT_LE(*over - normal_since, 10s + 400ms);
    }
  }
}

TEST_P(ReadThrottleTest, TheEndOfAFloodMayBeSilence) {
  pass(2s, 1e6);
  EXPECT_TRUE(throttle.flooded(now));
  EXPECT_TRUE(throttle.flooded(now + 9500ms));
  EXPECT_FALSE(throttle.flooded(now + 10500ms));
}

TEST_P(ReadThrottleTest, ALongSilenceEndsAFloodToo) {
  pass(2s, 1e6);
  EXPECT_FALSE(throttle.flooded(now + 24h));
}

INSTANTIATE_TEST_SUITE_P(Wires, ReadThrottleTest, testing::Values(240.0, 960.0, 11520.0, 72072.0));

}  // namespace
}  // namespace esshub::transport
