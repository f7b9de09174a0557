#include "publish/history/database/file.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <utility>

#include "publish/history/database/schema.hpp"
#include "publish/history/database/schema_copy.hpp"

namespace esshub::publish {
namespace {

constexpr std::int64_t application_id = 0x45535348;  // "ESSH"
constexpr int patience_ms = 2000;  // for another connection's lock, which lasts milliseconds

std::int64_t seconds_of(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}
std::int64_t milliseconds_of(WallTime time) {
  return std::chrono::floor<std::chrono::milliseconds>(time).time_since_epoch().count();
}
/// The first whole unit that does not lie before the moment.
template <class Unit>
std::int64_t not_before(WallTime time) {
  const auto whole = std::chrono::floor<Unit>(time);
  return whole.time_since_epoch().count() + (whole < time ? 1 : 0);
}
template <class Unit>
WallTime wall(std::int64_t count) {
  return WallTime(std::chrono::duration_cast<WallTime::duration>(Unit(count)));
}

/// A prepared statement.
class Statement {
 public:
  Statement(sqlite3* db, const char* sql) {
    code_ = sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  [[nodiscard]] int code() const { return code_; }

  // Parameters from the first on; then go() or step().
  Statement& with(std::int64_t value) {
    return bound(sqlite3_bind_int64(statement_, next(), value));
  }
  Statement& with(double value) { return bound(sqlite3_bind_double(statement_, next(), value)); }
  Statement& with(std::optional<double> value) {
    return value ? with(*value) : bound(sqlite3_bind_null(statement_, next()));
  }
  /// Rounded to whole numbers of 1/scale.
  Statement& whole(std::optional<double> value, double scale = 1.0) {
    return value ? with(std::int64_t{std::llround(*value * scale)})
                 : bound(sqlite3_bind_null(statement_, next()));
  }
  Statement& with(std::string_view text) {
    return bound(sqlite3_bind_text(statement_, next(), text.data(), static_cast<int>(text.size()),
                                   SQLITE_TRANSIENT));
  }

  /// SQLITE_ROW, SQLITE_DONE or an error.
  int step() { return code_ == SQLITE_OK ? sqlite3_step(statement_) : code_; }
  /// Runs it and makes it ready for the next parameters. SQLITE_OK or an error.
  int go() {
    const int code = step();
    sqlite3_reset(statement_);
    parameter_ = 0;
    return code == SQLITE_DONE ? SQLITE_OK : code;
  }

  // Columns of the row, from the first on.
  std::int64_t integer() { return sqlite3_column_int64(statement_, column_++); }
  std::optional<double> real() {
    const int column = column_++;
    if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
    return sqlite3_column_double(statement_, column);
  }
  std::string text() {
    const auto* start = sqlite3_column_text(statement_, column_);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column_++));
    return start ? std::string{reinterpret_cast<const char*>(start), size} : std::string{};
  }
  void next_row() { column_ = 0; }

 private:
  int next() { return ++parameter_; }
  Statement& bound(int code) {
    if (code_ == SQLITE_OK) code_ = code;
    return *this;
  }

  sqlite3_stmt* statement_ = nullptr;
  int code_ = SQLITE_OK;
  int parameter_ = 0;
  int column_ = 0;
};

Statement& bind(Statement& insert, const MinuteRow& row) {
  insert.with(seconds_of(row.begin))
      .whole(row.grid_w)
      .whole(row.solar_w)
      .whole(row.house_w)
      .whole(row.battery_w)
      .whole(row.soc, 10);
  for (std::size_t i = 0; i < max_circuits; ++i) insert.whole(row.circuit_w(i));
  for (const bool flag : {row.curtailed, row.islanded, row.partial})
    insert.with(std::int64_t{flag});
  return insert;
}

MinuteRow minute_of(Statement& row) {
  MinuteRow minute;
  minute.begin = wall<std::chrono::seconds>(row.integer());
  minute.grid_w = row.real();
  minute.solar_w = row.real();
  minute.house_w = row.real();
  minute.battery_w = row.real();
  if (const auto tenths = row.real()) minute.soc = *tenths / 10.0;
  for (std::size_t i = 0; i < max_circuits; ++i) {
    const auto power = row.real();
    if (!power) continue;
    minute.circuits_w.resize(i + 1);
    minute.circuits_w[i] = power;
  }
  for (bool* flag : {&minute.curtailed, &minute.islanded, &minute.partial})
    *flag = row.integer() != 0;
  return minute;
}

/// Or a disk that gave an error: SQLite tells a page that it could not read as one that is damaged.
bool may_be_damaged(int code) {
  const int kind = code & 0xff;
  return kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB;
}

/// The code says that what is there could not be read, rather than that something could not be
/// written.
bool unread(int code) {
  return may_be_damaged(code) || code == SQLITE_IOERR_READ || code == SQLITE_IOERR_SHORT_READ;
}

}  // namespace

