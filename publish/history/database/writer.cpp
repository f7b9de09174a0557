#include "publish/history/database/writer.hpp"

#include <algorithm>
#include <chrono>

namespace esshub::publish {
namespace {

constexpr Duration retry = 10s;
constexpr Duration hung = 1min;
constexpr auto end_limit = 1s;
constexpr Duration prune_every = 24h;
constexpr unsigned most_at_once = 1000;  // events

void add(EnergyTotals& totals, const EnergyTotals& more) {
  for (const Flow flow : enum_values<Flow>) totals[flow] += more[flow];
}

EnergyTotals sum(EnergyTotals totals, const EnergyTotals& more) {
  add(totals, more);
  return totals;
}

}  // namespace

EnergyTotals HistoryWriter::totals() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] { return began_; });
  return base_;
}

EnergyTotals HistoryWriter::shown(const EnergyTotals& flowed) {
  const std::lock_guard lock(mutex_);
  if (!known_) return {};
  return shown_.show(sum(base_, flowed), /*bounded=*/!told_failed_);
}

void HistoryWriter::update(const View& view) {
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

void HistoryWriter::note(std::string kind, std::string name, std::string detail) {
  const std::lock_guard lock(mutex_);
  collector_.note(std::move(kind), std::move(name), std::move(detail));
}

bool HistoryWriter::flush() {
  static_cast<void>(totals());  // once the thread has read what there is
  return write(/*last=*/false);
}

std::uint64_t HistoryWriter::dropped() {
  const std::lock_guard lock(mutex_);
  return collector_.dropped();
}

void HistoryWriter::work() {
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
  lock.unlock();
  finish();
  lock.lock();
  ended_ = true;
  wake_.notify_all();
}

void HistoryWriter::end() {
  std::unique_lock lock(mutex_);
  if (alone_) return;
  ending_ = true;
  wake_.notify_all();
  wake_.wait_for(lock, end_limit, [&] { return ended_; });
  alone_ = true;
}

void HistoryWriter::tell(Level level, std::string event, std::string detail) {
  const std::lock_guard lock(mutex_);
  if (alone_) return;  // whoever listened may be gone
  events_("history", {level, std::move(event), std::move(detail)});
}

void HistoryWriter::begin() {
  const std::lock_guard busy(busy_);
  std::optional<WallTime> newest;
  const auto look = [&](HistoryFile& file) {
    if (const auto found = file.newest()) newest = *found;
  };
  if (open()) {
    look(*file_);
  } else if (auto file = HistoryFile::open_to_read(settings_.file, disk_)) {
    // Not writable, but readable: the counters must not begin anew.
    read_totals(*file);
    look(*file);
  }
  const std::lock_guard lock(mutex_);
  collector_.begin(newest);
  began_ = true;
  due_since_.reset();
  wake_.notify_all();
}

/// With busy_ held.
void HistoryWriter::read_totals(HistoryFile& file) {
  if (const auto found = file.totals(); found && *found) take_over(**found);
}

/// With busy_ held, of a file that has been read. What went into another file meanwhile (a disk
/// that was unplugged and is back) is to be added.
void HistoryWriter::take_over(const TotalsCeilings& kept) {
  for (const Flow flow : enum_values<Flow>)
    unwritten_[flow] += std::max(0.0, totals_[flow] - kept.flowed[flow]);
  totals_ = kept.flowed;
  begin_showing(kept.marks);
}

/// With busy_ held, once what flowed before is known; later, what this run has shown says more.
void HistoryWriter::begin_showing(const EnergyTotals& marks) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(known_, true)) return;
  base_ = sum(totals_, unwritten_);
  shown_ = MonotonicTotals(marks);
}

/// With busy_ held. Opens the file; a damaged one is set aside first.
bool HistoryWriter::open() {
  if (file_) return true;
  auto file = HistoryFile::open_to_write(settings_.file, disk_);
  if (!file && file.error().damaged) {
    // An older one is looked through before its totals are read.
    if (auto old = HistoryFile::open_to_read(settings_.file, disk_); old && !known_)
      read_totals(*old);
    if (begin_anew(file.error().text)) file = HistoryFile::open_to_write(settings_.file, disk_);
  }
  if (!file) {
    reason_ = file.error().text;
    return false;
  }
  auto found = file->totals();
  if (!found) {
    reason_ = found.error().text;
    return found.error().damaged && begin_anew(reason_) && open();
  }
  if (unsure_) {
    const auto held = holds_unsure(*file);
    if (!held) {
      reason_ = held.error().text;
      return held.error().damaged && begin_anew(reason_) && open();
    }
    const std::lock_guard lock(mutex_);
    if (!*held) collector_.put_back(std::move(unsure_->batch));
  }
  unsure_.reset();
  file_ = std::move(*file);
  if (file_->upgrade()) tell_upgrade(*file_->upgrade());
  sound_ = settled_ = false;  // nobody knows what became of it while it was closed
  if (*found) {
    take_over(**found);
  } else {
    add(unwritten_, std::exchange(totals_, {}));  // a new file takes over what is known
    begin_showing({});
  }
  return true;
}

/// Also in the history.
void HistoryWriter::tell_upgrade(const SchemaUpgrade& upgrade) {
  const bool copied = upgrade.not_copied.empty();
  const std::string detail =
      "from=" + std::to_string(upgrade.from) + " to=" + std::to_string(upgrade.to) +
      (copied ? " copy=" + log_quoted(upgrade.copy) : " no_copy=" + log_quoted(upgrade.not_copied));
  tell(copied ? Level::notice : Level::warning, "schema_upgraded", detail);
  note("system", "schema_upgraded", detail);
}

