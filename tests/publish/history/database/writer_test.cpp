#include "publish/history/database/writer.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/publish/history/database/failing_disk.hpp"
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
  void pass(Duration time, double grid_w = 1000.0) {
    for (Duration gone{}; gone < time; gone += 1s) {
      house_.pass(1s, grid_w);
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

/// Of an older state, so that the log cannot be emptied: a backup, an export.
TEST_F(HistoryWriterTest, WhileSomebodyReadsWhatAStartFindsIsDurableInTheLogAndSettledAfterwards) {
  writer_->begin();
  pass(120s);
  EXPECT_TRUE(writer_->write(false));
  const std::string killed = dir_ / "killed.db", alone = dir_ / "alone.db";
  for (const char* part : {"", "-wal"}) fs::copy_file(settings_.file + part, killed + part);
  const auto run = [&](sqlite3*& db, const char* sql) {
    if (db == nullptr) sqlite3_open(killed.c_str(), &db);
    EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  };
  sqlite3 *reader = nullptr, *before = nullptr;
  run(reader, "BEGIN; SELECT count(*) FROM minutes");
  run(before, "INSERT INTO minutes(begin, grid_w) VALUES(60, 1)");
  sqlite3_close(before);
  settings_.file = killed;
  FailingDisk disk;
  begin(disk);
  writer_->begin();
  writer_->check();
  EXPECT_TRUE(writer_->write(false));
  disk.at = FailingDisk::At::sync;
  EXPECT_FALSE(writer_->write(false)) << "nothing waits, but it is in the log alone";
  disk.at = FailingDisk::At::never;
  EXPECT_TRUE(writer_->write(false));
  sqlite3_close(reader);
  EXPECT_TRUE(writer_->write(false));
  fs::copy_file(killed, alone);
  writer_.reset();
  settings_.file = alone;
  EXPECT_EQ(minutes(), 3u);
}

/// A batch whose sync failed is in the file once it is opened again; one that was not written, not.
TEST_F(HistoryWriterTest, ABatchThatTheDiskRefusedIsCountedOnceWhetherItIsThereOrNot) {
  using Rows = std::vector<MinuteRow>;
  const auto asked = [&] {
    return writer_
        ->ask<Rows>([](HistoryFile& file) { return file.minutes({}, WallTime::max()); },
                    [](Rows& rows, const HistoryBatch& waiting) {
                      rows.insert(rows.end(), waiting.minutes.begin(), waiting.minutes.end());
                    })
        .value()
        .size();
  };
  using At = FailingDisk::At;
  for (const auto& [at, grid_w] : {std::pair{At::sync, 1000.0}, std::pair{At::sync, 0.0},
                                   std::pair{At::write, 1000.0}, std::pair{At::write, 0.0}}) {
    const std::string name = std::to_string(static_cast<int>(at)) + "-" + std::to_string(grid_w);
    SCOPED_TRACE(name);
    settings_.file = dir_ / name;
    FailingDisk disk;
    begin(disk);
    const double before = house_.view.energies[Flow::grid_import] + 1000.0;  // of the first second
    writer_->begin();
    writer_->check();
    pass(120s);
    EXPECT_TRUE(writer_->write(false));
    const auto first = asked();
    for (int tries = 1; tries <= 3; ++tries) {
      disk.at = at;
      writer_->note("system", "noted", "");
      pass(60s, grid_w);
      EXPECT_FALSE(writer_->write(false));
      disk.at = At::never;
      EXPECT_EQ(asked(), first + static_cast<std::size_t>(tries)) << "once also for who asks";
    }
    pass(1s, grid_w);
    EXPECT_TRUE(writer_->write(false));
    auto file = HistoryFile::open_to_read(settings_.file);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->totals().value()->flowed[Flow::grid_import],
              house_.view.energies[Flow::grid_import] - before);
    EXPECT_EQ(
        std::ranges::count(*file->events({}, WallTime::max(), 100), "noted", &HistoryEvent::name),
        3);
    writer_.reset();
  }
}

TEST_F(HistoryWriterTest, ABatchOfWhichTheDiskTellsNothingIsLookedForAgain) {
  for (const double grid_w : {1000.0, 0.0})
    for (int reads = 0; reads < 20; ++reads) {
      SCOPED_TRACE(std::to_string(reads) + " reads, " + std::to_string(grid_w));
      settings_.file = dir_ / (std::to_string(reads) + "-" + std::to_string(grid_w));
      FailingDisk disk;
      begin(disk);
      const double before = house_.view.energies[Flow::grid_import] + 1000.0;
      writer_->begin();
      writer_->check();
      pass(120s);
      EXPECT_TRUE(writer_->write(false));
      disk.at = FailingDisk::At::sync;
      writer_->note("system", "noted", "");
      pass(60s, grid_w);
      EXPECT_FALSE(writer_->write(false));
      disk.reads = reads;
      disk.at = FailingDisk::At::read_once;
      writer_->write(false);
      disk.at = FailingDisk::At::never;
      writer_->write(false);
      pass(1s, grid_w);
      EXPECT_TRUE(writer_->write(false));
      EXPECT_FALSE(fs::exists(settings_.file + ".damaged-1"));
      auto file = HistoryFile::open_to_read(settings_.file);
      ASSERT_TRUE(file);
      EXPECT_EQ(
          std::ranges::count(*file->events({}, WallTime::max(), 100), "noted", &HistoryEvent::name),
          1);
      EXPECT_EQ(file->totals().value()->flowed[Flow::grid_import],
                house_.view.energies[Flow::grid_import] - before);
      writer_.reset();
    }
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
