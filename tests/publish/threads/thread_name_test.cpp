#include "publish/threads/thread_name.hpp"

#include <gtest/gtest.h>

#include <array>
#include <thread>

namespace esshub::publish {
namespace {

TEST(ThreadName, IsTheFirst15CharactersOfWhatItIsCalled) {
  std::thread{[] {
    name_thread("a name of more than 15");
    std::array<char, 32> name{};
    ASSERT_EQ(::pthread_getname_np(::pthread_self(), name.data(), name.size()), 0);
    EXPECT_EQ(std::string{name.data()}, "a name of more ");
  }}.join();
}

}  // namespace
}  // namespace esshub::publish
