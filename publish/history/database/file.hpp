// HistoryFile: the history as an SQLite database. It and copy.hpp alone know SQLite.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "publish/history/collector.hpp"
#include "publish/history/database/disk.hpp"
#include "publish/history/history.hpp"

struct sqlite3;

namespace esshub::publish {

/// J by flow.
struct TotalsCeilings {
  EnergyTotals flowed;  ///< since the hub was installed, up to the last batch
  EnergyTotals marks;   ///< the most that may have been shown of it (monotonic_totals.hpp)
};

/// What may be kept no longer, proved by the file itself and not by any clock: a minute is past
/// when `keep_minutes` later ones are kept, none of them after `now`. Events older than it go with
/// it, days never.
struct Retention {
  WallTime now{};
  std::int64_t keep_minutes = 0;
};

/// Rows later than the clock: a clock that was wrong has dated them.
struct FutureRows {
  std::int64_t minutes = 0;
  std::int64_t days = 0;
  std::int64_t events = 0;
  [[nodiscard]] bool any() const { return minutes > 0 || days > 0 || events > 0; }
};

/// Why the file could not be used.
struct HistoryTrouble {
  bool damaged = false;  ///< what is in it is broken: waiting does not help, setting it aside does
  std::string text;      ///< for a person, with the file's name
  bool no_room = false;  ///< the disk is full; the file is as it was, and stays open
};

/// An older schema was brought up to date.
struct SchemaUpgrade {
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::string copy;        ///< of the file as it was (schema_copy.hpp)
  std::string not_copied;  ///< why there is none, for a person; empty: there is one
};

template <class T>
using FileResult = tl::expected<T, HistoryTrouble>;

/// One connection, for one thread at a time. The file is in WAL mode: one writes, others (also
/// other programs) read meanwhile. Tables: `minutes` (begin: seconds since 1970, powers in W,
/// soc_tenths: tenths of a per cent, flags: 0 or 1), `days` (J and money by date), `totals` (J
/// since the hub was installed, and the most that may have been shown of it), `events` (at:
/// milliseconds since 1970); `misdated_minutes`, `misdated_days` and `misdated_events` hold what a
/// wrong clock had dated. The schema's version is `PRAGMA user_version`.
class HistoryFile {
 public:
  /// Creates the file (and its folder) where it is missing and brings an older schema up to date,
  /// at once or not at all, once it has looked through it and kept a copy of it, if there is room
  /// (SchemaCopy). A newer one, or a database of another program, is refused untouched.
  [[nodiscard]] static FileResult<HistoryFile> open_to_write(const std::string& path,
                                                             HistoryDisk& disk = disk_of_system());
  /// Never creates nor changes anything.
  [[nodiscard]] static FileResult<HistoryFile> open_to_read(
      const std::string& path, const HistoryDisk& disk = disk_of_system());

  /// By open_to_write(); nothing: there was nothing to be done.
  [[nodiscard]] const std::optional<SchemaUpgrade>& upgrade() const { return upgrade_; }
  /// All of the batch and the new marks, or nothing of it.
  [[nodiscard]] FileResult<void> write(const HistoryBatch& batch, const EnergyTotals& marks,
                                       std::optional<Retention> retention = {});
  /// Makes durable what is in it, also what a program before could not: then it is in the database
  /// itself, and the log is empty. False: in the log only, as another connection reads.
  [[nodiscard]] FileResult<bool> settle();
  /// The path names another file by now, or none: what is written would be lost.
  [[nodiscard]] bool moved() const;
  /// Looks through the whole file.
  [[nodiscard]] FileResult<void> check();

  /// The newest minute; nothing in a file just made.
  [[nodiscard]] FileResult<std::optional<WallTime>> newest();
  /// Minutes and events after `now`, days after its date (UTC).
  [[nodiscard]] FileResult<FutureRows> future_rows(WallTime now);
  /// Moves them to the tables of misdated rows, where nobody prunes or shows them.
  [[nodiscard]] FileResult<void> set_future_aside(WallTime now);
  /// Nothing in a file just made.
  [[nodiscard]] FileResult<std::optional<TotalsCeilings>> totals();
  // As HistoryReader's.
  [[nodiscard]] FileResult<std::vector<MinuteRow>> minutes(WallTime from, WallTime until);
  [[nodiscard]] FileResult<std::vector<DayRow>> days(unsigned count);
  [[nodiscard]] FileResult<std::vector<HistoryEvent>> events(WallTime from, WallTime until,
                                                             unsigned most);

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };
  HistoryFile(std::string path, std::unique_ptr<sqlite3, Close> db)
      : path_(std::move(path)), db_(std::move(db)) {}
  static FileResult<HistoryFile> open(const std::string& path, int flags, const HistoryDisk& disk);
  FileResult<void> migrate(HistoryDisk& disk);
  FileResult<SchemaUpgrade> keep_copy(HistoryDisk& disk);
  FileResult<std::int64_t> number(const char* sql);
  FileResult<void> run(const char* sql);
  FileResult<void> write_rows(const HistoryBatch& batch, const EnergyTotals& marks,
                              std::optional<Retention> retention);
  /// Every byte of the file and of its log.
  [[nodiscard]] bool readable() const;
  /// Looks through all of it.
  [[nodiscard]] bool damaged() const;
  FileResult<void> prune(const Retention& retention);
  [[nodiscard]] tl::unexpected<HistoryTrouble> trouble(int code) const;

  template <class Row>
  FileResult<void> each(const char* sql, const std::vector<std::int64_t>& arguments, Row row);

  std::string path_;
  std::unique_ptr<sqlite3, Close> db_;
  std::int64_t version_ = 0;  ///< of the schema
  std::optional<SchemaUpgrade> upgrade_;
};

/// The history of a file, for a program beside the hub.
[[nodiscard]] Result<std::unique_ptr<HistoryReader>> open_history(const std::string& path);

}  // namespace esshub::publish