void HistoryFile::Close::operator()(sqlite3* db) const {
  sqlite3_close_v2(db);
}

tl::unexpected<HistoryTrouble> HistoryFile::trouble(int code) const {
  const std::string text = path_ + ": " + sqlite3_errmsg(db_.get());
  return tl::unexpected(
      HistoryTrouble{may_be_damaged(code) && damaged(), text, (code & 0xff) == SQLITE_FULL});
}

FileResult<HistoryFile> HistoryFile::open(const std::string& path, int flags,
                                          const HistoryDisk& disk) {
  if (disk.holds_no_file(path)) return tl::unexpected(HistoryTrouble{false, path + ": not a file"});
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, disk.vfs());
  HistoryFile file(path, std::unique_ptr<sqlite3, Close>(raw));
  if (code != SQLITE_OK) return file.trouble(code);
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, patience_ms);
  return file;
}

FileResult<HistoryFile> HistoryFile::open_to_write(const std::string& path, HistoryDisk& disk) {
  disk.make_place_for(path);
  auto file = open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, disk);
  if (!file) return file;
  if (sqlite3_db_readonly(file->db_.get(), "main") == 1)
    return tl::unexpected(HistoryTrouble{false, path + ": can be read only"});
  if (auto done = file->migrate(disk); !done) return tl::unexpected(done.error());
  return file;
}

