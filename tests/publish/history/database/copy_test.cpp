#include "publish/history/database/copy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "publish/history/database/file.hpp"

namespace esshub::publish {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class HistoryCopyTest : public testing::Test {
 protected:
  ~HistoryCopyTest() override { fs::remove_all(dir_); }
  /// Minutes from the n-th on.
  static HistoryBatch minutes(std::int64_t first, std::int64_t count) {
    HistoryBatch batch;
    for (std::int64_t n = first; n < first + count; ++n) {
      auto& row = batch.minutes.emplace_back();
      row.begin = WallTime{std::chrono::minutes{n}};
      row.grid_w = 1.0;
    }
    return batch;
  }
  static std::size_t kept(const std::string& file) {
    return HistoryFile::open_to_read(file)->minutes(WallTime{}, WallTime::max())->size();
  }
  void sql(const std::string& file, const char* text) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, text, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
  }
  std::string empty_file() {
    std::ofstream{to_};
    return to_;
  }

  const fs::path dir_ = [] {
    std::string pattern = fs::temp_directory_path() / "esshub-copy.XXXXXX";
    return fs::path{::mkdtemp(pattern.data())};
  }();
  const std::string from_ = dir_ / "history.db";
  const std::string to_ = dir_ / "copy.db";
};

TEST_F(HistoryCopyTest, IsOfOneMomentWhileAnotherGoesOnWriting) {
  auto writing = HistoryFile::open_to_write(from_);
  ASSERT_TRUE(writing && writing->write(minutes(0, 200'000), {}));
  std::int64_t next = 200'000;
  std::uint64_t calls = 0;
  std::uint64_t last_done = 0;
  const auto schema = copy_history(from_, empty_file(), [&](std::uint64_t done, std::uint64_t all) {
    // A copy that began anew with each write would not end while there are any.
    ++calls;
    const bool written = calls >= 100 || writing->write(minutes(next++, 1), {});
    EXPECT_TRUE(written);
    EXPECT_GT(done, last_done);
    last_done = done;
    EXPECT_LE(done, all);
  });
  ASSERT_TRUE(schema) << schema.error().detail;
  EXPECT_GT(calls, 2U);
  EXPECT_LT(calls, 100U);
  EXPECT_EQ(kept(to_), 200'000U);
  EXPECT_GT(kept(from_), 200'000U);
  EXPECT_EQ(judge_history(to_).value_or(0), *schema);
  EXPECT_FALSE(fs::exists(to_ + "-wal")) << "it is whole by itself";
  EXPECT_FALSE(fs::exists(to_ + "-journal"));
}

TEST_F(HistoryCopyTest, OneThatIsInTheLogAloneIsCopiedToo) {
  auto writing = HistoryFile::open_to_write(from_);
  ASSERT_TRUE(writing && writing->write(minutes(0, 10), {}));
  ASSERT_TRUE(fs::file_size(from_ + "-wal") > 0);
  ASSERT_TRUE(copy_history(from_, empty_file(), {}));
  EXPECT_EQ(kept(to_), 10U);
}

TEST_F(HistoryCopyTest, ANewerSchemaIsNamed) {
  ASSERT_TRUE(HistoryFile::open_to_write(from_));
  sql(from_, "PRAGMA user_version=1000");
  const auto copied = copy_history(from_, empty_file(), {});
  ASSERT_FALSE(copied);
  EXPECT_EQ(copied.error().kind, ErrorKind::invalid);
  EXPECT_THAT(copied.error().detail, HasSubstr("(schema 1000)"));
  EXPECT_EQ(judge_history(from_).error().detail, copied.error().detail);
}

TEST_F(HistoryCopyTest, AnOlderSchemaStaysAsItIs) {
  ASSERT_TRUE(HistoryFile::open_to_write(from_));
  sql(from_,
      "DROP TABLE misdated_minutes; DROP TABLE misdated_days; DROP TABLE misdated_events;"
      "PRAGMA user_version=2");
  EXPECT_EQ(copy_history(from_, empty_file(), {}).value_or(0), 2);
  EXPECT_EQ(judge_history(to_).value_or(0), 2);
}

TEST_F(HistoryCopyTest, WhatIsNoneOrDamagedIsRefused) {
  std::ofstream{from_} << std::string(5000, 'x');
  EXPECT_FALSE(copy_history(from_, empty_file(), {}));
  EXPECT_EQ(judge_history(dir_ / "none").error().kind, ErrorKind::io);
  fs::remove(from_);
  {
    auto writing = HistoryFile::open_to_write(from_);
    ASSERT_TRUE(writing && writing->write(minutes(0, 5000), {}));
  }
  std::fstream damage{from_, std::ios::in | std::ios::out | std::ios::binary};
  damage.seekp(static_cast<std::streamoff>(fs::file_size(from_) / 2 / 4096 * 4096));
  damage << std::string(4096, 'x');
  damage.close();
  const auto judged = judge_history(from_);
  ASSERT_FALSE(judged);
  EXPECT_EQ(judged.error().kind, ErrorKind::invalid);
  EXPECT_FALSE(copy_history(from_, empty_file(), {}));
}

}  // namespace
}  // namespace esshub::publish
