#include "publish/files/replace_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>

namespace esshub::publish {
namespace {

using testing::StartsWith;
namespace fs = std::filesystem;

class ReplaceFileTest : public testing::Test {
 protected:
  ~ReplaceFileTest() override { fs::remove_all(dir_); }
  static std::string text(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  const fs::path dir_ = [] {
    std::string pattern = fs::temp_directory_path() / "esshub-file.XXXXXX";
    return fs::path{::mkdtemp(pattern.data())};
  }();
  const fs::path file_ = dir_ / "kept";
};

TEST_F(ReplaceFileTest, TheNewTextIsThereAloneWithItsMode) {
  ASSERT_TRUE(replace_file(file_, std::string(100'000, 'a'), 0600));
  EXPECT_EQ(text(file_), std::string(100'000, 'a'));
  ASSERT_TRUE(replace_file(file_, "short", 0600, [](int fd) { return ::fchmod(fd, 0604) == 0; }));
  EXPECT_EQ(text(file_), "short");
  EXPECT_EQ(fs::status(file_).permissions(), fs::perms{0604});
  EXPECT_EQ(std::distance(fs::directory_iterator{dir_}, {}), 1);
}

TEST_F(ReplaceFileTest, WhatCannotBeDoneIsSaidAndTheOldOneStays) {
  ASSERT_TRUE(replace_file(file_, "old", 0600));
  const auto refused = replace_file(file_, "new", 0600, [](int) {
    errno = EPERM;
    return false;
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::io);
  EXPECT_EQ(refused.error().detail,
            "cannot write " + file_.string() + ".new: Operation not permitted");
  EXPECT_EQ(text(file_), "old");
  EXPECT_THAT(replace_file(dir_ / "none" / "kept", "new", 0600).error().detail,
              StartsWith("cannot create " + (dir_ / "none").string()));
  fs::create_directory(dir_ / "folder");
  EXPECT_THAT(replace_file(dir_ / "folder", "new", 0600).error().detail,
              StartsWith("cannot replace "));
}

TEST_F(ReplaceFileTest, WhatRootWritesBelongsToTheOwnerOfTheFolder) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives away";
  ASSERT_EQ(::chown(dir_.c_str(), 12, 34), 0);
  ASSERT_TRUE(replace_file(file_, "new", 0600));
  struct stat about {};
  ASSERT_EQ(::stat(file_.c_str(), &about), 0);
  EXPECT_EQ(about.st_uid, 12u);
  EXPECT_EQ(about.st_gid, 34u);
}

/// Whoever may write into the folder must not have another file written to.
TEST_F(ReplaceFileTest, ALinkInItsWayIsNotFollowed) {
  ASSERT_TRUE(replace_file(dir_ / "other", "untouched", 0600));
  fs::create_symlink(dir_ / "other", dir_ / "kept.new");
  ASSERT_TRUE(replace_file(file_, "new", 0600));
  EXPECT_EQ(text(dir_ / "other"), "untouched");
  EXPECT_EQ(text(file_), "new");
  EXPECT_FALSE(fs::is_symlink(file_));
}

}  // namespace
}  // namespace esshub::publish