FileResult<HistoryFile> HistoryFile::open_to_read(const std::string& path,
                                                  const HistoryDisk& disk) {
  if (const auto why = disk.missing(path))
    return tl::unexpected(HistoryTrouble{false, path + ": " + *why});
  auto file = open(path, SQLITE_OPEN_READONLY, disk);
  if (!file) return file;
  const auto id = file->number("PRAGMA application_id");
  if (!id) return tl::unexpected(id.error());
  const auto version = file->number("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  if (*id != application_id || *version < 1 || *version > schema::version)
    return tl::unexpected(
        HistoryTrouble{false, path + ": not a history that this version of esshub can read"});
  file->version_ = *version;
  return file;
}

FileResult<void> HistoryFile::migrate(HistoryDisk& disk) {
  const auto version = number("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  const auto id = number("PRAGMA application_id");
  if (!id) return tl::unexpected(id.error());
  const auto tables = number("SELECT count(*) FROM sqlite_master");
  if (!tables) return tl::unexpected(tables.error());
  const bool fresh = *version == 0 && *id == 0 && *tables == 0;
  if (!fresh && *id != application_id)
    return tl::unexpected(HistoryTrouble{false, path_ + ": a database of another program"});
  if (*version > schema::version)
    return tl::unexpected(
        HistoryTrouble{false, path_ + ": written by a newer version of esshub (schema " +
                                  std::to_string(*version) + ", this one knows " +
                                  std::to_string(schema::version) + ")"});
  // FULL: a power cut, too, loses at most the last batch.
  if (auto done = run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                      "PRAGMA journal_size_limit=4194304;");
      !done)
    return done;
  version_ = *version;
  if (version_ == schema::version) return {};
  std::optional<SchemaUpgrade> upgrade;
  if (!fresh) {
    if (auto whole = check(); !whole) return whole;
    auto kept = keep_copy(disk);
    if (!kept) return tl::unexpected(kept.error());
    upgrade = std::move(*kept);
  }
  std::string steps = "BEGIN IMMEDIATE; PRAGMA application_id=" + std::to_string(application_id);
  for (auto n = static_cast<std::size_t>(*version); n < schema::migrations.size(); ++n)
    steps += std::string{"; "} + schema::migrations.at(n);
  steps += "; PRAGMA user_version=" + std::to_string(schema::version) + "; COMMIT";
  auto done = run(steps.c_str());
  if (!done) {
    static_cast<void>(run("ROLLBACK"));
    return done;
  }
  version_ = schema::version;
  upgrade_ = std::move(upgrade);
  return {};
}

/// What is in the log goes to the file first: its time then tells what the copy is of. Where it
/// cannot, because another reads, the time tells nothing. An error: what is to be copied cannot be
/// read now; whether it is damaged, the look with the next try tells.
FileResult<SchemaUpgrade> HistoryFile::keep_copy(HistoryDisk& disk) {
  SchemaUpgrade upgrade{.from = version_, .to = schema::version, .copy = {}, .not_copied = {}};
  const SchemaCopy copy(path_, version_);
  if (const auto settled = settle(); !settled || !*settled || !copy.made()) {
    const auto bytes =
        number("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()");
    if (!bytes) return tl::unexpected(bytes.error());
    upgrade.not_copied = copy.begin(static_cast<std::uint64_t>(*bytes), disk);
    if (upgrade.not_copied.empty()) {
      Statement vacuum(db_.get(), "VACUUM INTO ?");
      const int code = vacuum.with(std::string_view{copy.unfinished()}).step();
      upgrade.not_copied = code == SQLITE_DONE ? copy.finish() : trouble(code).value().text;
      if (!upgrade.not_copied.empty()) copy.abandon();
      if (unread(code)) return tl::unexpected(HistoryTrouble{false, upgrade.not_copied});
    }
  }
  if (upgrade.not_copied.empty()) upgrade.copy = copy.name();
  return upgrade;
}

FileResult<void> HistoryFile::run(const char* sql) {
  const int code = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return trouble(code);
  return {};
}

FileResult<std::int64_t> HistoryFile::number(const char* sql) {
  Statement query(db_.get(), sql);
  const int code = query.step();
  if (code != SQLITE_ROW) return trouble(code);
  return query.integer();
}

FileResult<void> HistoryFile::write(const HistoryBatch& batch, const EnergyTotals& marks,
                                    std::optional<Retention> retention) {
  if (auto begun = run("BEGIN IMMEDIATE"); !begun) return begun;
  auto written = write_rows(batch, marks, retention);
  if (written) written = run("COMMIT");
  // A commit that failed may have ended the transaction by itself; then there is nothing to undo.
  if (!written && sqlite3_get_autocommit(db_.get()) == 0) static_cast<void>(run("ROLLBACK"));
  return written;
}

FileResult<void> HistoryFile::write_rows(const HistoryBatch& batch, const EnergyTotals& marks,
                                         std::optional<Retention> retention) {
  int code = SQLITE_OK;
  const auto done = [&](int next) { return (code = next) == SQLITE_OK; };

  const std::string insert_minute = schema::insert_minute();
  Statement minute(db_.get(), insert_minute.c_str());
  for (const auto& row : batch.minutes)
    if (!done(bind(minute, row).go())) return trouble(code);

  Statement day(db_.get(),
                "INSERT INTO days VALUES(?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(date) DO UPDATE SET"
                " grid_import=grid_import+excluded.grid_import,"
                " grid_export=grid_export+excluded.grid_export,"
                " solar=solar+excluded.solar, house=house+excluded.house,"
                " battery_charge=battery_charge+excluded.battery_charge,"
                " battery_discharge=battery_discharge+excluded.battery_discharge,"
                " import_cost=coalesce(import_cost+excluded.import_cost, excluded.import_cost,"
                " import_cost),"
                " export_income=coalesce(export_income+excluded.export_income,"
                " excluded.export_income, export_income),"
                " import_unpriced=import_unpriced+excluded.import_unpriced,"
                " export_unpriced=export_unpriced+excluded.export_unpriced");
  for (const auto& [date, row] : batch.days) {
    day.with(std::string_view{date});
    for (const double joules : row.energies.joules) day.with(joules);
    if (!done(day.with(row.import_cost)
                  .with(row.export_income)
                  .with(row.import_unpriced_j)
                  .with(row.export_unpriced_j)
                  .go()))
      return trouble(code);
  }

  Statement total(db_.get(),
                  "INSERT INTO totals VALUES(?,?,?) ON CONFLICT(flow) DO UPDATE SET"
                  " joules=joules+excluded.joules, mark=excluded.mark");
  for (const Flow flow : enum_values<Flow>)
    if (!done(total.with(name(flow)).with(batch.energies[flow]).with(marks[flow]).go()))
      return trouble(code);

  Statement event(db_.get(), "INSERT INTO events VALUES(?,?,?,?)");
  for (const auto& row : batch.events)
    if (!done(event.with(milliseconds_of(row.at))
                  .with(std::string_view{row.kind})
                  .with(std::string_view{row.name})
                  .with(std::string_view{row.detail})
                  .go()))
      return trouble(code);

  if (!retention) return {};
  return prune(*retention);
}

FileResult<void> HistoryFile::prune(const Retention& retention) {
  Statement oldest(db_.get(),
                   "SELECT begin FROM minutes WHERE begin <= ? ORDER BY begin DESC"
                   " LIMIT 1 OFFSET ?");
  int code = oldest.with(seconds_of(retention.now)).with(retention.keep_minutes).step();
  if (code == SQLITE_DONE) return {};
  if (code != SQLITE_ROW) return trouble(code);
  const std::int64_t past_s = oldest.integer();
  Statement minutes(db_.get(), "DELETE FROM minutes WHERE begin <= ?");
  if ((code = minutes.with(past_s).go()) != SQLITE_OK) return trouble(code);
  Statement events(db_.get(), "DELETE FROM events WHERE at < ?");
  if ((code = events.with((past_s + 60) * 1000).go()) != SQLITE_OK) return trouble(code);
  return {};
}

/// Without patience for who reads: a stop waits for what is written after it.
FileResult<bool> HistoryFile::settle() {
  sqlite3_busy_timeout(db_.get(), 0);
  const auto busy = number("PRAGMA wal_checkpoint(TRUNCATE)");
  sqlite3_busy_timeout(db_.get(), patience_ms);
  if (!busy) return tl::unexpected(busy.error());
  if (*busy == 0) return true;
  sqlite3_file* log = nullptr;
  sqlite3_file_control(db_.get(), nullptr, SQLITE_FCNTL_JOURNAL_POINTER, static_cast<void*>(&log));
  if (log == nullptr || log->pMethods == nullptr ||
      log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) != SQLITE_OK)
    return tl::unexpected(HistoryTrouble{false, path_ + ": its log cannot be synced"});
  return false;
}

