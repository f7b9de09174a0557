#include "sim/storm/history_files.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "publish/history/database/writer.hpp"
#include "tests/publish/history/house.hpp"
#include "tests/publish/history/lookings.hpp"

namespace esshub::sim::storm {
namespace {

/// A program that keeps numbers in a database, as the history does.
class Program {
 public:
  enum class Run : std::uint8_t { next, same };
  explicit Program(HistoryFiles& files, Run run = Run::next) {
    if (run == Run::next) files.begin_run();
    sqlite3* raw = nullptr;
    sqlite3_open_v2("history.db", &raw,
                    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, files.vfs());
    db_.reset(raw);
    this->run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS t(a)");
  }
  int run(const char* sql) { return sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr); }
  int keep() { return run("INSERT INTO t VALUES(randomblob(3000))"); }
  [[nodiscard]] std::string ask(const char* sql) {
    sqlite3_stmt* query = nullptr;
    sqlite3_prepare_v2(db_.get(), sql, -1, &query, nullptr);
    std::string found = "none";
    if (sqlite3_step(query) == SQLITE_ROW)
      found = reinterpret_cast<const char*>(sqlite3_column_text(query, 0));
    sqlite3_finalize(query);
    return found;
  }
  std::string kept() { return ask("SELECT count(*) FROM t"); }
  std::string sound() { return ask("PRAGMA integrity_check"); }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close(db); }
  };
  std::unique_ptr<sqlite3, Close> db_;
};

/// Kills it; with the power gone, too, if there is a `cut`.
void end(std::unique_ptr<Program>& program, HistoryFiles& files, Dice* cut = nullptr) {
  files.die();
  program.reset();
  if (cut != nullptr) static_cast<void>(files.power_cut(*cut));
  program = std::make_unique<Program>(files);
}

TEST(StormHistoryFiles, WhatWasSyncedOutlivesAKillAndAPowerCut) {
  HistoryFiles files;
  Dice dice{1, 1};
  auto program = std::make_unique<Program>(files);
  for (const bool power : {false, true}) {
    EXPECT_EQ(program->keep(), SQLITE_OK);
    end(program, files, power ? &dice : nullptr);
  }
  EXPECT_EQ(program->kept(), "2");
  program.reset();  // in order
  program = std::make_unique<Program>(files);
  EXPECT_EQ(program->kept(), "2");
}

TEST(StormHistoryFiles, ADeathAtAnyByteLeavesAWholeFileWithAllThatWasSaidToBeKept) {
  for (const bool power : {false, true}) {
    Dice dice{7, 1};
    unsigned said = 0, died = 0;
    for (std::size_t bytes = 0; bytes < 40'000; bytes = bytes * 9 / 8 + 1) {
      HistoryFiles files;
      auto program = std::make_unique<Program>(files);
      for (int i = 0; i < 3; ++i) program->keep();
      files.die_after(bytes);
      unsigned kept = 3;
      while (kept < 9 && program->keep() == SQLITE_OK) ++kept;
      said += kept > 3;
      died += kept < 9;
      end(program, files, power ? &dice : nullptr);
      EXPECT_EQ(program->sound(), "ok") << bytes;
      EXPECT_GE(std::stoul(program->kept()), kept) << bytes;
      EXPECT_LE(std::stoul(program->kept()), kept + 1) << bytes;
    }
    EXPECT_GT(said, 5u);
    EXPECT_GT(died, 10u);
  }
}

TEST(StormHistoryFiles, ADiskThatIsFullTakesNothingThatGrowsAndGoesOnOnceThereIsRoom) {
  HistoryFiles files;
  Program program{files};
  EXPECT_EQ(program.keep(), SQLITE_OK);
  files.trouble.full = true;
  EXPECT_EQ(program.keep(), SQLITE_FULL);
  EXPECT_EQ(program.kept(), "1");
  files.trouble.full = false;
  EXPECT_EQ(program.keep(), SQLITE_OK);
  EXPECT_EQ(program.kept(), "2");
}

TEST(StormHistoryFiles, ADiskThatCannotBeReadTakesNothingEither) {
  HistoryFiles files;
  Program program{files};
  files.trouble.unreadable = true;
  EXPECT_NE(program.keep(), SQLITE_OK);
}

