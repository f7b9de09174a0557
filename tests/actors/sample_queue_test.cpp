#include "actors/sample_queue.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace esshub::actors {
namespace {

Sample numbered(double n) {
  return {{Point::grid, Measure::power}, n, Instant{}};
}

TEST(SampleQueue, KeepsTheOrder) {
  SampleQueue queue;
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(queue.push(numbered(i)));
  Sample sample{};
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(queue.pop(sample));
    ASSERT_EQ(sample.value, i);
  }
  EXPECT_FALSE(queue.pop(sample));
}

TEST(SampleQueue, DropsTheNewestWhenFullAndCountsEachDrop) {
  SampleQueue queue(64);
  int taken = 0;
  while (queue.push(numbered(taken))) ++taken;
  EXPECT_GE(taken, 64);
  EXPECT_FALSE(queue.push(numbered(-1)));
  EXPECT_EQ(queue.dropped(), 2u);
  Sample sample{};
  for (int i = 0; i < taken; ++i) {
    ASSERT_TRUE(queue.pop(sample));
    ASSERT_EQ(sample.value, i);
  }
  EXPECT_FALSE(queue.pop(sample));
}

TEST(SampleQueue, HasRoomAgainOnceDrained) {
  SampleQueue queue(64);
  Sample sample{};
  for (int round = 0; round < 100; ++round) {
    while (queue.push(numbered(round))) {
    }
    while (queue.pop(sample)) ASSERT_EQ(sample.value, round);
  }
  EXPECT_EQ(queue.dropped(), 100u);
}

TEST(SampleQueue, OneProducerOnChangingThreadsAndOneConsumerLoseNothing) {
  SampleQueue queue(256);
  constexpr int batches = 20;
  constexpr int batch = 1000;
  // As a pooled actor: one thread after the other, never two at once.
  std::thread hopping([&] {
    for (int b = 0; b < batches; ++b)
      std::thread([&queue, b] {
        for (int i = 0; i < batch; ++i)
          while (!queue.push(numbered(b * batch + i))) std::this_thread::yield();
      }).join();
  });
  Sample sample{};
  for (int expected = 0; expected < batches * batch;) {
    if (!queue.pop(sample)) {
      std::this_thread::yield();
      continue;
    }
    if (sample.value != expected) {
      ADD_FAILURE() << sample.value << " instead of " << expected;
      break;
    }
    ++expected;
  }
  while (queue.pop(sample)) {
  }
  hopping.join();
}

}  // namespace
}  // namespace esshub::actors
