#include "sim/storm/history_judge.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace esshub::sim::storm {
namespace {

constexpr const char* database = "history.db";
/// Sums of the same powers in another order.
constexpr double rounding = 1.0;  // J

struct Close {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};

/// Runs a question; each row goes to `row`. What went wrong, empty: nothing.
template <class Row>
std::string ask(sqlite3* db, const char* sql, Row row) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(db, sql, -1, &statement, nullptr);
  while (code == SQLITE_OK || code == SQLITE_ROW) {
    code = sqlite3_step(statement);
    if (code == SQLITE_ROW) row(statement);
  }
  std::string trouble = code == SQLITE_DONE ? "" : sqlite3_errmsg(db);
  sqlite3_finalize(statement);
  return trouble;
}

std::string text(sqlite3_stmt* statement, int column) {
  const auto* const found = sqlite3_column_text(statement, column);
  return found == nullptr ? "" : reinterpret_cast<const char*>(found);
}

}  // namespace

HistoryJudge::Found HistoryJudge::look(const HistoryFiles& files) {
  copy_.copy(files);
  Found found;
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(database, &raw,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                                   copy_.vfs());
  const std::unique_ptr<sqlite3, Close> db{raw};
  if (code != SQLITE_OK) {
    found.trouble = sqlite3_errmsg(raw);
    return found;
  }
  const auto note = [&](const std::string& trouble) {
    if (found.trouble.empty()) found.trouble = trouble;
  };
  note(ask(raw, "PRAGMA integrity_check", [&](sqlite3_stmt* row) {
    if (const auto word = text(row, 0); word != "ok") note(word);
  }));
  std::int64_t tables = 0;
  note(ask(raw, "SELECT count(*) FROM sqlite_master",
           [&](sqlite3_stmt* row) { tables = sqlite3_column_int64(row, 0); }));
  if (tables == 0 || !found.trouble.empty()) return found;
  // Those that a wrong clock had dated are kept beside them.
  for (const char* sql : {"SELECT begin FROM minutes", "SELECT begin FROM misdated_minutes"})
    note(ask(raw, sql,
             [&](sqlite3_stmt* row) { found.minutes.insert(sqlite3_column_int64(row, 0)); }));
  note(ask(raw,
           "SELECT count(*) FROM (SELECT * FROM events UNION ALL SELECT * FROM misdated_events)",
           [&](sqlite3_stmt* row) { found.events = sqlite3_column_int64(row, 0); }));
  note(ask(raw,
           "SELECT at || ' ' || kind || ' ' || name || ' ' || detail AS whole FROM events"
           " GROUP BY whole HAVING count(*) > 1 LIMIT 1",
           [&](sqlite3_stmt* row) { found.doubled = text(row, 0); }));
  note(ask(raw, "SELECT flow, joules FROM totals", [&](sqlite3_stmt* row) {
    if (const auto flow = enum_named<Flow>(text(row, 0)))
      found.totals[*flow] = sqlite3_column_double(row, 1);
  }));
  return found;
}

/// Nothing of what was written is gone.
void HistoryJudge::compare(const Found& found, const char* when) {
  const std::string after = std::string{" "} + when;
  expect(found.trouble.empty(), "the history is damaged" + after + ": " + found.trouble);
  if (!written_ || !found.trouble.empty()) return;
  expect(std::ranges::includes(found.minutes, written_->minutes),
         "minutes of the history that were written are gone" + after);
  expect(found.events >= written_->events,
         "events of the history that were written are gone" + after);
  for (const Flow flow : enum_values<Flow>)
    expect(found.totals[flow] >= written_->totals[flow] - rounding,
           "energies of the history that were written are gone" + after);
}

void HistoryJudge::note_set_asides(const HistoryFiles& files) {
  if (files.set_asides() == asides_) return;
  asides_ = files.set_asides();
  written_.reset();
  damaged_ = false;
}

void HistoryJudge::on_start(const HistoryFiles& files) {
  const Found found = look(files);
  // What a disk that lied has left stays so until the hub can look through it.
  const bool was_damaged = std::exchange(damaged_, !found.trouble.empty());
  if (kept_word_ && !was_damaged) {
    compare(found, "at a start");
  } else {
    written_.reset();
    shown_ = {};
  }
  if (std::exchange(ahead_, false)) shown_ = {};
  before_ = damaged_ ? std::nullopt : std::optional{found.totals};
  kept_word_ = true;
}

void HistoryJudge::on_began(const HistoryFiles& files) {
  const bool aside = files.set_asides() != asides_;
  const bool could = !files.trouble.full && !files.trouble.unreadable;
  if (damaged_ && could) expect(aside, "a damaged history is not set aside");
  if (!damaged_) expect(!aside, "a history that is whole is set aside");
  note_set_asides(files);
  if (aside) {
    before_.reset();
    shown_ = {};
  }
  if (!damaged_ || aside) compare(look(files), "when it was opened");
}

void HistoryJudge::on_written(const HistoryFiles& files, const EnergyTotals& flowed) {
  note_set_asides(files);
  const Found found = look(files);
  compare(found, "after a write");
  if (!found.trouble.empty()) return;
  expect(std::ranges::all_of(found.minutes, [](std::int64_t begin) { return begin % 60 == 0; }),
         "a minute of the history begins within one");
  expect(clock_set_ || found.doubled.empty(),
         "an event of the history is there twice: " + found.doubled);
  if (!before_) {
    before_ = found.totals;
    for (const Flow flow : enum_values<Flow>) (*before_)[flow] -= flowed[flow];
  }
  for (const Flow flow : enum_values<Flow>) {
    const double due = (*before_)[flow] + flowed[flow];
    expect(std::abs(found.totals[flow] - due) <= rounding,
           "the history keeps " + std::to_string(found.totals[flow]) + " J of " +
               std::string{name(flow)} + ", and " + std::to_string(due) + " have flowed");
  }
  written_ = found;
}

void HistoryJudge::on_shown(const EnergyTotals& shown) {
  for (const Flow flow : enum_values<Flow>) {
    if (shown[flow] == 0.0) continue;  // until the file was read
    expect(shown[flow] >= shown_[flow] - rounding,
           "the energies that are shown fall: " + std::string{name(flow)});
    shown_[flow] = std::max(shown_[flow], shown[flow]);
  }
}

}  // namespace esshub::sim::storm