bool HistoryFile::moved() const {
  int moved = 0;
  const int code = sqlite3_file_control(db_.get(), nullptr, SQLITE_FCNTL_HAS_MOVED, &moved);
  return code == SQLITE_OK && moved != 0;
}

FileResult<std::optional<WallTime>> HistoryFile::newest() {
  Statement query(db_.get(), "SELECT begin FROM minutes ORDER BY begin DESC LIMIT 1");
  const int code = query.step();
  if (code == SQLITE_DONE) return std::nullopt;
  if (code != SQLITE_ROW) return trouble(code);
  return wall<std::chrono::seconds>(query.integer());
}

namespace {

struct Table {
  const char* name;
  const char* later;  ///< than ?, in seconds
};
constexpr std::array dated_tables{Table{"minutes", " WHERE begin > ?"},
                                  Table{"days", " WHERE date > date(?, 'unixepoch')"},
                                  Table{"events", " WHERE at > 1000 * ?"}};

}  // namespace

FileResult<FutureRows> HistoryFile::future_rows(WallTime now) {
  std::array<std::int64_t, dated_tables.size()> counts{};
  for (std::size_t i = 0; i < dated_tables.size(); ++i) {
    const Table& table = dated_tables[i];
    const std::string sql = std::string{"SELECT count(*) FROM "} + table.name + table.later;
    Statement query(db_.get(), sql.c_str());
    const int code = query.with(seconds_of(now)).step();
    if (code != SQLITE_ROW) return trouble(code);
    counts[i] = query.integer();
  }
  return FutureRows{.minutes = counts[0], .days = counts[1], .events = counts[2]};
}

