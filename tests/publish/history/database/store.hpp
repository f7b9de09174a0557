// A store in a folder of its own, fed with the Views of a house.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "publish/history/database/store.hpp"
#include "tests/publish/history/house.hpp"

namespace esshub::publish {

namespace fs = std::filesystem;

class HistoryStoreTest : public testing::Test {
 protected:
  HistoryStoreTest() {
    std::string pattern = fs::temp_directory_path() / "esshub-history.XXXXXX";
    dir_ = ::mkdtemp(pattern.data());
    settings_.file = dir_ / "history.db";
  }
  ~HistoryStoreTest() override {
    store_.reset();
    fs::remove_all(dir_);
  }

  void open() {
    store_.reset();
    store_ = std::make_unique<HistoryStore>(
        settings_,
        [this](const std::string&, const Event& e) {
          const std::lock_guard lock(mutex_);
          log_.push_back(e.name + " " + e.detail);
        },
        [this](bool failed) { failed_ = failed; });
    start_ = store_->totals();
  }
  void close() { store_.reset(); }
  std::vector<std::string> log() {
    const std::lock_guard lock(mutex_);
    return log_;
  }
  /// Feeds Views as the publisher does, in a rush: the writer may fall minutes behind.
  void rush(Duration time, Duration step = 1s) {
    for (Duration gone{}; gone < time; gone += step) {
      house_.pass(step);
      house_.view.decision.faults.set(Fault::storage_failed, failed_, house_.view.now);
      store_->update(house_.view);
    }
  }
  /// The same with a writer that keeps up.
  void run(Duration time, Duration step = 1s) {
    for (Duration gone{}; gone < time; gone += 30 * step) {
      rush(std::min<Duration>(30 * step, time - gone), step);
      store_->flush();
    }
  }
  std::int64_t number(const std::string& sql) {
    sqlite3* db = nullptr;
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_open_v2(settings_.file.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr),
              SQLITE_OK);
    EXPECT_EQ(sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr), SQLITE_OK) << sql;
    const int code = sqlite3_step(statement);
    EXPECT_TRUE(code == SQLITE_ROW || code == SQLITE_DONE) << sqlite3_errmsg(db);
    const auto value = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return value;
  }
  static WallTime at(std::int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

  fs::path dir_;
  HistorySettings settings_;
  std::mutex mutex_;
  std::vector<std::string> log_;
  HistoryHouse house_{noon};
  EnergyTotals start_;
  std::atomic<bool> failed_ = false;
  std::unique_ptr<HistoryStore> store_;
};

}  // namespace esshub::publish
