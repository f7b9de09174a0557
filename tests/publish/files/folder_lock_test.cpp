#include "publish/files/folder_lock.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

namespace esshub::publish {
namespace {

using Use = FolderLock::Use;

class FolderLockTest : public testing::Test {
 protected:
  ~FolderLockTest() override { std::filesystem::remove_all(dir_); }
  const std::filesystem::path dir_ = [] {
    std::string pattern = std::filesystem::temp_directory_path() / "esshub-lock.XXXXXX";
    return std::filesystem::path{::mkdtemp(pattern.data())};
  }();
};

TEST_F(FolderLockTest, NobodyIsAloneBesideWhoeverUsesIt) {
  {
    const auto hub = FolderLock::take(dir_, Use::shared);
    ASSERT_TRUE(hub);
    EXPECT_TRUE(FolderLock::take(dir_, Use::shared));
    const auto alone = FolderLock::take(dir_, Use::alone);
    ASSERT_FALSE(alone);
    EXPECT_EQ(alone.error().kind, ErrorKind::refused);
  }
  EXPECT_TRUE(FolderLock::take(dir_, Use::alone)) << "it is let go with its holder";
}

TEST_F(FolderLockTest, NobodyUsesItBesideOneWhoIsAlone) {
  const auto restore = FolderLock::take(dir_, Use::alone);
  ASSERT_TRUE(restore);
  for (const Use use : {Use::shared, Use::alone}) {
    const auto other = FolderLock::take(dir_, use);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().kind, ErrorKind::refused);
  }
}

TEST_F(FolderLockTest, WhatIsNotThereIsNoRefusal) {
  const auto none = FolderLock::take(dir_ / "none", Use::shared);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::io);
  EXPECT_EQ(none.error().detail,
            "cannot lock " + (dir_ / "none").string() + ": No such file or directory");
}

}  // namespace
}  // namespace esshub::publish
