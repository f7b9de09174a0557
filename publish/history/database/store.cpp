#include "publish/history/database/store.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "esshub_version.hpp"
#include "publish/history/monotonic_totals.hpp"
#include "publish/threads/thread_name.hpp"
#include "publish/threads/timed_mutex.hpp"

namespace esshub::publish {
namespace {

constexpr Duration retry = 10s;
constexpr Duration hung = 1min;
constexpr auto end_limit = 1s;
constexpr auto answer_limit = 2s;  // for a question behind a write that hangs: a stop waits for it
constexpr Duration prune_every = 24h;

void add(EnergyTotals& totals, const EnergyTotals& more) {
  for (const Flow flow : enum_values<Flow>) totals[flow] += more[flow];
}

EnergyTotals sum(EnergyTotals totals, const EnergyTotals& more) {
  add(totals, more);
  return totals;
}

/// Moves a damaged database and what belongs to it out of the way; the new name.
std::optional<std::string> set_aside(const std::string& file) {
  namespace fs = std::filesystem;
  std::error_code failed;
  std::string aside;
  for (unsigned n = 1; aside.empty() || fs::exists(aside, failed); ++n)
    aside = file + ".damaged-" + std::to_string(n);
  // The log first: without it the database is still a whole one of an earlier moment.
  for (const char* part : {"-wal", "-shm", ""}) {
    if (!fs::exists(file + part, failed)) continue;
    fs::rename(file + part, aside + part, failed);
    if (failed) return std::nullopt;
  }
  return aside;
}

}  // namespace

/// Two locks: `mutex_` for the collector, never held while the disk is waited for; `disk_` for the
/// file, which no caller of update() ever takes. Where both are needed, `disk_` comes first.
class HistoryStore::Writer {
 public:
  Writer(HistorySettings settings, EventSink events, FailedSink failed)
      : settings_(std::move(settings)), events_(std::move(events)), failed_(std::move(failed)) {}

