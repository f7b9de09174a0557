#include "publish/history/database/copy.hpp"

#include <sqlite3.h>

#include "publish/history/database/file.hpp"

namespace esshub::publish {
namespace {

constexpr int patience_ms = 2000;  // for another connection's lock, which lasts milliseconds
constexpr int pages_at_once = 256;

class Connection {
 public:
  Connection(const std::string& file, int flags) : file_(file) {
    code_ = sqlite3_open_v2(file.c_str(), &db_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    if (code_ == SQLITE_OK) sqlite3_busy_timeout(db_, patience_ms);
  }
  ~Connection() { sqlite3_close_v2(db_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] sqlite3* get() const { return db_; }
  [[nodiscard]] bool run(const char* sql) {
    if (code_ == SQLITE_OK) code_ = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
    return code_ == SQLITE_OK;
  }
  /// 0 where it cannot be told.
  [[nodiscard]] std::int64_t schema() {
    sqlite3_stmt* query = nullptr;
    std::int64_t version = 0;
    if (sqlite3_prepare_v2(db_, "PRAGMA user_version", -1, &query, nullptr) == SQLITE_OK &&
        sqlite3_step(query) == SQLITE_ROW)
      version = sqlite3_column_int64(query, 0);
    sqlite3_finalize(query);
    return version;
  }
  [[nodiscard]] tl::unexpected<Error> trouble() const {
    const int kind = sqlite3_errcode(db_);
    return fail(
        kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB ? ErrorKind::invalid : ErrorKind::io,
        file_ + ": " + sqlite3_errmsg(db_));
  }

 private:
  std::string file_;
  sqlite3* db_ = nullptr;
  int code_ = SQLITE_OK;
};

/// A newer schema is named: it tells which version of the program to look for.
Result<HistoryFile> open_judged(const std::string& path) {
  auto file = HistoryFile::open_to_read(path);
  if (file) return std::move(*file);
  const auto schema = Connection{path, SQLITE_OPEN_READONLY}.schema();
  return fail(file.error().damaged || schema > 0 ? ErrorKind::invalid : ErrorKind::io,
              file.error().text +
                  (schema > 0 ? " (schema " + std::to_string(schema) + ")" : std::string{}));
}

}  // namespace

Result<std::int64_t> judge_history(const std::string& path) {
  auto file = open_judged(path);
  if (!file) return tl::unexpected<Error>(std::move(file.error()));
  if (const auto whole = file->check(); !whole)
    return fail(whole.error().damaged ? ErrorKind::invalid : ErrorKind::io, whole.error().text);
  return Connection{path, SQLITE_OPEN_READONLY}.schema();
}

Result<std::int64_t> copy_history(const std::string& from, const std::string& to,
                                  const CopyProgress& progress) {
  if (const auto file = open_judged(from); !file) return tl::unexpected<Error>(file.error());
  {
    Connection source{from, SQLITE_OPEN_READONLY};
    // One transaction: what is written meanwhile would make the copy begin anew.
    if (!source.run("BEGIN; SELECT count(*) FROM sqlite_master")) return source.trouble();
    Connection target{to, SQLITE_OPEN_READWRITE};
    if (!target.run("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF")) return target.trouble();
    sqlite3_backup* copy = sqlite3_backup_init(target.get(), "main", source.get(), "main");
    if (copy == nullptr) return target.trouble();
    int code = SQLITE_OK;
    while (code == SQLITE_OK) {
      code = sqlite3_backup_step(copy, pages_at_once);
      const auto all = static_cast<std::uint64_t>(sqlite3_backup_pagecount(copy));
      const auto left = static_cast<std::uint64_t>(sqlite3_backup_remaining(copy));
      if (progress) progress(all - left, all);
    }
    const bool done = code == SQLITE_DONE;
    if (sqlite3_backup_finish(copy) != SQLITE_OK || !done) {
      // A page that cannot be read is the source's.
      return sqlite3_errcode(target.get()) == SQLITE_OK ? source.trouble() : target.trouble();
    }
  }
  // What is read from a card or a stick has no place for a log.
  Connection target{to, SQLITE_OPEN_READWRITE};
  if (!target.run("PRAGMA synchronous=OFF; PRAGMA journal_mode=DELETE")) return target.trouble();
  return judge_history(to);
}

}  // namespace esshub::publish
