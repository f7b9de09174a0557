#include "actors/realtime.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>

#include <array>
#include <string>
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
    if (refused.empty()) EXPECT_EQ(parameters.sched_priority, 1);
  }}.join();
}

TEST(Realtime, AThreadHasTheFirst15CharactersOfItsName) {
  std::thread{[] {
    name_thread("a name of more than 15");
    std::array<char, 32> name{};
    ASSERT_EQ(::pthread_getname_np(::pthread_self(), name.data(), name.size()), 0);
    EXPECT_EQ(std::string{name.data()}, "a name of more ");
  }}.join();
}

}  // namespace
}  // namespace esshub::actors