  [[nodiscard]] EnergyTotals totals() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return began_; });
    return base_;
  }

  [[nodiscard]] EnergyTotals shown(const EnergyTotals& flowed) {
    const std::lock_guard lock(mutex_);
    if (!known_) return {};
    return shown_.show(sum(base_, flowed), /*bounded=*/!told_failed_);
  }

  void update(const View& view) {
    const std::lock_guard lock(mutex_);
    collector_.update(view);
    if (!began_ && !due_since_) due_since_ = view.now;
    judge(due_since_ && view.now - *due_since_ > hung);
    if (due_since_) return;
    const bool early = failing_ || shown_.near(sum(base_, view.energies));
    const Duration pause = early ? std::min(retry, settings_.batch) : settings_.batch;
    if (written_at_ && view.now - *written_at_ < pause) return;
    written_at_ = view.now;
    due_since_ = view.now;
    wake_.notify_all();
  }

  void note(std::string kind, std::string name, std::string detail) {
    const std::lock_guard lock(mutex_);
    collector_.note(std::move(kind), std::move(name), std::move(detail));
  }

  bool flush() {
    static_cast<void>(totals());  // once the thread has read what there is
    return write(/*last=*/false);
  }

  [[nodiscard]] std::uint64_t dropped() {
    const std::lock_guard lock(mutex_);
    return collector_.dropped();
  }

  /// The thread's work.
  void work() {
    begin();
    check();
    std::unique_lock lock(mutex_);
    while (!ending_) {
      wake_.wait(lock, [&] { return ending_ || due_since_; });
      if (ending_) break;
      lock.unlock();
      write(/*last=*/false);
      lock.lock();
    }
    collector_.finish();
    lock.unlock();
    write(/*last=*/true);
    shut();
    lock.lock();
    ended_ = true;
    wake_.notify_all();
  }

  /// The thread writes what waits and ends, sooner or later.
  void end() {
    std::unique_lock lock(mutex_);
    if (alone_) return;
    ending_ = true;
    wake_.notify_all();
    wake_.wait_for(lock, end_limit, [&] { return ended_; });
    alone_ = true;
  }

  /// Rows of the file with those that wait merged in by `merge`.
  template <class Rows, class Read, class Merge>
  Result<Rows> ask(Read read, Merge merge) {
    // Nothing is under way between memory and disk.
    const std::unique_lock disk(disk_, answer_limit);
    if (!disk) return fail(ErrorKind::io, settings_.file + ": the disk does not answer");
    auto file = HistoryFile::open_to_read(settings_.file);
    if (!file) return fail(ErrorKind::io, file.error().text);
    FileResult<Rows> rows = read(*file);
    if (!rows) return fail(ErrorKind::io, rows.error().text);
    const std::lock_guard lock(mutex_);
    merge(*rows, collector_.waiting());
    return std::move(*rows);
  }

 private:
  void tell(Level level, std::string event, std::string detail) {
    const std::lock_guard lock(mutex_);
    if (alone_) return;  // whoever listened may be gone
    events_("history", {level, std::move(event), std::move(detail)});
  }

  /// Reads what there is, as the first thing the thread does: it may take as long as it likes.
  void begin() {
    const std::lock_guard disk(disk_);
    std::optional<WallTime> newest;
    const auto look = [&](HistoryFile& file) {
      if (const auto found = file.newest()) newest = *found;
    };
    if (open()) {
      look(*file_);
    } else if (auto file = HistoryFile::open_to_read(settings_.file)) {
      // Not writable, but readable: the counters must not begin anew.
      if (const auto found = file->totals(); found && *found) take_over(**found);
      look(*file);
    }
    const std::lock_guard lock(mutex_);
    collector_.begin(newest);
    began_ = true;
    due_since_.reset();
    wake_.notify_all();
  }

  /// With disk_ held, of a file that has been read. What went into another file meanwhile (a disk
  /// that was unplugged and is back) is to be added.
  void take_over(const TotalsCeilings& kept) {
    for (const Flow flow : enum_values<Flow>)
      unwritten_[flow] += std::max(0.0, totals_[flow] - kept.flowed[flow]);
    totals_ = kept.flowed;
    begin_showing(kept.marks);
  }

  /// With disk_ held, once what flowed before is known; later, what this run has shown says more.
  void begin_showing(const EnergyTotals& marks) {
    const std::lock_guard lock(mutex_);
    if (std::exchange(known_, true)) return;
    base_ = sum(totals_, unwritten_);
    shown_ = MonotonicTotals(marks);
  }

  /// With disk_ held. Opens the file; a damaged one is set aside first.
  bool open() {
    if (file_) return true;
    auto file = HistoryFile::open_to_write(settings_.file);
    if (!file && file.error().damaged && begin_anew(file.error().text))
      file = HistoryFile::open_to_write(settings_.file);
    if (!file) {
      reason_ = file.error().text;
      return false;
    }
    auto found = file->totals();
    if (!found) {
      reason_ = found.error().text;
      return found.error().damaged && begin_anew(reason_) && open();
    }
    file_ = std::move(*file);
    if (*found) {
      take_over(**found);
    } else {
      add(unwritten_, std::exchange(totals_, {}));  // a new file takes over what is known
      begin_showing({});
    }
    return true;
  }

  /// With mutex_ held: tells whether there is a fault, when that has changed.
  void judge(bool stuck) {
    if (std::exchange(told_failed_, failing_ || stuck) != told_failed_ && !alone_)
      failed_(told_failed_);
  }

  bool begin_anew(const std::string& why) {
    file_.reset();
    const auto aside = set_aside(settings_.file);
    if (!aside) return false;
    tell(Level::warning, "damaged_file_set_aside",
         "file=" + log_quoted(*aside) + " reason=" + log_quoted(why));
    note("system", "damaged_file_set_aside", "file=" + log_quoted(*aside));
    return true;
  }

  /// Once, before the first write: damage in a corner nothing touches is found before it spreads.
  void check() {
    const std::lock_guard disk(disk_);
    if (!file_) return;
    const auto sound = file_->check();
    if (sound || !sound.error().damaged) return;
    if (begin_anew(sound.error().text)) open();
  }

  /// Whoever was told that it ended finds the file closed.
  void shut() {
    const std::lock_guard disk(disk_);
    file_.reset();
  }

  bool write(bool last) {
    const std::lock_guard disk(disk_);
    reopen_if_moved();
    open();
    HistoryBatch batch;
    std::optional<Retention> retention;
    std::optional<HistoryCollector::Dated> dated;
    {
      const std::lock_guard lock(mutex_);
      batch = collector_.take();
      dated = collector_.dated();
    }
    // Once a day is enough: the rows would be there for a day longer.
    if (dated && (!pruned_at_ || dated->at - *pruned_at_ >= prune_every))
      retention = Retention{dated->wall, std::int64_t{settings_.keep_days} * 24 * 60};
    const bool written = file_ && store(batch, retention, last);
    if (written && retention) pruned_at_ = dated->at;
    if (written && dated) cure(*dated);
    bool changed = false;
    {
      const std::lock_guard lock(mutex_);
      changed = std::exchange(failing_, !written) == written;
      if (!written) collector_.put_back(std::move(batch));
      due_since_.reset();
      judge(false);
    }
    if (changed && !written)
      tell(Level::warning, "storage_failed", "reason=" + log_quoted(reason_));
    else if (changed)
      tell(Level::notice, "storage_recovered",
           "file=" + log_quoted(settings_.file) + " dropped=" + std::to_string(dropped()));
    return written;
  }

  /// With disk_ held. Without its name the file is written for nobody; the totals go on in the new
  /// one.
  void reopen_if_moved() {
    if (!file_ || !file_->moved()) return;
    file_.reset();
    tell(Level::warning, "file_gone", "file=" + log_quoted(settings_.file));
    note("system", "file_gone", "");
  }

  /// With disk_ held and the file open. Rows from the future are told once; they are proved wrong,
  /// and set aside, when the clock has been believed for longer than they took, an hour at least.
  void cure(const HistoryCollector::Dated& dated) {
    const auto later = dated.wall + std::chrono::hours(25);
    const auto future = file_->future_rows(later);
    if (!future || !future->any()) {
      told_future_ = false;
      return;
    }
    const std::string found = "minutes=" + std::to_string(future->minutes) +
                              " days=" + std::to_string(future->days) +
                              " events=" + std::to_string(future->events);
    if (!std::exchange(told_future_, true)) tell(Level::warning, "rows_from_the_future", found);
    if (dated.believed < ClockJudge::proof ||
        dated.believed < std::chrono::minutes(future->minutes))
      return;
    if (!file_->set_future_aside(later)) return;
    tell(Level::notice, "rows_set_aside", found);
    note("system", "rows_set_aside", found);
  }

  /// With disk_ held and the file open. A batch that finds damage goes to the new file.
  bool store(HistoryBatch& batch, std::optional<Retention> retention, bool last) {
    for (int attempt = 0; attempt < 2; ++attempt) {
      add(batch.energies, std::exchange(unwritten_, {}));
      EnergyTotals totals = totals_;
      add(totals, batch.energies);
      EnergyTotals marks;
      {
        const std::lock_guard lock(mutex_);
        marks = shown_.marks_for(totals, last);
        if (batch.empty() && marks == shown_.marks()) return true;
      }
      const auto done = file_->write(batch, marks, retention);
      if (done && file_->moved()) {  // meanwhile: once more, into a new one
        reopen_if_moved();
        if (!open()) return false;
        continue;
      }
      if (done) {
        totals_ = totals;
        const std::lock_guard lock(mutex_);
        shown_.written(marks);
        return true;
      }
      reason_ = done.error().text;
      file_.reset();  // opened anew with the next try
      if (!done.error().damaged || !begin_anew(reason_) || !open()) return false;
    }
    return false;
  }

  const HistorySettings settings_;
  const EventSink events_;
  const FailedSink failed_;

  TimedMutex disk_;
  std::optional<HistoryFile> file_;
  EnergyTotals totals_;     ///< as written
  EnergyTotals unwritten_;  ///< known from before, but not in the new file
  std::optional<Instant> pruned_at_;
  bool told_future_ = false;
  std::string reason_;

  std::mutex mutex_;
  std::condition_variable wake_;
  HistoryCollector collector_;
  MonotonicTotals shown_;
  bool began_ = false;  ///< the file was read, or cannot be yet
  bool known_ = false;  ///< what had flowed before this run, and what was shown of it
  EnergyTotals base_;   ///< that, once it is known
  bool failing_ = false;
  bool told_failed_ = false;
  std::optional<Instant> written_at_;  ///< or tried
  std::optional<Instant> due_since_;   ///< a write is asked for or under way
  bool ending_ = false;
  bool ended_ = false;
  bool alone_ = false;  ///< nobody waits for the thread any more
};

