#include "feed/schedule.hpp"

#include <gtest/gtest.h>

namespace esshub::feed {
namespace {

using namespace std::chrono_literals;

constexpr double last = 0.999999;  // of what random() gives

TEST(Schedule, AnAnswerIsFollowedByThePauseAndUpToATenthMore) {
  Schedule schedule{30min};
  EXPECT_EQ(schedule.answered(0.0), 30min);
  EXPECT_EQ(schedule.answered(0.5), 31min + 30s);
  EXPECT_LT(schedule.answered(last), 33min);
  EXPECT_EQ(schedule.failures(), 0);
}

TEST(Schedule, FailuresAreFollowedByLongerAndLongerPauses) {
  Schedule schedule{30min};
  for (const auto pause : {1min, 2min, 4min, 8min, 16min, 30min, 30min, 30min})
    EXPECT_EQ(schedule.failed(0.0), pause);
  EXPECT_EQ(schedule.failures(), 8);
  EXPECT_EQ(schedule.failed(0.5), 37min + 30s);
  EXPECT_EQ(schedule.answered(0.0), 30min);
  EXPECT_EQ(schedule.failed(0.0), 1min) << "it begins anew";
  for (int n = 0; n < 5000; ++n) (void)schedule.failed(0.0);
  EXPECT_EQ(schedule.failed(0.0), 30min);
}

TEST(Schedule, NoPauseIsShorterThanWhatTheSourceAsksFor) {
  Schedule schedule{30min};
  EXPECT_EQ(schedule.failed(0.0, 600s), 600s);
  EXPECT_EQ(schedule.failed(0.0, 1s), 2min);
  EXPECT_EQ(schedule.failed(0.0, 100h), 24h);
}

TEST(Schedule, AtNoRandomItAsksMoreOftenThanItMay) {
  for (double random = 0.0; random < 1.0; random += 0.01) {
    Schedule schedule{10min};
    for (int n = 0; n < 100; ++n) ASSERT_GE(schedule.failed(random), 1min);
    ASSERT_GE(schedule.answered(random), 10min);
  }
}

TEST(Schedule, WhoIsStartedAgainAsksNoMoreOften) {
  EXPECT_EQ(first_pause(30min, {}), 0s);
  EXPECT_EQ(first_pause(30min, 10min), 20min);
  EXPECT_EQ(first_pause(30min, 0s), 30min);
  EXPECT_EQ(first_pause(30min, 30min), 0s);
  EXPECT_EQ(first_pause(30min, -1s), 0s) << "a clock that was wrong";
}

}  // namespace
}  // namespace esshub::feed
