#include "actors/state_keeper.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace esshub::actors {
namespace {

class StateKeeperTest : public testing::Test {
 protected:
  ~StateKeeperTest() override { std::filesystem::remove_all(dir_); }
  [[nodiscard]] KeeperDeps deps(const std::filesystem::path& file) {
    return {file, [](const std::string&, const Event&) {},
            [this](bool failed) { failed_ = failed ? 1 : 0; }, 10ms};
  }
  static service::SavedState scheduled() {
    service::SavedState state;
    state.mode = Mode::scheduled;
    return state;
  }
  bool comes_to(int failed) const {
    for (int i = 0; i < 1000 && failed_ != failed; ++i) std::this_thread::sleep_for(5ms);
    return failed_ == failed;
  }
  const std::filesystem::path dir_ = [] {
    std::string pattern = std::filesystem::temp_directory_path() / "esshub-keeper.XXXXXX";
    return std::filesystem::path{::mkdtemp(pattern.data())};
  }();
  std::atomic<int> failed_ = -1;
};

TEST_F(StateKeeperTest, WhatWaitsIsWrittenAtTheEnd) {
  const WallTime now = WallTime{} + 1700000000s;
  {
    StateKeeper keeper{deps(dir_ / "state.json")};
    EXPECT_FALSE(keeper.load(now));
    keeper.keep(scheduled());
  }
  StateKeeper next{deps(dir_ / "state.json")};
  const auto state = next.load(now);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->mode, Mode::scheduled);
}

TEST_F(StateKeeperTest, ADiskThatFailsIsToldAndTriedAgain) {
  std::ofstream{dir_ / "place"} << "no folder";
  StateKeeper keeper{deps(dir_ / "place" / "state.json")};
  keeper.keep(scheduled());
  EXPECT_TRUE(comes_to(1));
  std::filesystem::remove(dir_ / "place");
  EXPECT_TRUE(comes_to(0));
  EXPECT_TRUE(std::filesystem::exists(dir_ / "place" / "state.json"));
}

TEST_F(StateKeeperTest, ADamagedFileThatCouldNotBeMovedIsMovedOnceItCan) {
  const WallTime now = WallTime{} + 1700000000s;
  const auto file = dir_ / "state.json";
  const auto taken = dir_ / "state.json.damaged-1700000000";
  std::ofstream{file} << "?";
  std::filesystem::create_directory(taken);
  StateKeeper keeper{deps(file)};
  EXPECT_FALSE(keeper.load(now));
  EXPECT_TRUE(comes_to(1));
  std::filesystem::remove(taken);
  EXPECT_TRUE(comes_to(0)) << "also when there is nothing new to keep";
  EXPECT_EQ(std::filesystem::file_size(taken), 1u);
  EXPECT_GT(std::filesystem::file_size(file), 1u);
}

}  // namespace
}  // namespace esshub::actors
