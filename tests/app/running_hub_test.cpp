#include "app/running_hub.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>
#include <string>

#include "app/commands.hpp"

namespace esshub::app {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;

class RunningHubTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "running_hub.XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }
  void process(int number, const std::string& command_line) const {
    const auto folder = folder_ / std::to_string(number);
    fs::create_directories(folder);
    std::ofstream{folder / "cmdline"} << command_line;
  }

  fs::path folder_;
};

TEST_F(RunningHubTest, IsFoundByItsCommandLineAndConfiguration) {
  process(5, "/usr/bin/esshub\0sniff\0--port\0x\0"s);
  process(6, "cat\0run\0--config\0/a.toml\0"s);
  process(7, "/usr/bin/esshub\0run\0--config\0/a.toml\0"s);
  process(8, "esshub\0run\0--config=/b.toml\0"s);
  fs::create_directories(folder_ / "self");
  EXPECT_FALSE(hub_of(5, folder_)) << "a tool";
  EXPECT_FALSE(hub_of(6, folder_)) << "another program";
  ASSERT_TRUE(running_hub("/a.toml", folder_));
  EXPECT_EQ(running_hub("/a.toml", folder_)->process, 7);
  EXPECT_EQ(running_hub("/b.toml", folder_)->process, 8);
  EXPECT_FALSE(running_hub("/c.toml", folder_));
}

TEST_F(RunningHubTest, AnyHubIsFoundWhateverItsConfiguration) {
  process(5, "/usr/bin/esshub\0sniff\0--write\0run\0"s);
  process(6, "esshub\0init\0run\0"s);
  EXPECT_FALSE(any_running_hub(folder_)) << "a file of that name";
  process(7, "/usr/bin/esshub\0run\0--config\0/a.toml\0"s);
  ASSERT_TRUE(any_running_hub(folder_));
  EXPECT_EQ(any_running_hub(folder_)->process, 7);
  EXPECT_EQ(any_running_hub(folder_)->config, "/a.toml");
}

TEST_F(RunningHubTest, WithoutAFileItRunsTheUsualOne) {
  process(9, "esshub\0run\0"s);
  EXPECT_EQ(running_hub(usual_config, folder_)->process, 9);
}

TEST_F(RunningHubTest, TheSameFileByAnotherNameIsTheSame) {
  std::ofstream{folder_ / "real.toml"} << "";
  fs::create_symlink(folder_ / "real.toml", folder_ / "link.toml");
  process(10, "esshub\0run\0--config\0"s + (folder_ / "link.toml").string() + "\0"s);
  EXPECT_TRUE(running_hub(folder_ / "real.toml", folder_));
}

TEST_F(RunningHubTest, AProcessThatIsGoneIsNone) {
  EXPECT_FALSE(hub_of(77, folder_));
  EXPECT_FALSE(running_hub("/a.toml", folder_ / "nowhere"));
}

}  // namespace
}  // namespace esshub::app
