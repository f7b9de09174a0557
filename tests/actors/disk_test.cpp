#include "actors/disk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace esshub::actors {
namespace {

using testing::HasSubstr;

class DiskTest : public testing::Test {
 protected:
  ~DiskTest() override { std::filesystem::remove_all(dir_); }
  const std::filesystem::path dir_ = [] {
    std::string pattern = std::filesystem::temp_directory_path() / "esshub-disk.XXXXXX";
    return std::filesystem::path{::mkdtemp(pattern.data())};
  }();
};

TEST_F(DiskTest, WhatIsReplacedIsReadAndNothingIsLeftBeside) {
  Disk disk{dir_ / "new" / "state.json"};
  const auto nothing = disk.read();
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(*nothing);
  ASSERT_TRUE(disk.replace(std::string(10000, 'a')));
  ASSERT_TRUE(disk.replace("short"));
  EXPECT_EQ(disk.read().value(), "short");
  for (const auto& entry : std::filesystem::directory_iterator{dir_ / "new"})
    EXPECT_EQ(entry.path().filename(), "state.json");
}

TEST_F(DiskTest, ADamagedFileIsSetAsideWithItsTime) {
  Disk disk{dir_ / "state.json"};
  EXPECT_FALSE(disk.quarantine(WallTime{} + 1700000000s)) << "there is none";
  ASSERT_TRUE(disk.replace("damaged"));
  const auto moved_to = disk.quarantine(WallTime{} + 1700000000s);
  ASSERT_TRUE(moved_to);
  EXPECT_EQ(*moved_to, dir_ / "state.json.damaged-1700000000");
  EXPECT_FALSE(disk.read().value());
  std::string text;
  std::ifstream{*moved_to} >> text;
  EXPECT_EQ(text, "damaged");
}

TEST_F(DiskTest, WhatCannotBeDoneNamesTheFile) {
  std::ofstream{dir_ / "file"} << "no folder";
  Disk disk{dir_ / "file" / "state.json"};
  const auto replaced = disk.replace("x");
  ASSERT_FALSE(replaced);
  EXPECT_EQ(replaced.error().kind, ErrorKind::io);
  EXPECT_THAT(replaced.error().detail, HasSubstr("state.json"));
  EXPECT_FALSE(Disk{dir_}.read()) << "a folder is no file";
}

}  // namespace
}  // namespace esshub::actors
