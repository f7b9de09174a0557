// A file of an older schema, opened by this hub.
#include "publish/history/database/schema.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <set>

#include "publish/history/database/file.hpp"
#include "tests/publish/history/database/failing_disk.hpp"
#include "tests/publish/history/database/old_schema.hpp"
#include "tests/publish/history/database/store.hpp"

namespace esshub::publish {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using namespace esshub::literals;

class HistorySchemaTest : public HistoryStoreTest {
 protected:
  HistorySchemaTest() { sql(settings_.file, old_schema::made_by_version_3); }

  static void sql(const std::string& file, const std::string& statements) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, statements.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  /// All that is in a table of a file, a line a row.
  static std::vector<std::string> rows(const std::string& file, const std::string& query) {
    std::vector<std::string> all;
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr), SQLITE_OK);
    const int code = sqlite3_exec(
        db, query.c_str(),
        [](void* out, int count, char** row, char**) {
          std::string line;
          for (int i = 0; i < count; ++i)
            line += (i > 0 ? "|" : "") + std::string{row[i] ? row[i] : ""};
          static_cast<std::vector<std::string>*>(out)->push_back(line);
          return 0;
        },
        &all, nullptr);
    EXPECT_EQ(code, SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
    return all;
  }
  std::vector<std::string> rows(const std::string& query) { return rows(settings_.file, query); }
  /// Opened and closed by this hub: what it told about the upgrade.
  static SchemaUpgrade upgraded(const std::string& file, HistoryDisk& disk = disk_of_system()) {
    const auto opened = HistoryFile::open_to_write(file, disk);
    EXPECT_TRUE(opened && opened->upgrade());
    return opened && opened->upgrade() ? *opened->upgrade() : SchemaUpgrade{};
  }
  [[nodiscard]] std::set<std::string> files() const {
    std::set<std::string> all;
    for (const auto& entry : fs::directory_iterator(dir_)) all.insert(entry.path().filename());
    return all;
  }
  [[nodiscard]] std::string copy() const { return settings_.file + ".schema-3"; }
};

TEST_F(HistorySchemaTest, ColumnsAreThoseOfTheMinutes) {
  upgraded(settings_.file);
  std::vector<std::string> expected{"begin"};
  expected.insert(expected.end(), schema::measured.begin(), schema::measured.end());
  expected.insert(expected.end(), schema::flags.begin(), schema::flags.end());
  for (const char* table : {"minutes", "misdated_minutes"})
    EXPECT_EQ(rows("SELECT name FROM pragma_table_info('" + std::string{table} + "')"), expected);
}

TEST_F(HistorySchemaTest, AllThatWasKeptIsThereAfterIt) {
  upgraded(settings_.file);
  EXPECT_EQ(number("PRAGMA user_version"), schema::version);
  EXPECT_THAT(rows("PRAGMA integrity_check"), ElementsAre("ok"));
  EXPECT_THAT(rows("SELECT * FROM minutes"),
              ElementsAre("1768474680|-12|1500|300|1188|555|||||||||||||",
                          "1768474740|10||||560|||||||||||||"));
  EXPECT_THAT(rows("SELECT * FROM misdated_minutes"),
              ElementsAre("1868474680|1|2|3|4|5|||||||||||||"));
  EXPECT_THAT(rows("SELECT date, grid_import, import_cost FROM days"),
              ElementsAre("2026-01-15|3600000.0|0.25"));
  EXPECT_THAT(rows("SELECT flow, joules, mark FROM totals WHERE flow='grid_import'"),
              ElementsAre("grid_import|7200000.0|7560000.0"));
  EXPECT_THAT(rows("SELECT * FROM events"), ElementsAre("1768474680000|system|started|"));
}

TEST_F(HistorySchemaTest, TheStoreGoesOnWithIt) {
  open();
  EXPECT_EQ(start_[Flow::grid_import], 7'200'000.0);
  for (int n = 0; n < 119; ++n) {
    house_.pass(1s);
    house_.read(circuit(0), Measure::power, 2000);
    store_->update(house_.view);
  }
  close();
  EXPECT_THAT(rows("SELECT begin, circuit1_w FROM minutes WHERE begin > 1768474740"),
              ElementsAre("1768474800|2000", "1768474860|2000"));
  EXPECT_THAT(log(), Contains("schema_upgraded from=3 to=4 copy=\"" + copy() + "\""));
  EXPECT_THAT(rows("SELECT detail FROM events WHERE name='schema_upgraded'"),
              ElementsAre("from=3 to=4 copy=\"" + copy() + "\""));
  open();
  close();
  EXPECT_EQ(number("SELECT count(*) FROM events WHERE name='schema_upgraded'"), 1) << "once";
}

