#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "publish/web/server/auth.hpp"
#include "tests/app/child.hpp"

namespace esshub::tests {
namespace {

using testing::HasSubstr;

/// The example's configuration with a folder of its own for the state.
class Password : public testing::Test {
 protected:
  Password() {
    std::string pattern = std::filesystem::temp_directory_path() / "esshub-password.XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    std::ifstream example{ESSHUB_SOURCE_DIR "/deploy/esshub.example.toml"};
    std::string text{std::istreambuf_iterator<char>{example}, {}};
    const std::string there = "state_dir = \"/var/lib/esshub\"";
    text.replace(text.find(there), there.size(), "state_dir = \"" + dir_.string() + "\"");
    std::ofstream{dir_ / "esshub.toml"} << text;
  }
  ~Password() override { std::filesystem::remove_all(dir_); }
  /// Types it, without a terminal; the exit status.
  int set(const std::string& input) {
    Child program{{"password", "--config", dir_ / "esshub.toml"}};
    program.type(input);
    program.end_input();
    said_ = program.errors();
    return program.status();
  }
  std::filesystem::path dir_;
  std::string said_;
};

TEST_F(Password, OneLineOfStdinIsKeptAsAHash) {
  EXPECT_EQ(set("correct horse\n"), 0) << said_;
  const auto hash = publish::read_password(dir_);
  ASSERT_TRUE(hash && *hash);
  EXPECT_TRUE(publish::password_matches(**hash, "correct horse"));
}

TEST_F(Password, WhatIsNoneLeavesTheOldOneAsItIs) {
  EXPECT_EQ(set(""), 1);
  EXPECT_THAT(said_, HasSubstr("stdin holds no line"));
  EXPECT_EQ(set("short\n"), 1);
  EXPECT_THAT(said_, HasSubstr("esshub password: "));
  const auto hash = publish::read_password(dir_);
  ASSERT_TRUE(hash);
  EXPECT_FALSE(*hash);
}

}  // namespace
}  // namespace esshub::tests
