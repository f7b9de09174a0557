#include "actors/disk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

TEST_F(DiskTest, AFileOfAnotherUserIsRefused) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
  ASSERT_EQ(::chmod(dir_.c_str(), 0755), 0);
  std::ofstream{dir_ / "state.json"} << "of root's";
  ASSERT_EQ(::chmod((dir_ / "state.json").c_str(), 0600), 0);
  ASSERT_EQ(::seteuid(12), 0);
  const auto text = Disk{dir_ / "state.json"}.read();
  ASSERT_EQ(::seteuid(0), 0);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::refused);
}

TEST_F(DiskTest, WhatCannotBeDoneNamesTheFile) {
  std::ofstream{dir_ / "file"} << "no folder";
  Disk disk{dir_ / "file" / "state.json"};
  const auto replaced = disk.replace("x");
  ASSERT_FALSE(replaced);
  EXPECT_EQ(replaced.error().kind, ErrorKind::io);
  EXPECT_THAT(replaced.error().detail, HasSubstr("state.json"));
  const auto folder = Disk{dir_}.read();
  ASSERT_FALSE(folder) << "a folder is no file";
  EXPECT_EQ(folder.error().kind, ErrorKind::io);
}

}  // namespace
}  // namespace esshub::actors