TEST_F(HistorySchemaTest, TheCopyIsTheFileAsItWas) {
  const auto before = rows("SELECT * FROM minutes");
  const auto upgrade = upgraded(settings_.file);
  EXPECT_EQ(upgrade.from, 3);
  EXPECT_EQ(upgrade.to, schema::version);
  EXPECT_EQ(upgrade.copy, copy());
  EXPECT_EQ(upgrade.not_copied, "");
  EXPECT_EQ(files(), (std::set<std::string>{"history.db", "history.db.schema-3"}));
  EXPECT_THAT(rows(copy(), "PRAGMA user_version"), ElementsAre("3"));
  EXPECT_THAT(rows(copy(), "PRAGMA application_id"), ElementsAre("1163088712"));
  EXPECT_THAT(rows(copy(), "PRAGMA integrity_check"), ElementsAre("ok"));
  EXPECT_EQ(rows(copy(), "SELECT * FROM minutes"), before);
  sql(copy(), old_schema::writes_of_version_3);
  EXPECT_THAT(rows(copy(), "SELECT begin, grid_w FROM minutes ORDER BY begin DESC LIMIT 1"),
              ElementsAre("1768474800|7"))
      << "an older hub goes on with it";
}

TEST_F(HistorySchemaTest, WhatIsInTheLogIsInTheCopy) {
  sqlite3* hub = nullptr;  // that is killed
  ASSERT_EQ(sqlite3_open(settings_.file.c_str(), &hub), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(hub, old_schema::writes_of_version_3, nullptr, nullptr, nullptr),
            SQLITE_OK);
  EXPECT_GT(fs::file_size(settings_.file + "-wal"), 0u);
  std::ofstream(copy()) << "without it";
  for (const auto& file : {settings_.file, copy()})
    fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::hours{1});
  fs::last_write_time(copy(), fs::last_write_time(settings_.file));
  upgraded(settings_.file);
  sqlite3_close(hub);
  EXPECT_THAT(rows(copy(), "SELECT count(*) FROM minutes"), ElementsAre("3"));
}

