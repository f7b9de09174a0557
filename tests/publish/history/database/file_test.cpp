#include "publish/history/database/file.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/publish/history/database/store.hpp"

namespace esshub::publish {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;

TEST_F(HistoryStoreTest, AFileOfANewerVersionIsLeftAlone) {
  open();
  run(1min);
  close();
  number("PRAGMA user_version=99");
  open();
  run(1min);
  EXPECT_FALSE(store_->flush());
  run(1s);
  EXPECT_TRUE(failed_);
  close();
  EXPECT_THAT(log(), Contains(HasSubstr("newer version")));
  EXPECT_EQ(number("PRAGMA user_version"), 99);
  EXPECT_FALSE(fs::exists(dir_ / "history.db.damaged-1"));
}

TEST_F(HistoryStoreTest, ADatabaseOfAnotherProgramIsLeftAlone) {
  std::ofstream(settings_.file).close();
  number("CREATE TABLE theirs(x)");
  open();
  run(1min);
  EXPECT_FALSE(store_->flush());
  close();
  EXPECT_THAT(log(), Contains(HasSubstr("another program")));
  EXPECT_EQ(number("SELECT count(*) FROM sqlite_master"), 1);
}

TEST_F(HistoryStoreTest, WhatRootWritesBelongsToTheOwnerOfTheFolder) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives away";
  ASSERT_EQ(::chown(dir_.c_str(), 12, 34), 0);
  open();
  run(1min);
  ASSERT_TRUE(store_->flush());
  for (const char* part : {"", "-wal", "-shm"}) {
    struct stat about {};
    ASSERT_EQ(::stat((settings_.file + part).c_str(), &about), 0) << part;
    EXPECT_EQ(about.st_uid, 12u) << part;
    EXPECT_EQ(about.st_gid, 34u) << part;
  }
}

TEST_F(HistoryStoreTest, AnEmptyFileIsMadeIntoAHistory) {
  std::ofstream(settings_.file).close();
  open();
  run(1min);
  EXPECT_TRUE(store_->flush());
  EXPECT_GT(number("PRAGMA user_version"), 0);
}

TEST_F(HistoryStoreTest, AReaderBesideTheHubDisturbsNoWrite) {
  open();
  run(2min);
  store_->flush();
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(settings_.file.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN; SELECT count(*) FROM minutes", nullptr, nullptr, nullptr),
            SQLITE_OK);
  run(2min);
  EXPECT_TRUE(store_->flush());
  auto beside = open_history(settings_.file);
  ASSERT_TRUE(beside);
  EXPECT_THAT((*beside)->minutes(at(noon), at(noon + 3600)).value(), SizeIs(4));
  sqlite3_close(other);
}

}  // namespace
}  // namespace esshub::publish
