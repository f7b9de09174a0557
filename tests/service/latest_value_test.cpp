#include "service/latest_value.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <thread>

namespace esshub::service {
namespace {

TEST(LatestValue, HasNothingBeforeTheFirst) {
  LatestValue<int> slot;
  EXPECT_EQ(slot.take(), nullptr);
}

TEST(LatestValue, GivesTheNewestOnceAndForgetsTheOlder) {
  LatestValue<std::string> slot;
  for (int round = 0; round < 7; ++round) {
    for (int i = 0; i <= round; ++i) slot.publish(std::to_string(10 * round + i));
    const auto* const newest = slot.take();
    ASSERT_NE(newest, nullptr);
    EXPECT_EQ(*newest, std::to_string(11 * round));
    EXPECT_EQ(slot.take(), nullptr);
  }
}

TEST(LatestValue, WhatWasTakenStaysWhileOthersAreWritten) {
  LatestValue<int> slot;
  slot.publish(1);
  const auto* const taken = slot.take();
  for (int i = 2; i < 9; ++i) {
    slot.publish(i);
    ASSERT_EQ(*taken, 1);
  }
  EXPECT_EQ(*slot.take(), 8);
}

TEST(LatestValue, EachThatWasTakenStaysUntilTheNextIs) {
  LatestValue<int> slot;
  for (int round = 1; round < 9; ++round) {
    slot.publish(10 * round);
    const auto* const taken = slot.take();
    ASSERT_NE(taken, nullptr);
    slot.publish(10 * round + 1);
    slot.publish(10 * round + 2);
    ASSERT_EQ(*taken, 10 * round);
  }
}

/// Large enough to be torn if two threads ever had the same cell.
struct Wide {
  std::array<std::uint64_t, 64> words{};
};

TEST(LatestValue, TwoThreadsNeverSeeAHalfWrittenValueNorAnOlderOne) {
  LatestValue<Wide> slot;
  constexpr std::uint64_t last = 200'000;
  std::jthread writer([&] {
    Wide value;
    for (std::uint64_t n = 1; n <= last; ++n) {
      value.words.fill(n);
      slot.publish(value);
    }
  });
  std::uint64_t seen = 0;
  while (seen < last) {
    const auto* const value = slot.take();
    if (!value) continue;
    ASSERT_GT(value->words[0], seen);
    seen = value->words[0];
    for (const auto word : value->words) ASSERT_EQ(word, seen);
  }
}

}  // namespace
}  // namespace esshub::service