FileResult<void> HistoryFile::set_future_aside(WallTime now) {
  if (auto begun = run("BEGIN IMMEDIATE"); !begun) return begun;
  int code = SQLITE_OK;
  for (const Table& table : dated_tables) {
    const std::string later = std::string{" FROM "} + table.name + table.later;
    for (const auto& sql : {std::string{"INSERT INTO misdated_"} + table.name + " SELECT *" + later,
                            "DELETE" + later}) {
      Statement statement(db_.get(), sql.c_str());
      if (code == SQLITE_OK) code = statement.with(seconds_of(now)).go();
    }
  }
  FileResult<void> done;
  if (code != SQLITE_OK) done = trouble(code);
  if (done) done = run("COMMIT");
  if (!done && sqlite3_get_autocommit(db_.get()) == 0) static_cast<void>(run("ROLLBACK"));
  return done;
}

/// An index as well: events that it does not know are shown to nobody.
FileResult<void> HistoryFile::check() {
  Statement query(db_.get(), "PRAGMA integrity_check(1)");
  const int code = query.step();
  if (code != SQLITE_ROW) return trouble(code);
  const std::string found{query.text()};
  if (found == "ok") return {};
  return tl::unexpected(HistoryTrouble{damaged(), path_ + ": " + found});
}

/// Only where all can be read, and another look finds it as well.
bool HistoryFile::damaged() const {
  if (!readable()) return false;
  Statement look(db_.get(), "PRAGMA integrity_check(1)");
  const int code = look.step();
  return code == SQLITE_ROW ? look.text() != "ok" : may_be_damaged(code);
}

bool HistoryFile::readable() const {
  for (const int which : {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER}) {
    sqlite3_file* file = nullptr;
    sqlite3_file_control(db_.get(), nullptr, which, static_cast<void*>(&file));
    if (file == nullptr || file->pMethods == nullptr) continue;
    std::array<char, 65536> block{};
    sqlite3_int64 left = 0;
    if (file->pMethods->xFileSize(file, &left) != SQLITE_OK) return false;
    for (sqlite3_int64 at = 0; left > 0;) {
      const auto size = std::min<sqlite3_int64>(left, block.size());
      if (file->pMethods->xRead(file, block.data(), static_cast<int>(size), at) != SQLITE_OK)
        return false;
      at += size;
      left -= size;
    }
  }
  return true;
}

template <class Row>
FileResult<void> HistoryFile::each(const char* sql, const std::vector<std::int64_t>& arguments,
                                   Row row) {
  Statement query(db_.get(), sql);
  for (const auto argument : arguments) query.with(argument);
  int code = query.step();
  for (; code == SQLITE_ROW; code = query.step()) {
    query.next_row();
    row(query);
  }
  if (code != SQLITE_DONE) return trouble(code);
  return {};
}

FileResult<std::optional<TotalsCeilings>> HistoryFile::totals() {
  TotalsCeilings totals;
  std::size_t found = 0;
  auto read = each("SELECT flow, joules, mark FROM totals", {}, [&](Statement& row) {
    const auto flow = row.text();
    const auto joules = row.real().value_or(0.0);
    const auto mark = row.real().value_or(0.0);
    if (const auto known = enum_named<Flow>(flow)) {
      totals.flowed[*known] = joules;
      totals.marks[*known] = mark;
      ++found;
    }
  });
  if (!read) return tl::unexpected(read.error());
  if (found == 0) return std::nullopt;
  return totals;
}