HistoryStore::HistoryStore(HistorySettings settings, EventSink events, FailedSink failed)
    : writer_(std::make_shared<Writer>(std::move(settings), std::move(events), std::move(failed))) {
  writer_->note("system", "started", "version=" ESSHUB_VERSION);
  std::thread([writer = writer_] {
    name_thread("history");
    writer->work();
  }).detach();
}

HistoryStore::~HistoryStore() {
  close();
}

void HistoryStore::close() {
  writer_->note("system", "stopped", "");
  writer_->end();
}

EnergyTotals HistoryStore::totals() const {
  return writer_->totals();
}
EnergyTotals HistoryStore::shown(const EnergyTotals& flowed) {
  return writer_->shown(flowed);
}
void HistoryStore::update(const View& view) {
  writer_->update(view);
}
void HistoryStore::note(std::string kind, std::string name, std::string detail) {
  writer_->note(std::move(kind), std::move(name), std::move(detail));
}
bool HistoryStore::flush() {
  return writer_->flush();
}
std::uint64_t HistoryStore::dropped() const {
  return writer_->dropped();
}

Result<std::vector<MinuteRow>> HistoryStore::minutes(WallTime from, WallTime until) {
  using Rows = std::vector<MinuteRow>;
  return writer_->ask<Rows>([&](HistoryFile& file) { return file.minutes(from, until); },
                            [&](Rows& rows, const HistoryBatch& waiting) {
                              for (const auto& row : waiting.minutes)
                                if (row.begin >= from && row.begin < until) rows.push_back(row);
                            });
}

