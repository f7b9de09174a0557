// The history's upgrade to a newer schema, on a disk that loses what was not synced.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <memory>
#include <string>

#include "publish/history/database/file.hpp"
#include "publish/history/database/schema.hpp"
#include "sim/storm/history_files.hpp"
#include "tests/publish/history/database/old_schema.hpp"

namespace esshub::sim::storm {
namespace {

namespace old_schema = publish::old_schema;

/// All rows of an answer in one text; the error where there is one.
std::string ask(const HistoryFiles& files, const char* sql) {
  sqlite3* db = nullptr;
  sqlite3_open_v2("history.db", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, files.vfs());
  std::string all;
  const int code = sqlite3_exec(
      db, sql,
      [](void* out, int count, char** row, char**) {
        for (int i = 0; i < count; ++i)
          *static_cast<std::string*>(out) += std::string{row[i] ? row[i] : ""} + ' ';
        return 0;
      },
      &all, nullptr);
  if (code != SQLITE_OK) all = sqlite3_errmsg(db);
  sqlite3_close(db);
  return all;
}

constexpr auto minutes = "SELECT begin, grid_w, soc_tenths FROM minutes";

TEST(HistoryUpgrade, CutShortAtAnyByteLeavesTheOldFileOrTheNewOneWhole) {
  for (const bool power : {false, true}) {
    Dice dice{3, 1};
    unsigned old_ones = 0, new_ones = 0;
    for (std::size_t bytes = 0; bytes < 60'000; bytes = bytes * 17 / 16 + 1) {
      HistoryFiles files;
      files.begin_run();
      ask(files, old_schema::made_by_version_3);
      const auto before = ask(files, minutes);
      ASSERT_EQ(before, "1768474680 -12 555 1768474740 10 560 ");
      files.die_after(bytes);
      static_cast<void>(publish::HistoryFile::open_to_write("history.db", files));
      files.die();
      if (power) {
        EXPECT_TRUE(files.power_cut(dice));
      }
      files.begin_run();
      EXPECT_EQ(ask(files, "PRAGMA integrity_check"), "ok ") << bytes;
      EXPECT_EQ(ask(files, minutes), before) << bytes;
      const auto version = ask(files, "PRAGMA user_version");
      const auto columns = ask(files, "SELECT count(*) FROM pragma_table_info('minutes')");
      if (version == "3 ") {
        ++old_ones;
        EXPECT_EQ(columns, "6 ") << bytes;
      } else {
        ++new_ones;
        EXPECT_EQ(version, std::to_string(publish::schema::version) + " ") << bytes;
        EXPECT_EQ(columns, "19 ") << bytes;
      }
      const auto again = publish::HistoryFile::open_to_write("history.db", files);
      ASSERT_TRUE(again) << again.error().text;
      EXPECT_EQ(again->upgrade().has_value(), version == "3 ");
    }
    EXPECT_GT(old_ones, 20u);
    EXPECT_GT(new_ones, 5u);
  }
}

}  // namespace
}  // namespace esshub::sim::storm
