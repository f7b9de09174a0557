#include "publish/threads/timed_mutex.hpp"

#include <gtest/gtest.h>

#include <future>
#include <mutex>

namespace esshub::publish {
namespace {

TEST(TimedMutex, IsWaitedForAsLongAsWasSaidAndNoLonger) {
  TimedMutex mutex;
  std::unique_lock first(mutex);
  EXPECT_FALSE(std::unique_lock(mutex, 1ms).owns_lock());
  auto second = std::async(std::launch::async,
                           [&] { return std::unique_lock(mutex, Duration{1min}).owns_lock(); });
  first.unlock();
  EXPECT_TRUE(second.get());
  EXPECT_TRUE(std::unique_lock(mutex, Duration{}).owns_lock()) << "it was given back";
}

TEST(TimedMutex, OneAtATimeHasIt) {
  TimedMutex mutex;
  int count = 0;
  const auto work = [&] {
    for (int i = 0; i < 1000; ++i) {
      const std::lock_guard lock(mutex);
      ++count;
    }
  };
  auto other = std::async(std::launch::async, work);
  work();
  other.wait();
  EXPECT_EQ(count, 2000);
}

}  // namespace
}  // namespace esshub::publish
