#include "actors/realtime.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <thread>

namespace esshub::actors {
namespace {

TEST(Realtime, APriorityIsGrantedOrTheAnswerSaysHowToPermitIt) {
  std::thread{[] {
    const auto refused = ask_for_priority(1);
    int policy = 0;
    sched_param parameters{};
    ASSERT_EQ(::pthread_getschedparam(::pthread_self(), &policy, &parameters), 0);
    EXPECT_EQ(refused.empty(), (policy & ~SCHED_RESET_ON_FORK) == SCHED_FIFO) << refused;
    if (refused.empty()) {
      EXPECT_EQ(parameters.sched_priority, 1);
    }
  }}.join();
}

}  // namespace
}  // namespace esshub::actors
