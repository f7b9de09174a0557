#include "sim/storm/history_judge.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>

#include "publish/history/database/file.hpp"

namespace esshub::sim::storm {
namespace {

using publish::HistoryBatch;
using publish::HistoryFile;

/// A hub that keeps a minute a batch, and may be spoilt.
struct Kept {
  HistoryFiles files{};
  std::string broken{};
  HistoryJudge judge{[this](const std::string& what) {
    if (broken.empty()) broken = what;
  }};
  Dice dice{1, 1};
  EnergyTotals flowed{};
  std::optional<HistoryFile> file{};
  std::int64_t minute = 1000;

  Kept() { begin(); }
  void begin() {
    flowed = {};
    files.begin_run();
    judge.on_start(files);
    if (auto opened = HistoryFile::open_to_write("history.db", files)) file = std::move(*opened);
    judge.on_began(files);
  }
  void end(bool power = false) {
    files.die();
    file.reset();
    if (power) judge.on_power_cut(files.power_cut(dice));
  }
  void write(double times = 1.0, const char* event = nullptr) {
    HistoryBatch batch;
    publish::MinuteRow row;
    row.begin = WallTime{std::chrono::minutes{minute++}};
    batch.minutes.push_back(row);
    if (event != nullptr) batch.events.push_back({WallTime{1000s}, "system", event, ""});
    flowed[Flow::solar] += 500.0;
    batch.energies[Flow::solar] = 500.0 * times;
    ASSERT_TRUE(file->write(batch, {}));
    judge.on_written(files, flowed);
  }
};

TEST(StormHistoryJudge, AHubThatKeepsWhatItWritesIsNeverBlamed) {
  Kept hub;
  for (int run = 0; run < 6; ++run) {
    for (int i = 0; i < 3; ++i) hub.write();
    hub.end(run % 2 == 0);
    hub.begin();
  }
  EXPECT_EQ(hub.broken, "");
}

TEST(StormHistoryJudge, EnergiesThatAreCountedTwiceOrNotAreFoundOut) {
  for (const double times : {0.0, 2.0}) {
    Kept hub;
    hub.write();
    hub.write(times);
    EXPECT_NE(hub.broken.find("J of solar, and"), std::string::npos) << hub.broken;
  }
}

TEST(StormHistoryJudge, AnEventThatIsThereTwiceIsFoundOut) {
  Kept hub;
  hub.write(1.0, "a");
  hub.write(1.0, "b");
  EXPECT_EQ(hub.broken, "");
  hub.write(1.0, "a");
  EXPECT_TRUE(hub.broken.starts_with("an event of the history is there twice")) << hub.broken;
}

TEST(StormHistoryJudge, OnceTheClockWasSetTheSameEventMayComeAtTheSameTime) {
  Kept hub;
  hub.judge.on_clock_set();
  hub.write(1.0, "a");
  hub.write(1.0, "a");
  EXPECT_EQ(hub.broken, "");
}

TEST(StormHistoryJudge, RowsThatAreGoneAfterACutAreFoundOutUnlessTheDiskHasLied) {
  for (const bool lied : {false, true}) {
    Kept hub;
    hub.write();
    hub.files.trouble.lost = lied;
    for (int i = 0; i < 4; ++i) hub.write();
    hub.end(lied);
    // A hub that loses its file, as one that did not sync.
    hub.files.trouble.lost = false;
    hub.files.copy(HistoryFiles{});
    hub.begin();
    EXPECT_EQ(hub.broken,
              lied ? "" : "minutes of the history that were written are gone at a start");
  }
}

TEST(StormHistoryJudge, AWholeHistoryThatIsSetAsideAndADamagedOneThatIsNotAreFoundOut) {
  Kept hub;
  hub.write();
  hub.end();
  hub.files.begin_run();
  hub.judge.on_start(hub.files);
  static_cast<void>(hub.files.set_aside("history.db"));
  hub.judge.on_began(hub.files);
  EXPECT_EQ(hub.broken, "a history that is whole is set aside");
}

/// Seed 7200058 of the storm.
TEST(StormHistoryJudge, DamageThatNobodyCouldLookForYetIsNoFaultBeforeSomebodyCan) {
  Kept hub;
  hub.write();
  hub.end();
  hub.files.begin_run();
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open_v2("history.db", &db, SQLITE_OPEN_READWRITE, hub.files.vfs()), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db,
                         "PRAGMA writable_schema=ON;"
                         "DELETE FROM sqlite_master WHERE name='events_at'",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(db);
  hub.judge.on_power_cut(false);  // the disk had lied
  hub.files.trouble.unreadable = true;
  for (const bool power : {true, false}) {
    hub.begin();
    hub.end(power);
  }
  EXPECT_EQ(hub.broken, "");
  hub.files.trouble.unreadable = false;
  hub.begin();
  EXPECT_EQ(hub.broken, "a damaged history is not set aside");
}

TEST(StormHistoryJudge, EnergiesThatAreShownMayNotFall) {
  Kept hub;
  EnergyTotals shown;
  for (const double joules : {5.0, 0.0, 70.0, 69.5}) {
    shown[Flow::house] = joules;
    hub.judge.on_shown(shown);
  }
  EXPECT_EQ(hub.broken, "");
  shown[Flow::house] = 60.0;
  hub.judge.on_shown(shown);
  EXPECT_EQ(hub.broken, "the energies that are shown fall: house");
}

}  // namespace
}  // namespace esshub::sim::storm
