#include "publish/history/database/writer.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "tests/publish/history/house.hpp"
#include "tests/publish/history/lookings.hpp"

namespace esshub::publish {
namespace {

namespace fs = std::filesystem;

/// The system's, while nothing may be written to it.
class ReadOnlyDisk : public HistoryDisk {
 public:
  ReadOnlyDisk() {
    vfs_.zName = "read-only";
    vfs_.xOpen = [](sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out) {
      sqlite3_vfs* const system = sqlite3_vfs_find(nullptr);
      if ((flags & SQLITE_OPEN_MAIN_DB) != 0) {
        flags &= ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
        flags |= SQLITE_OPEN_READONLY;
      }
      return system->xOpen(system, path, file, flags, out);
    };
    sqlite3_vfs_register(&vfs_, 0);
  }
  ~ReadOnlyDisk() override { sqlite3_vfs_unregister(&vfs_); }
  [[nodiscard]] const char* vfs() const override { return vfs_.zName; }

 private:
  sqlite3_vfs vfs_ = *sqlite3_vfs_find(nullptr);
};

/// Without a thread: who calls it says when the disk works.
class HistoryWriterTest : public testing::Test {
 protected:
  HistoryWriterTest() {
    std::string pattern = fs::temp_directory_path() / "esshub-history.XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    settings_.file = dir_ / "history.db";
    begin();
  }
  ~HistoryWriterTest() override { fs::remove_all(dir_); }

  void begin(HistoryDisk& disk = disk_of_system()) {
    writer_.emplace(
        settings_, [](const std::string&, const Event&) {},
        [this](bool failed) { failed_ = failed; }, disk);
  }
  void pass(Duration time) {
    for (Duration gone{}; gone < time; gone += 1s) {
      house_.pass(1s);
      writer_->update(house_.view);
    }
  }
  std::size_t minutes() {
    auto file = HistoryFile::open_to_read(settings_.file);
    return file ? file->minutes(WallTime{}, WallTime{std::chrono::hours{1'000'000}})->size() : 0;
  }

  fs::path dir_;
  HistorySettings settings_;
  HistoryHouse house_{1'790'000'000};
  bool failed_ = false;
  std::optional<HistoryWriter> writer_;
};

TEST_F(HistoryWriterTest, AsksForAWriteAfterEachBatchOnceItHasBegun) {
  pass(1s);
  EXPECT_TRUE(writer_->due());  // until it has begun
  writer_->begin();
  writer_->check();
  EXPECT_FALSE(writer_->due());
  pass(1s);
  EXPECT_TRUE(writer_->due());
  EXPECT_TRUE(writer_->write(false));
  pass(5s);
  EXPECT_FALSE(writer_->due());
  pass(settings_.batch);
  EXPECT_TRUE(writer_->due());
  EXPECT_TRUE(writer_->write(false));
  EXPECT_EQ(minutes(), 5u);
}

TEST_F(HistoryWriterTest, ADiskThatDoesNotAnswerForAMinuteIsAFault) {
  writer_->begin();
  pass(60s);
  EXPECT_FALSE(failed_);
  pass(2s);
  EXPECT_TRUE(failed_);
  EXPECT_TRUE(writer_->write(false));
  EXPECT_FALSE(failed_);
}

TEST_F(HistoryWriterTest, AnotherFileInItsPlaceIsLookedThroughBeforeItIsWrittenTo) {
  writer_->begin();
  pass(120s);
  EXPECT_TRUE(writer_->finish());
  const fs::path other = dir_ / "other.db";
  fs::copy_file(settings_.file, other);
  {  // a table that neither opening nor writing touches
    std::fstream spoiled(other, std::ios::in | std::ios::out | std::ios::binary);
    spoiled.seekp(6 * 4096);
    spoiled << std::string(4096, 'x');
  }
  begin();
  writer_->begin();
  writer_->check();
  pass(120s);
  EXPECT_TRUE(writer_->write(false));
  for (const char* part : {"", "-wal", "-shm"}) fs::remove(settings_.file + part);
  fs::rename(other, settings_.file);  // a disk that was pulled and came back
  pass(120s);
  EXPECT_TRUE(writer_->write(false));
  EXPECT_TRUE(fs::exists(settings_.file + ".damaged-1"));
}

TEST_F(HistoryWriterTest, AFileThatCanOnlyBeReadIsNotLookedThroughWithEachTry) {
  writer_->begin();
  pass(120s);
  EXPECT_TRUE(writer_->finish());
  ReadOnlyDisk disk;
  const Lookings lookings;
  begin(disk);
  writer_->begin();
  writer_->check();
  EXPECT_GT(writer_->totals()[Flow::grid_import], 0.0) << "the counters go on";
  for (int i = 0; i < 10; ++i) {
    pass(60s);
    EXPECT_FALSE(writer_->write(false));
  }
  EXPECT_LE(lookings.count(), 1);
}

/// What a program before could not make durable: a power cut would take it from under this one.
TEST_F(HistoryWriterTest, WhatAStartFindsIsDurableBeforeAllIsSaidToBeWritten) {
  writer_->begin();
  pass(120s);
  EXPECT_TRUE(writer_->write(false));
  const std::string killed = dir_ / "killed.db", alone = dir_ / "alone.db";
  for (const char* part : {"", "-wal"}) fs::copy_file(settings_.file + part, killed + part);
  settings_.file = killed;
  begin();
  writer_->begin();
  writer_->check();
  EXPECT_TRUE(writer_->write(false)) << "nothing waits";
  fs::copy_file(killed, alone);
  settings_.file = alone;
  EXPECT_EQ(minutes(), 2u);
}

TEST_F(HistoryWriterTest, FinishesWithTheMinuteThatIsUnderWayAndGoesOnAfterwards) {
  writer_->begin();
  pass(90s);
  EXPECT_TRUE(writer_->finish());
  const auto kept = minutes();
  EXPECT_GE(kept, 2u);
  begin();
  writer_->begin();
  EXPECT_GT(writer_->totals()[Flow::grid_import], 0.0);
  pass(90s);
  EXPECT_TRUE(writer_->finish());
  EXPECT_GT(minutes(), kept);
}

}  // namespace
}  // namespace esshub::publish