Result<std::vector<DayRow>> HistoryStore::days(unsigned count) {
  using Rows = std::vector<DayRow>;
  return writer_->ask<Rows>([&](HistoryFile& file) { return file.days(count); },
                            [&](Rows& rows, const HistoryBatch& waiting) {
                              for (const auto& [date, more] : waiting.days) {
                                auto day = std::ranges::lower_bound(rows, date, {}, &DayRow::date);
                                if (day != rows.end() && day->date == date)
                                  add(*day, more);
                                else
                                  rows.insert(day, more);
                              }
                              if (rows.size() > count)
                                rows.erase(rows.begin(),
                                           rows.end() - static_cast<std::ptrdiff_t>(count));
                            });
}

Result<std::vector<HistoryEvent>> HistoryStore::events(WallTime from, WallTime until,
                                                       unsigned most) {
  using Rows = std::vector<HistoryEvent>;
  return writer_->ask<Rows>([&](HistoryFile& file) { return file.events(from, until, most); },
                            [&](Rows& rows, const HistoryBatch& waiting) {
                              for (const auto& event : waiting.events)
                                if (event.at >= from && event.at < until) rows.push_back(event);
                              std::ranges::stable_sort(rows, std::greater{}, &HistoryEvent::at);
                              if (rows.size() > most) rows.resize(most);
                            });
}

}  // namespace esshub::publish