TEST_F(HistorySchemaTest, WhileSomebodyReadsTheTimeOfTheFileTellsNothingOfTheLog) {
  sqlite3 *reader = nullptr, *hub = nullptr;  // that is killed
  for (sqlite3** db : {&reader, &hub})
    ASSERT_EQ(sqlite3_open(settings_.file.c_str(), db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM minutes", nullptr, nullptr, nullptr),
            SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(hub, old_schema::writes_of_version_3, nullptr, nullptr, nullptr),
            SQLITE_OK);
  std::ofstream(copy()) << "without it";
  fs::last_write_time(copy(), fs::last_write_time(settings_.file));
  upgraded(settings_.file);
  sqlite3_close(hub);
  sqlite3_close(reader);
  EXPECT_THAT(rows(copy(), "SELECT count(*) FROM minutes"), ElementsAre("3"));
}

TEST_F(HistorySchemaTest, ThereIsOneCopyAtMost) {
  for (const char* other : {".schema-2", ".schema-1.new", ".schema-3.new"})
    std::ofstream(settings_.file + other) << "of before";
  std::ofstream(copy()) << "of before";
  const std::set<std::string> others{"history.db.damaged-1", "history.db.schema-2.mine",
                                     "history.db.schema-", "history.db.schema-x.new"};
  for (const auto& other : others) std::ofstream(dir_ / other) << "another matter";
  upgraded(settings_.file);
  auto expected = others;
  expected.insert({"history.db", "history.db.schema-3"});
  EXPECT_EQ(files(), expected);
  EXPECT_THAT(rows(copy(), "PRAGMA user_version"), ElementsAre("3"));
}

TEST_F(HistorySchemaTest, WhoMayNotReadTheFileMayNotReadTheCopy) {
  const auto mode = fs::perms::owner_read | fs::perms::owner_write;
  fs::permissions(settings_.file, mode);
  upgraded(settings_.file);
  EXPECT_EQ(fs::status(copy()).permissions(), mode);
}

TEST_F(HistorySchemaTest, ACopyOfTheSameFileIsNotMadeAgain) {
  std::ofstream(copy()) << "of an upgrade that was cut short after it";
  fs::last_write_time(copy(), fs::last_write_time(settings_.file));
  EXPECT_EQ(upgraded(settings_.file).copy, copy());
  std::string text;
  std::getline(std::ifstream(copy()) >> std::ws, text);
  EXPECT_EQ(text, "of an upgrade that was cut short after it");
}

TEST_F(HistorySchemaTest, TheCopyHasTheTimeOfTheFile) {
  const auto time = fs::last_write_time(settings_.file) - std::chrono::hours{5};
  fs::last_write_time(settings_.file, time);
  const auto opened = HistoryFile::open_to_write(settings_.file);
  ASSERT_TRUE(opened);
  EXPECT_EQ(fs::last_write_time(copy()), time);
}

/// With so many bytes left, if that is known.
struct FullDisk : HistoryDisk {
  explicit FullDisk(std::optional<std::uint64_t> bytes) : left(bytes) {}
  [[nodiscard]] std::optional<std::uint64_t> room(const std::string&) const override {
    return left;
  }
  std::optional<std::uint64_t> left;
};

TEST_F(HistorySchemaTest, WithoutRoomForTwoThereIsNoCopyAndItIsSaid) {
  const std::uint64_t size = fs::file_size(settings_.file);
  FullDisk nearly{2 * size - 1};
  const auto upgrade = upgraded(settings_.file, nearly);
  EXPECT_EQ(upgrade.copy, "");
  EXPECT_EQ(upgrade.not_copied,
            "a copy takes " + std::to_string(size) +
                " bytes, twice as many must be free: " + std::to_string(2 * size - 1) + " are");
  EXPECT_EQ(number("PRAGMA user_version"), schema::version);
  EXPECT_EQ(files(), (std::set<std::string>{"history.db"}));
}

TEST_F(HistorySchemaTest, WithRoomForTwoThereIs) {
  FullDisk enough{2 * fs::file_size(settings_.file)};
  EXPECT_EQ(upgraded(settings_.file, enough).copy, copy());
}

TEST_F(HistorySchemaTest, WhereNobodyKnowsTheRoomThereIsNoCopy) {
  FullDisk unknown{std::nullopt};
  EXPECT_THAT(upgraded(settings_.file, unknown).not_copied, HasSubstr("not known"));
}

TEST_F(HistorySchemaTest, WhatCannotBeCopiedIsUpgradedAndTold) {
  fs::create_directories(copy() + ".new/in the way");
  open();
  run(1min);
  close();
  EXPECT_THAT(log(), Contains(HasSubstr("schema_upgraded from=3 to=4 no_copy=\"")));
  EXPECT_EQ(number("PRAGMA user_version"), schema::version);
}

TEST_F(HistorySchemaTest, OneThatIsDamagedInACornerIsSetAsideAsItWasAndTheTotalsGoOn) {
  const auto page = number("SELECT rootpage FROM sqlite_master WHERE name='misdated_minutes'");
  {
    std::fstream spoiled(settings_.file, std::ios::in | std::ios::out | std::ios::binary);
    spoiled.seekp((page - 1) * 4096);
    spoiled << std::string(4096, 'x');
  }
  open();
  EXPECT_EQ(start_[Flow::grid_import], 7'200'000.0);
  run(1min);
  close();
  EXPECT_THAT(rows(settings_.file + ".damaged-1", "PRAGMA user_version"), ElementsAre("3"));
  EXPECT_EQ(number("SELECT count(*) FROM minutes WHERE begin < 1768474800"), 0) << "a new one";
  EXPECT_THAT(files(), Not(Contains("history.db.schema-3")));
}

/// Each read of the upgrade fails, alone or with all after it.
TEST_F(HistorySchemaTest, WhatCannotBeReadIsNeitherUpgradedWithoutACopyNorTakenForDamaged) {
  using At = FailingDisk::At;
  const std::string old = dir_ / "old.db";
  fs::copy_file(settings_.file, old);
  for (const At at : {At::read, At::read_once}) {
    int refused = 0;
    FailingDisk disk;
    for (int reads = 0;; ++reads) {
      SCOPED_TRACE(reads);
      fs::remove(copy());
      fs::copy_file(old, settings_.file, fs::copy_options::overwrite_existing);
      FailingDisk::reads = reads;
      disk.at = at;
      const auto opened = HistoryFile::open_to_write(settings_.file, disk);
      const bool failed = at == At::read ? FailingDisk::reads < 0 : disk.at == At::never;
      disk.at = At::never;
      if (!opened) {
        ++refused;
        EXPECT_FALSE(opened.error().damaged) << opened.error().text;
        EXPECT_EQ(number("PRAGMA user_version"), 3);
      } else {
        EXPECT_TRUE(opened->upgrade() && opened->upgrade()->not_copied.empty())
            << (opened->upgrade() ? opened->upgrade()->not_copied : "");
      }
      if (!failed) break;
    }
    EXPECT_GT(refused, 3);
  }
}

TEST_F(HistorySchemaTest, WhatRootCopiesBelongsToTheOwnerOfTheFolder) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives away";
  ASSERT_EQ(::chown(dir_.c_str(), 12, 34), 0);
  upgraded(settings_.file);
  struct stat about {};
  ASSERT_EQ(::stat(copy().c_str(), &about), 0);
  EXPECT_EQ(about.st_uid, 12u);
}

