#include "protocol/turnaround.hpp"

#include <gtest/gtest.h>

namespace esshub::protocol {
namespace {

void add(Turnaround& turnaround, int times, Duration time) {
  for (int i = 0; i < times; ++i) turnaround.add(time);
}

TEST(Turnaround, UntilEnoughAnswersCameTheConfiguredLimitHolds) {
  Turnaround turnaround;
  EXPECT_EQ(turnaround.limit(300ms), 300ms);
  add(turnaround, 19, 40ms);
  EXPECT_FALSE(turnaround.known());
  EXPECT_EQ(turnaround.limit(300ms), 300ms);
  add(turnaround, 1, 40ms);
  EXPECT_TRUE(turnaround.known());
  EXPECT_EQ(turnaround.limit(300ms), 60ms);
}

TEST(Turnaround, TheLimitIsTheP99AndHalfOfIt) {
  Turnaround turnaround;
  add(turnaround, 50, 80ms);
  EXPECT_EQ(turnaround.p99(), 80ms);
  EXPECT_EQ(turnaround.limit(300ms), 120ms);
}

TEST(Turnaround, TheLimitStaysWithinFiftyMillisecondsAndTheConfiguredOne) {
  Turnaround quick;
  add(quick, 50, 1ms);
  EXPECT_EQ(quick.limit(300ms), 50ms);
  EXPECT_EQ(quick.limit(30ms), 30ms) << "a configured limit is never exceeded";
  Turnaround slow;
  add(slow, 50, 280ms);
  EXPECT_EQ(slow.limit(300ms), 300ms);
}

TEST(Turnaround, TwoSlowAnswersInTwoHundredAreTheExceptionThreeAreNot) {
  Turnaround turnaround;
  add(turnaround, 198, 40ms);
  add(turnaround, 2, 200ms);
  EXPECT_EQ(turnaround.p99(), 40ms);
  add(turnaround, 1, 200ms);
  EXPECT_EQ(turnaround.p99(), 200ms);
}

/// 99 of 100 began within it: of fewer than 100 that is all of them.
TEST(Turnaround, TheP99IsTheNearestRank) {
  Turnaround one;
  add(one, 1, 40ms);
  EXPECT_EQ(one.p99(), 40ms);
  for (int n = 2; n <= 200; ++n) {
    Turnaround turnaround;
    add(turnaround, n - 1, 40ms);
    add(turnaround, 1, 200ms);
    EXPECT_EQ(turnaround.p99(), n < 100 ? 200ms : 40ms) << n;
    EXPECT_EQ(turnaround.known(), n >= 20) << n;
  }
}

TEST(Turnaround, TheLimitIsAtLeastTwentyMillisecondsMore) {
  Turnaround turnaround;
  add(turnaround, 50, 36ms);
  EXPECT_EQ(turnaround.limit(300ms), 56ms);
}

TEST(Turnaround, WhatIsLongAgoIsForgotten) {
  Turnaround turnaround;
  add(turnaround, 200, 200ms);
  add(turnaround, 197, 40ms);
  EXPECT_EQ(turnaround.p99(), 200ms);
  add(turnaround, 1, 40ms);
  EXPECT_EQ(turnaround.p99(), 40ms);
}

TEST(Turnaround, AnAnswerBeforeItsRequestHasLeftTookNoTime) {
  Turnaround turnaround;
  add(turnaround, 50, -3ms);  // a pseudo-terminal has no speed
  EXPECT_EQ(turnaround.p99(), 0ms);
}

}  // namespace
}  // namespace esshub::protocol