FileResult<std::vector<MinuteRow>> HistoryFile::minutes(WallTime from, WallTime until) {
  std::vector<MinuteRow> rows;
  const std::string sql = schema::select_minutes(version_);
  auto read =
      each(sql.c_str(),
           {not_before<std::chrono::seconds>(from), not_before<std::chrono::seconds>(until)},
           [&](Statement& row) { rows.push_back(minute_of(row)); });
  if (!read) return tl::unexpected(read.error());
  return rows;
}

FileResult<std::vector<DayRow>> HistoryFile::days(unsigned count) {
  std::vector<DayRow> rows;
  auto read = each(
      "SELECT date, grid_import, grid_export, solar, house, battery_charge,"
      " battery_discharge, import_cost, export_income, import_unpriced,"
      " export_unpriced FROM days ORDER BY date DESC LIMIT ?",
      {std::int64_t{count}}, [&](Statement& row) {
        DayRow day;
        day.date = row.text();
        for (double& joules : day.energies.joules) joules = row.real().value_or(0.0);
        day.import_cost = row.real();
        day.export_income = row.real();
        day.import_unpriced_j = row.real().value_or(0.0);
        day.export_unpriced_j = row.real().value_or(0.0);
        rows.push_back(std::move(day));
      });
  if (!read) return tl::unexpected(read.error());
  std::ranges::reverse(rows);
  return rows;
}

FileResult<std::vector<HistoryEvent>> HistoryFile::events(WallTime from, WallTime until,
                                                          unsigned most) {
  std::vector<HistoryEvent> rows;
  auto read = each(
      "SELECT at, kind, name, detail FROM events WHERE at >= ? AND at < ?"
      " ORDER BY at DESC, rowid DESC LIMIT ?",
      {not_before<std::chrono::milliseconds>(from), not_before<std::chrono::milliseconds>(until),
       std::int64_t{most}},
      [&](Statement& row) {
        const auto at = wall<std::chrono::milliseconds>(row.integer());
        auto kind = row.text();
        auto event_name = row.text();
        rows.push_back({at, std::move(kind), std::move(event_name), row.text()});
      });
  if (!read) return tl::unexpected(read.error());
  return rows;
}

namespace {

class Reader final : public HistoryReader {
 public:
  explicit Reader(std::string path) : path_(std::move(path)) {}
  Result<std::vector<MinuteRow>> minutes(WallTime from, WallTime until) override {
    return ask([&](HistoryFile& file) { return file.minutes(from, until); });
  }
  Result<std::vector<DayRow>> days(unsigned count) override {
    return ask([&](HistoryFile& file) { return file.days(count); });
  }
  Result<std::vector<HistoryEvent>> events(WallTime from, WallTime until, unsigned most) override {
    return ask([&](HistoryFile& file) { return file.events(from, until, most); });
  }

 private:
  /// A connection a question: it sees the newest file, also after one was set aside.
  template <class Question>
  auto ask(Question question)
      -> Result<typename std::invoke_result_t<Question, HistoryFile&>::value_type> {
    auto file = HistoryFile::open_to_read(path_);
    if (!file) return fail(ErrorKind::io, file.error().text);
    auto answer = question(*file);
    if (!answer) return fail(ErrorKind::io, answer.error().text);
    return std::move(*answer);
  }

  std::string path_;
};

}  // namespace

Result<std::unique_ptr<HistoryReader>> open_history(const std::string& path) {
  // Now rather than with the first question: a wrong name is told at once.
  if (const auto file = HistoryFile::open_to_read(path); !file)
    return fail(ErrorKind::io, file.error().text);
  return std::make_unique<Reader>(path);
}

}  // namespace esshub::publish