TEST_F(HistorySchemaTest, AReaderReadsAnOlderFileAsItIs) {
  auto beside = open_history(settings_.file);
  ASSERT_TRUE(beside);
  const auto minutes = (*beside)->minutes(at(noon - 120), at(noon)).value();
  ASSERT_THAT(minutes, SizeIs(2));
  EXPECT_EQ(minutes[0].battery_w, 1188.0);
  EXPECT_EQ(minutes[0].soc, 55.5);
  EXPECT_TRUE(minutes[0].circuits_w.empty());
  EXPECT_FALSE(minutes[0].curtailed || minutes[0].islanded || minutes[0].partial);
  EXPECT_EQ(number("PRAGMA user_version"), 3);
}

TEST_F(HistorySchemaTest, ANewFileHasNoCopy) {
  const std::string fresh = dir_ / "fresh.db";
  const auto opened = HistoryFile::open_to_write(fresh);
  ASSERT_TRUE(opened);
  EXPECT_FALSE(opened->upgrade());
  EXPECT_THAT(files(), Not(Contains(HasSubstr("fresh.db.schema"))));
}

// ---- what the new columns keep

TEST_F(HistoryStoreTest, CircuitsAndFlagsOfAMinuteAreKept) {
  HistoryBatch batch;
  MinuteRow row{.begin = at(noon), .circuits_w = {-5.4, std::nullopt, 2000.6}};
  batch.minutes.push_back(row);
  row = {.begin = at(noon + 60), .circuits_w = std::vector<std::optional<double>>(10)};
  row.circuits_w.back() = 10.0;
  row.curtailed = true;
  batch.minutes.push_back(row);
  row = {.begin = at(noon + 120), .islanded = true};
  batch.minutes.push_back(row);
  row = {.begin = at(noon + 180), .partial = true};
  batch.minutes.push_back(row);
  auto file = HistoryFile::open_to_write(settings_.file);
  ASSERT_TRUE(file && file->write(batch, {}));
  const auto rows = file->minutes(at(noon), at(noon + 3600)).value();
  ASSERT_THAT(rows, SizeIs(4));
  EXPECT_EQ(rows[0].circuits_w, (std::vector<std::optional<double>>{-5.0, std::nullopt, 2001.0}));
  EXPECT_FALSE(rows[0].curtailed || rows[0].islanded || rows[0].partial);
  EXPECT_EQ(rows[1].circuit_w(9), 10.0);
  EXPECT_TRUE(rows[1].curtailed && !rows[1].islanded && !rows[1].partial);
  EXPECT_TRUE(!rows[2].curtailed && rows[2].islanded && !rows[2].partial);
  EXPECT_TRUE(!rows[3].curtailed && !rows[3].islanded && rows[3].partial);
}

TEST_F(HistoryStoreTest, OfTwoHalvesOfAMinuteWhatEitherSaysOfItselfIsSaidOfIt) {
  auto file = HistoryFile::open_to_write(settings_.file);
  ASSERT_TRUE(file);
  const auto write = [&](MinuteRow row) {
    HistoryBatch batch;
    batch.minutes.push_back(std::move(row));
    EXPECT_TRUE(file->write(batch, {}));
  };
  write({.begin = at(noon), .house_w = 100.0, .circuits_w = {7.0}, .islanded = true});
  write({.begin = at(noon), .house_w = 200.0, .circuits_w = {8.0, 9.0}, .partial = true});
  const auto rows = file->minutes(at(noon), at(noon + 60)).value();
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows[0].house_w, 100.0);
  EXPECT_EQ(rows[0].circuits_w, (std::vector<std::optional<double>>{7.0, 9.0}));
  EXPECT_TRUE(rows[0].islanded && rows[0].partial && !rows[0].curtailed);
}

}  // namespace
}  // namespace esshub::publish