TEST(StormHistoryFiles, WhatWasOnlySaidToBeSyncedMayBeGoneAfterAPowerCutAndIsToldSo) {
  HistoryFiles files;
  Dice dice{3, 1};
  auto program = std::make_unique<Program>(files);
  files.trouble.lost = true;
  for (int i = 0; i < 8; ++i) EXPECT_EQ(program->keep(), SQLITE_OK);
  files.die();
  program.reset();
  EXPECT_FALSE(files.power_cut(dice));
  files.trouble.lost = false;
  program = std::make_unique<Program>(files);
  EXPECT_NE(program->kept(), "8");
  EXPECT_TRUE(files.power_cut(dice));
}

/// Bytes of a page that are nobody's.
void spoil(HistoryFiles& files, sqlite3_int64 at) {
  sqlite3_vfs* const vfs = sqlite3_vfs_find(files.vfs());
  std::vector<std::byte> memory(static_cast<std::size_t>(vfs->szOsFile) +
                                alignof(std::max_align_t));
  void* place = memory.data();
  std::size_t room = memory.size();
  auto* const file = static_cast<sqlite3_file*>(
      std::align(alignof(std::max_align_t), static_cast<std::size_t>(vfs->szOsFile), place, room));
  ASSERT_EQ(vfs->xOpen(vfs, "history.db", file, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
  const std::string garbage(4096, 'x');
  EXPECT_EQ(file->pMethods->xWrite(file, garbage.data(), 4096, at), SQLITE_OK);
  file->pMethods->xClose(file);
}

/// A hub's history, written to when it is said.
struct History {
  HistoryFiles files{};
  publish::HistorySettings settings{.file = "history.db"};
  publish::HistoryHouse house{1'790'000'000};

  std::unique_ptr<publish::HistoryWriter> begin() {
    files.begin_run();
    auto writer = std::make_unique<publish::HistoryWriter>(
        settings, [](const std::string&, const Event&) {}, [](bool) {}, files);
    writer->begin();
    return writer;
  }
  void pass(publish::HistoryWriter& writer) {
    for (int i = 0; i < 120; ++i) {
      house.pass(1s);
      writer.update(house.view);
    }
  }
};

TEST(StormHistoryFiles, AHistoryThatCouldNotBeOpenedAtFirstIsLookedThroughBeforeItIsWrittenTo) {
  History history;
  HistoryFiles& files = history.files;
  auto writer = history.begin();
  history.pass(*writer);
  EXPECT_TRUE(writer->finish());
  spoil(files, 6 * 4096);  // a table that neither opening nor writing touches
  files.trouble.unreadable = true;
  writer = history.begin();
  writer->check();
  history.pass(*writer);
  EXPECT_FALSE(writer->write(false));
  EXPECT_EQ(files.set_asides(), 0u);
  files.trouble.unreadable = false;
  EXPECT_TRUE(writer->write(false));
  EXPECT_EQ(files.set_asides(), 1u);
}

TEST(StormHistoryFiles, AHistoryThatCouldNotBeWrittenIsLookedThroughBeforeItIsWrittenToAgain) {
  History history;
  HistoryFiles& files = history.files;
  auto writer = history.begin();
  history.pass(*writer);
  EXPECT_TRUE(writer->finish());
  writer = history.begin();
  writer->check();
  history.pass(*writer);
  EXPECT_TRUE(writer->write(false));
  files.trouble.unreadable = true;
  history.pass(*writer);
  EXPECT_FALSE(writer->write(false));
  spoil(files, 6 * 4096);  // while nobody has it open
  files.trouble.unreadable = false;
  EXPECT_TRUE(writer->write(false));
  EXPECT_EQ(files.set_asides(), 1u);
  history.pass(*writer);
  EXPECT_TRUE(writer->write(false));
  EXPECT_EQ(files.set_asides(), 1u) << "the new one is whole";
}

TEST(StormHistoryFiles, AHistoryOnAFullDiskIsLookedThroughOnceHoweverOftenItIsTried) {
  const publish::Lookings lookings;
  History history;
  auto writer = history.begin();
  writer->check();
  history.pass(*writer);
  EXPECT_TRUE(writer->write(false));
  history.files.trouble.full = true;
  for (int i = 0; i < 10; ++i) {
    history.pass(*writer);
    EXPECT_FALSE(writer->write(false));
  }
  history.files.trouble.full = false;
  EXPECT_TRUE(writer->write(false));
  EXPECT_EQ(lookings.count(), 1);
}

/// Makes the disk unreadable while a history is looked through, for so long.
class UnreadableCheck {
 public:
  enum class Until : std::uint8_t { told, ever };
  UnreadableCheck(HistoryFiles& files, Until until) {
    disk = &files;
    ends = until;
    begun = false;
    sqlite3_auto_extension(entry());
  }
  UnreadableCheck(const UnreadableCheck&) = delete;
  UnreadableCheck& operator=(const UnreadableCheck&) = delete;
  ~UnreadableCheck() { sqlite3_cancel_auto_extension(entry()); }

 private:
  static int opened(sqlite3* db, char**, const sqlite3_api_routines*) {
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT | SQLITE_TRACE_ROW, said, nullptr);
  }
  static int said(unsigned what, void*, void* statement, void*) {
    const char* const sql = sqlite3_sql(static_cast<sqlite3_stmt*>(statement));
    if (sql == nullptr || std::string_view{sql}.find("integrity_check") == std::string_view::npos)
      return 0;
    if (what == SQLITE_TRACE_STMT && !std::exchange(begun, true)) disk->trouble.unreadable = true;
    if (what == SQLITE_TRACE_ROW && ends == Until::told) disk->trouble.unreadable = false;
    return 0;
  }
  static void (*entry())() { return reinterpret_cast<void (*)()>(opened); }
  inline static HistoryFiles* disk = nullptr;
  inline static Until ends{};
  inline static bool begun = false;
};

TEST(StormHistoryFiles, AHistoryThatCannotBeReadForAWhileIsNotTakenForDamaged) {
  for (const auto until : {UnreadableCheck::Until::told, UnreadableCheck::Until::ever}) {
    History history;
    HistoryFiles& files = history.files;
    auto writer = history.begin();
    for (int i = 0; i < 20; ++i) history.pass(*writer);
    EXPECT_TRUE(writer->finish());
    const UnreadableCheck passing{files, until};
    writer = history.begin();
    writer->check();
    history.pass(*writer);
    EXPECT_EQ(writer->write(false), until == UnreadableCheck::Until::told);
    files.trouble.unreadable = false;
    history.pass(*writer);
    EXPECT_TRUE(writer->write(false));
    EXPECT_EQ(files.set_asides(), 0u);
  }
}

/// Seeds 7001806 and 68508819815307 of the storm.
TEST(StormHistoryFiles, WhatAStartFindsThoughItWasNeverSyncedOutlivesAPowerCut) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    History history;
    HistoryFiles& files = history.files;
    auto writer = history.begin();
    history.pass(*writer);
    EXPECT_TRUE(writer->write(false));
    files.trouble.unreadable = true;
    history.pass(*writer);
    EXPECT_FALSE(writer->write(false));
    files.trouble.unreadable = false;
    files.die();
    writer = history.begin();
    const double found = writer->totals()[Flow::grid_import];
    EXPECT_GT(found, 130'000.0) << "what could not be synced is seen";
    EXPECT_TRUE(writer->write(false)) << "nothing waits";
    files.die();
    writer.reset();
    Dice dice{seed, 1};
    EXPECT_TRUE(files.power_cut(dice));
    writer = history.begin();
    EXPECT_EQ(writer->totals()[Flow::grid_import], found) << seed;
  }
}

TEST(StormHistoryFiles, AHistoryThatCouldNotBeSyncedIsFoundWhenItIsOpenedAgainAsOnLinux) {
  HistoryFiles files;
  auto program = std::make_unique<Program>(files);
  EXPECT_EQ(program->keep(), SQLITE_OK);
  files.trouble.unreadable = true;
  EXPECT_NE(program->keep(), SQLITE_OK);
  program.reset();
  files.trouble.unreadable = false;
  program = std::make_unique<Program>(files, Program::Run::same);
  EXPECT_EQ(program->kept(), "2");
}

TEST(StormHistoryFiles, ASetAsideDatabaseIsAnotherFile) {
  HistoryFiles files;
  { Program program{files}; }
  files.trouble.full = true;
  EXPECT_FALSE(files.set_aside("history.db"));
  files.trouble.full = false;
  EXPECT_EQ(files.set_aside("history.db").value(), "history.db.damaged-1");
  EXPECT_TRUE(files.missing("history.db"));
  EXPECT_TRUE(files.has("history.db.damaged-1"));
  EXPECT_EQ(files.set_asides(), 1u);
}

}  // namespace
}  // namespace esshub::sim::storm