/// With mutex_ held: tells whether there is a fault, when that has changed.
void HistoryWriter::judge(bool stuck) {
  if (std::exchange(told_failed_, failing_ || stuck) != told_failed_ && !alone_)
    failed_(told_failed_);
}

bool HistoryWriter::begin_anew(const std::string& why) {
  file_.reset();
  const auto aside = disk_.set_aside(settings_.file);
  if (!aside) return false;
  tell(Level::warning, "damaged_file_set_aside",
       "file=" + log_quoted(*aside) + " reason=" + log_quoted(why));
  note("system", "damaged_file_set_aside", "file=" + log_quoted(*aside));
  return true;
}

void HistoryWriter::check() {
  const std::lock_guard busy(busy_);
  if (file_) static_cast<void>(sound());
}

/// With busy_ held and the file open. One that cannot be looked through yet is not written to.
bool HistoryWriter::sound() {
  if (sound_) return true;
  const auto whole = file_->check();
  if (!whole) {
    reason_ = whole.error().text;
    if (!whole.error().damaged || !begin_anew(reason_) || !open()) return false;
  }
  return sound_ = true;
}

/// Whoever was told that it ended finds the file closed.
void HistoryWriter::shut() {
  const std::lock_guard busy(busy_);
  file_.reset();
}

bool HistoryWriter::due() {
  const std::lock_guard lock(mutex_);
  return due_since_.has_value();
}

bool HistoryWriter::write(bool last) {
  const std::lock_guard busy(busy_);
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

bool HistoryWriter::finish() {
  {
    const std::lock_guard lock(mutex_);
    collector_.finish();
  }
  const bool written = write(/*last=*/true);
  shut();
  return written;
}

/// With busy_ held. Without its name the file is written for nobody; the totals go on in the new
/// one.
void HistoryWriter::reopen_if_moved() {
  if (!file_ || !file_->moved()) return;
  file_.reset();
  tell(Level::warning, "file_gone", "file=" + log_quoted(settings_.file));
  note("system", "file_gone", "");
}

/// With busy_ held and the file open. Rows from the future are told once; they are proved wrong,
/// and set aside, when the clock has been believed for longer than they took, an hour at least.
void HistoryWriter::cure(const HistoryCollector::Dated& dated) {
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
  if (dated.believed < ClockJudge::proof || dated.believed < std::chrono::minutes(future->minutes))
    return;
  if (!file_->set_future_aside(later)) return;
  tell(Level::notice, "rows_set_aside", found);
  note("system", "rows_set_aside", found);
}

/// With busy_ held. By its energies; a batch without any by its last event, and one without that
/// may be written twice: its minutes are completed by what they have.
FileResult<bool> HistoryWriter::holds_unsure(HistoryFile& file) const {
  if (unsure_->before != unsure_->after) {
    const auto found = file.totals();
    if (!found) return tl::unexpected(found.error());
    return *found && (*found)->flowed == unsure_->after;
  }
  if (unsure_->batch.events.empty()) return false;
  const HistoryEvent& last = unsure_->batch.events.back();
  const auto at = std::chrono::floor<std::chrono::milliseconds>(last.at);
  const auto found = file.events(at, at + 1ms, most_at_once);
  if (!found) return tl::unexpected(found.error());
  return std::ranges::any_of(*found, [&](const HistoryEvent& event) {
    return event.kind == last.kind && event.name == last.name && event.detail == last.detail;
  });
}

/// With busy_ held. A batch that finds damage goes to the new file. None is written to before it
/// was looked through. Takes the batch if nobody knows whether it is there.
bool HistoryWriter::store(HistoryBatch& batch, std::optional<Retention> retention, bool last) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (!open() || !sound()) return false;
    add(batch.energies, std::exchange(unwritten_, {}));
    EnergyTotals totals = totals_;
    add(totals, batch.energies);
    EnergyTotals marks;
    {
      const std::lock_guard lock(mutex_);
      marks = shown_.marks_for(totals, last);
    }
    const auto done = keep(batch, marks, retention);
    if (done && file_->moved()) {  // meanwhile: once more, into a new one
      reopen_if_moved();
      continue;
    }
    if (done) {
      totals_ = totals;
      const std::lock_guard lock(mutex_);
      shown_.written(marks);
      return true;
    }
    reason_ = done.error().text;
    if (done.error().no_room) return false;  // nobody else has touched what was looked through
    file_.reset();                           // opened anew with the next try
    if (!done.error().damaged || !begin_anew(reason_)) {
      unsure_ = Unsure{std::exchange(batch, {}), totals_, totals};
      return false;
    }
  }
  return false;
}

/// With busy_ held and the file sound. What was found in it is shown and counted on: it is made
/// durable before anybody is told that all is written.
FileResult<void> HistoryWriter::keep(const HistoryBatch& batch, const EnergyTotals& marks,
                                     std::optional<Retention> retention) {
  if (!settled_) {
    const auto done = file_->settle();
    if (!done) return tl::unexpected(done.error());
    settled_ = *done;
  }
  {
    const std::lock_guard lock(mutex_);
    if (batch.empty() && marks == shown_.marks()) return {};
  }
  return file_->write(batch, marks, retention);
}

}  // namespace esshub::publish
