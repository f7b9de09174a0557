#include "publish/history/database/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "publish/history/monotonic_totals.hpp"
#include "tests/publish/history/database/store.hpp"

namespace esshub::publish {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

TEST_F(HistoryStoreTest, CountersGoOnExactlyAfterAnOrderlyStop) {
  open();
  run(10min);
  const auto shown = store_->shown(house_.view.energies);
  EXPECT_EQ(shown, house_.view.energies);
  close();
  open();
  EXPECT_EQ(store_->shown({}), shown) << "no step up or down";
}

TEST_F(HistoryStoreTest, CountersDoNotFallWhenACrashTakesTheLastBatch) {
  open();
  run(10min);
  rush(1min);
  const auto shown = store_->shown(house_.view.energies);
  // The files as a crash at this moment leaves them.
  const auto crashed = dir_ / "crashed.db";
  for (const char* part : {"", "-wal"})
    fs::copy_file(settings_.file + part, crashed.string() + part);
  settings_.file = crashed;
  open();
  EXPECT_LT(start_[Flow::grid_import], shown[Flow::grid_import]) << "the minute is lost";
  house_.view.energies = {};
  store_->update(house_.view);
  const auto mark = store_->shown(house_.view.energies)[Flow::grid_import];
  EXPECT_GE(mark, shown[Flow::grid_import]);
  EXPECT_LE(mark, start_[Flow::grid_import] + MonotonicTotals::room);
  run(2min);
  EXPECT_EQ(store_->shown(house_.view.energies)[Flow::grid_import], mark) << "it waits";
  run(10min);
  const auto flowed = start_[Flow::grid_import] + house_.view.energies[Flow::grid_import];
  EXPECT_DOUBLE_EQ(store_->shown(house_.view.energies)[Flow::grid_import], flowed);
  EXPECT_GT(flowed, mark);
}

TEST_F(HistoryStoreTest, ABatchIsWrittenEarlyBeforeACounterWouldStandStill) {
  settings_.batch = 1h;
  open();
  run(1min);
  const auto mark = [&] {
    return number("SELECT round(mark) FROM totals WHERE flow='grid_import'");
  };
  const auto before = mark();
  house_.pass(1min, 0.76 * MonotonicTotals::room / 60);
  store_->update(house_.view);
  for (int i = 0; i < 500 && mark() == before; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  EXPECT_GT(static_cast<double>(mark() - before), 0.7 * MonotonicTotals::room);
}

TEST_F(HistoryStoreTest, WhatIsKeptCanBeAskedForAfterARestart) {
  open();
  run(10min + 1s);
  store_->note("command", "set_reserve", "reserve=30 who=\"web 192.0.2.4\"");
  run(1s);
  open();
  EXPECT_NEAR(start_[Flow::grid_import], 601 * 1000.0, 1e-3);
  const auto minutes = store_->minutes(at(noon + 60), at(noon + 180)).value();
  ASSERT_THAT(minutes, SizeIs(2));
  EXPECT_EQ(minutes[0].begin, at(noon + 60));
  EXPECT_EQ(minutes[0].grid_w, 1000.0);
  EXPECT_EQ(minutes[0].soc, 55.5);
  EXPECT_EQ(minutes[0].solar_w, std::nullopt);
  const auto days = store_->days(7).value();
  ASSERT_THAT(days, SizeIs(1));
  EXPECT_EQ(days[0].date, "2026-01-15");
  EXPECT_NEAR(days[0].energies[Flow::grid_import], 601 * 1000.0, 1e-3);
  const auto events = store_->events(at(noon), at(noon + 3600), 100).value();
  ASSERT_THAT(events, SizeIs(5));
  EXPECT_EQ(events[0].name, "stopped") << "the newest first";
  EXPECT_EQ(events[1].detail, "reserve=30 who=\"web 192.0.2.4\"");
  EXPECT_EQ(events[4].name, "started");
  EXPECT_THAT(store_->events(at(noon), at(noon + 3600), 2).value(), SizeIs(2));
}

TEST_F(HistoryStoreTest, WhatIsNotWrittenYetIsPartOfTheAnswer) {
  open();
  run(3min + 30s);
  rush(1min);
  EXPECT_EQ(number("SELECT count(*) FROM minutes"), 3);
  EXPECT_THAT(store_->minutes(at(noon), at(noon + 3600)).value(), SizeIs(4));
  EXPECT_NEAR(store_->days(1).value().at(0).energies[Flow::grid_import], 269 * 1000.0, 1e-3);
}

TEST_F(HistoryStoreTest, DaysAreKeptForEverAndMinutesAYear) {
  settings_.keep_days = 3;
  open();
  run(6 * 24h, 1min);
  close();
  EXPECT_EQ(number("SELECT count(*) FROM days"), 7);
  EXPECT_NEAR(static_cast<double>(number("SELECT count(*) FROM minutes")), 3 * 1440, 1440);
  EXPECT_EQ(number("SELECT count(*) FROM events WHERE name='started'"), 0);
}

TEST_F(HistoryStoreTest, MinutesAndDaysAddUpToTheTotals) {
  for (int i = 0; i < 4; ++i) {
    open();
    house_.view.energies = {};
    run(7min + 13s);
    close();
  }
  EXPECT_EQ(number("SELECT round(sum(grid_import)) FROM days"),
            number("SELECT round(joules) FROM totals WHERE flow='grid_import'"));
  // The first View after a start says where the totals begin, not what has flowed.
  EXPECT_EQ(number("SELECT round(joules) FROM totals WHERE flow='grid_import'"),
            (4 * 433 - 4) * 1000);
}

TEST_F(HistoryStoreTest, AnUnknownPlaceIsAFaultUntilItCanBeWritten) {
  settings_.file = dir_ / "file-in-the-way" / "history.db";
  std::ofstream(dir_ / "file-in-the-way") << "a file, not a folder";
  open();
  run(1s);
  EXPECT_FALSE(store_->flush());
  run(2min);
  EXPECT_TRUE(failed_);
  EXPECT_THAT(log(), Contains(AllOf(HasSubstr("storage_failed"), HasSubstr("file-in-the-way"))));
  EXPECT_FALSE(store_->minutes(at(noon), at(noon + 3600)));
  fs::remove(dir_ / "file-in-the-way");
  EXPECT_TRUE(store_->flush());
  run(2s);
  EXPECT_FALSE(failed_);
  EXPECT_THAT(store_->minutes(at(noon), at(noon + 3600)).value(), SizeIs(2))
      << "nothing was lost meanwhile";
  EXPECT_THAT(log(), Contains(HasSubstr("storage_recovered")));
  close();
  EXPECT_EQ(number("SELECT count(*) FROM events WHERE kind='fault' AND name='storage_failed'"), 2);
}

TEST_F(HistoryStoreTest, AFullDiskIsAFaultUntilThereIsRoom) {
  open();
  run(2min);
  ASSERT_TRUE(store_->flush());
  // No file may grow beyond what is there: the disk is full.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit unlimited{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &unlimited), 0);
  const rlimit full{1024, unlimited.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  run(10min);
  const bool written = store_->flush();
  run(1s);
  const bool failed = failed_;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &unlimited), 0);
  EXPECT_FALSE(written);
  EXPECT_TRUE(failed);
  EXPECT_TRUE(store_->flush());
  run(1s);
  EXPECT_FALSE(failed_);
  close();
  EXPECT_EQ(number("SELECT count(*) FROM minutes"), 13);
  EXPECT_EQ(number("SELECT round(joules) FROM totals WHERE flow='grid_import'"), 721 * 1000);
}

TEST_F(HistoryStoreTest, ADamagedFileIsSetAsideAndNeverDeleted) {
  const std::string rubbish(20000, 'x');
  std::ofstream(settings_.file) << rubbish;
  open();
  run(2min);
  EXPECT_TRUE(store_->flush());
  run(1s);
  EXPECT_FALSE(failed_);
  EXPECT_EQ(fs::file_size(dir_ / "history.db.damaged-1"), rubbish.size());
  EXPECT_THAT(log(), Contains(HasSubstr("damaged_file_set_aside")));
  close();
  EXPECT_EQ(number("SELECT count(*) FROM minutes"), 3);
  std::ofstream(settings_.file, std::ios::trunc) << rubbish;
  open();
  close();
  EXPECT_TRUE(fs::exists(dir_ / "history.db.damaged-2"));
}

TEST_F(HistoryStoreTest, DamageInACornerIsFoundAndTheTotalsGoOn) {
  open();
  run(48h, 1min);
  close();
  const auto page = number("SELECT rootpage FROM sqlite_master WHERE name='minutes'");
  const auto pages = number("PRAGMA page_count");
  ASSERT_GT(pages, page + 2);
  std::fstream file(settings_.file, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp((page - 1) * 4096);
  file << std::string(4096, '\x55');
  file.close();
  open();
  EXPECT_NEAR(start_[Flow::grid_import], (48 * 3600 - 60) * 1000.0, 1e-3);
  house_.view.energies = {};
  run(2min);
  EXPECT_TRUE(store_->flush());
  EXPECT_THAT(log(), Contains(HasSubstr("damaged_file_set_aside")));
  open();
  EXPECT_NEAR(start_[Flow::grid_import], (48 * 3600 - 60 + 119) * 1000.0, 1e-3)
      << "the totals of the damaged file could still be read";
}

/// As a disk that has lied about a sync leaves it: all pages are whole, one is of before.
TEST_F(HistoryStoreTest, AnIndexThatMissesAnEventIsFoundAndTheTotalsGoOn) {
  const auto live = [&] {
    open();
    store_->note("system", "noted", "");
    run(2min);
    close();
  };
  live();
  const auto page = number("SELECT rootpage FROM sqlite_master WHERE name='events_at'");
  std::string before(4096, '\0');
  const auto file = [&] {
    std::fstream opened(settings_.file, std::ios::in | std::ios::out | std::ios::binary);
    opened.seekg((page - 1) * 4096);
    opened.seekp((page - 1) * 4096);
    return opened;
  };
  file().read(before.data(), 4096);
  live();
  file() << before;
  live();
  EXPECT_THAT(log(), Contains(HasSubstr("damaged_file_set_aside")));
  EXPECT_TRUE(fs::exists(dir_ / "history.db.damaged-1"));
  EXPECT_NEAR(start_[Flow::grid_import], (2 * 120 - 1) * 1000.0, 1000.0);
}

// ---- F26: a wall clock that is wrong by hours to years
// ------------------------------------------------------

constexpr auto twenty_years = 20 * 365 * 24h;

TEST_F(HistoryStoreTest, AClockThatIsWrongForTwoMinutesDeletesNothing) {
  settings_.keep_days = 3;
  open();
  run(2 * 24h, 1min);
  for (const Duration by : {Duration{twenty_years}, Duration{-twenty_years}}) {
    const auto minutes = number("SELECT count(*) FROM minutes");
    const auto events = number("SELECT count(*) FROM events");
    house_.step(by);
    run(2min);
    house_.step(-by);
    run(2min);
    EXPECT_NEAR(static_cast<double>(number("SELECT count(*) FROM minutes") - minutes), 4, 1);
    EXPECT_GE(number("SELECT count(*) FROM events"), events);
    EXPECT_EQ(number("SELECT count(*) FROM minutes WHERE begin < 1768474740"), 0);
    EXPECT_EQ(number("SELECT count(*) FROM minutes WHERE begin > 1768474740+3*86400"), 0);
  }
}

TEST_F(HistoryStoreTest, AClockThatIsWrongForHoursDeletesNothingAndItsRowsAreToldAndSetAside) {
  settings_.keep_days = 3;
  open();
  run(2 * 24h, 1min);
  const auto now_rows = [&](const char* table) {
    return number(std::string{"SELECT count(*) FROM "} + table);
  };
  const auto minutes = now_rows("minutes");
  house_.step(twenty_years);
  run(5h, 1min);
  EXPECT_NEAR(static_cast<double>(now_rows("minutes") - minutes), 5 * 60, 3);
  EXPECT_GT(number("SELECT count(*) FROM minutes WHERE begin > 2000000000"), 290);
  house_.step(-twenty_years);
  run(2h, 1min);
  EXPECT_THAT(log(), Contains(HasSubstr("rows_from_the_future minutes=")));
  EXPECT_THAT(log(), Not(Contains(HasSubstr("rows_set_aside"))))
      << "two hours do not outweigh five";
  run(4h, 1min);
  EXPECT_THAT(log(), Contains(HasSubstr("rows_set_aside minutes=")));
  EXPECT_EQ(number("SELECT count(*) FROM minutes WHERE begin > 2000000000"), 0);
  EXPECT_EQ(number("SELECT count(*) FROM days WHERE date > '2030'"), 0);
  EXPECT_GT(now_rows("misdated_minutes"), 290) << "moved, not deleted";
  EXPECT_GT(now_rows("misdated_days"), 0);
  EXPECT_NEAR(static_cast<double>(now_rows("minutes")), 2 * 1440 + 6 * 60, 5);
}

TEST_F(HistoryStoreTest, AClockThatStartsYearsBackSetsNoYearOfRowsAside) {
  open();
  run(2 * 24h, 1min);
  close();
  house_.step(-twenty_years);
  open();
  run(30min, 1min);
  EXPECT_EQ(number("SELECT count(*) FROM minutes WHERE begin < 1700000000"), 0)
      << "the file says that it is later";
  run(10h, 1min);
  EXPECT_THAT(log(), Contains(HasSubstr("rows_from_the_future minutes=")));
  EXPECT_GE(number("SELECT count(*) FROM minutes WHERE begin > 1700000000"), 2 * 1440 - 1);
}

// ---- a file that goes away, or is none
// ----------------------------------------------------------------------

TEST_F(HistoryStoreTest, AFileDeletedWhileRunningIsToldAndLosesNoRowAfterIt) {
  open();
  run(3min);
  ASSERT_TRUE(store_->flush());
  fs::remove(settings_.file);
  run(5min);
  ASSERT_TRUE(store_->flush());
  EXPECT_THAT(log(), Contains(HasSubstr("file_gone")));
  close();
  EXPECT_GE(number("SELECT count(*) FROM minutes"), 5);
  EXPECT_EQ(number("SELECT round(joules) FROM totals WHERE flow='grid_import'"), 479 * 1000)
      << "the totals go on";
  EXPECT_EQ(number("SELECT count(*) FROM events WHERE name='file_gone'"), 1);
  open();
  EXPECT_GE(store_->shown({})[Flow::grid_import], 479 * 1000.0);
}

TEST_F(HistoryStoreTest, APipeInTheFilesPlaceHoldsNobodyUpAndIsAFault) {
  ASSERT_EQ(::mkfifo(settings_.file.c_str(), 0600), 0);
  auto ran = std::async(std::launch::async, [&] {
    open();
    run(3min);
    close();
  });
  const bool ended = ran.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
  // Whoever waits for the pipe's other end gets it.
  const int other = ended ? -1 : ::open(settings_.file.c_str(), O_RDWR | O_NONBLOCK);
  ran.wait();
  ::close(other);
  EXPECT_TRUE(ended);
  EXPECT_TRUE(failed_);
  EXPECT_THAT(log(), Contains(AllOf(HasSubstr("storage_failed"), HasSubstr("not a file"))));
}

TEST_F(HistoryStoreTest, AFileThatCannotBeReadYetDelaysNeitherStartNorViews) {
  open();
  run(10min);
  close();
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(settings_.file.c_str(), &other), SQLITE_OK);
  sqlite3_busy_timeout(other, 20'000);  // until the writer before has let it go
  ASSERT_EQ(sqlite3_exec(other, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE", nullptr, nullptr,
                         nullptr),
            SQLITE_OK);
  const auto before = std::chrono::steady_clock::now();
  store_ = std::make_unique<HistoryStore>(
      settings_, [](const std::string&, const Event&) {},
      [this](bool failed) { failed_ = failed; });
  const auto flowed = house_.view.energies;
  rush(2min);
  EXPECT_EQ(store_->shown(flowed), EnergyTotals{}) << "not known yet, so nothing is shown";
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
  EXPECT_TRUE(failed_) << "it has hung for more than a minute of its time";
  sqlite3_close(other);
}

TEST_F(HistoryStoreTest, AFileThatIsThereOnlyLaterShowsNothingBeforeAndEverythingAfter) {
  const auto folder = dir_ / "disk";
  settings_.file = folder / "history.db";
  open();
  run(10min);
  const auto before = store_->shown(house_.view.energies);
  close();
  fs::rename(folder, dir_ / "unplugged");
  std::ofstream(folder) << "no folder";
  house_.view.energies = {};
  open();
  run(2min);
  EXPECT_EQ(store_->shown(house_.view.energies), EnergyTotals{}) << "counters that begin anew";
  // At once, or the store makes a folder of its own between.
  fs::create_directory_symlink(dir_ / "unplugged", dir_ / "plugged in again");
  fs::rename(dir_ / "plugged in again", folder);
  EXPECT_TRUE(store_->flush());
  const auto kept = store_->totals()[Flow::grid_import];
  EXPECT_NEAR(kept, before[Flow::grid_import], 1000.0) << "but for the first View's second";
  const auto sum = kept + house_.view.energies[Flow::grid_import];
  EXPECT_DOUBLE_EQ(store_->shown(house_.view.energies)[Flow::grid_import], sum);
  close();
  open();
  EXPECT_DOUBLE_EQ(store_->shown({})[Flow::grid_import], sum);
}

TEST_F(HistoryStoreTest, WhatWentIntoAnotherFileMeanwhileIsAdded) {
  const auto folder = dir_ / "disk";
  settings_.file = folder / "history.db";
  open();
  run(10min);
  store_->flush();
  fs::rename(folder, dir_ / "unplugged");
  run(10min);
  store_->flush();
  ASSERT_TRUE(fs::exists(settings_.file)) << "an interim file below the mount point";
  fs::remove_all(folder);
  fs::rename(dir_ / "unplugged", folder);
  run(10min);
  const auto shown = store_->shown(house_.view.energies);
  close();
  house_.view.energies = {};
  open();
  EXPECT_NEAR(store_->totals()[Flow::grid_import], shown[Flow::grid_import], 1000.0);
}

TEST_F(HistoryStoreTest, AClockThatIsSetBackOverwritesNoMinute) {
  open();
  run(10min);
  store_->flush();
  const auto sum = [&] {
    return number("SELECT sum(grid_w) FROM minutes WHERE begin BETWEEN 1768475160 AND 1768475340");
  };
  const auto before = sum();
  house_.step(-5min);
  for (int s = 0; s < 300; ++s) {
    house_.pass(1s, 9999.0);
    store_->update(house_.view);
  }
  store_->flush();
  EXPECT_EQ(sum(), before);
}

TEST_F(HistoryStoreTest, AWriterThatWaitsForTheDiskHoldsNobodyUp) {
  open();
  run(1min);
  store_->flush();
  // Another connection keeps the file locked: the writer waits for it, the Views do not.
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(settings_.file.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  auto flushed = std::async(std::launch::async, [&] { return store_->flush(); });
  rush(10min);  // would never end here if update() waited
  EXPECT_TRUE(failed_) << "a write that takes minutes is a fault";
  sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr);
  sqlite3_close(other);
  flushed.wait();
  EXPECT_TRUE(store_->flush());
  EXPECT_THAT(store_->minutes(at(noon), at(noon + 3600)).value(), SizeIs(11));
}

}  // namespace
}  // namespace esshub::publish
