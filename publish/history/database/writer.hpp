// HistoryWriter: what the history's thread does; also without a thread, for who invents time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "model/event.hpp"
#include "publish/history/collector.hpp"
#include "publish/history/database/disk.hpp"
#include "publish/history/database/file.hpp"
#include "publish/history/monotonic_totals.hpp"
#include "publish/history/settings.hpp"
#include "publish/threads/timed_mutex.hpp"

namespace esshub::publish {

/// As HistoryStore, which see; a thread's work() is begin(), check(), write() whenever due(), and
/// finish(). Two locks: `mutex_` for the collector, never held while the disk is waited for;
/// `busy_` for the file, which no caller of update() ever takes. Where both are needed, `busy_`
/// comes first.
class HistoryWriter {
 public:
  using FailedSink = std::function<void(bool)>;

  HistoryWriter(HistorySettings settings, EventSink events, FailedSink failed,
                HistoryDisk& disk = disk_of_system())
      : settings_(std::move(settings)),
        events_(std::move(events)),
        failed_(std::move(failed)),
        disk_(disk) {}

  // From any thread; none of these but totals(), flush(), end() and ask() waits for the disk.
  [[nodiscard]] EnergyTotals totals();
  [[nodiscard]] EnergyTotals shown(const EnergyTotals& flowed);
  void update(const View& view);
  void note(std::string kind, std::string name, std::string detail);
  bool flush();
  [[nodiscard]] std::uint64_t dropped();
  /// The thread writes what waits and ends, sooner or later.
  void end();
  /// Rows of the file with those that wait merged in by `merge`.
  template <class Rows, class Read, class Merge>
  Result<Rows> ask(Read read, Merge merge) {
    // Nothing is under way between memory and disk.
    const std::unique_lock busy(busy_, answer_limit);
    if (!busy) return fail(ErrorKind::io, settings_.file + ": the disk does not answer");
    auto file = HistoryFile::open_to_read(settings_.file, disk_);
    if (!file) return fail(ErrorKind::io, file.error().text);
    FileResult<Rows> rows = read(*file);
    if (!rows) return fail(ErrorKind::io, rows.error().text);
    if (unsure_) {
      const auto held = holds_unsure(*file);
      if (!held) return fail(ErrorKind::io, held.error().text);
      if (!*held) merge(*rows, unsure_->batch);
    }
    const std::lock_guard lock(mutex_);
    merge(*rows, collector_.waiting());
    return std::move(*rows);
  }

  // The thread's.
  void work();
  /// Reads what there is, as the first thing: it may take as long as it likes.
  void begin();
  /// Once, before the first write, which waits for it: damage in a corner nothing touches is found
  /// before it spreads.
  void check();
  /// A write is asked for.
  [[nodiscard]] bool due();
  /// False: it could not be.
  bool write(bool last);
  /// Writes what waits for the last time and closes the file. False: it could not be written.
  bool finish();

 private:
  static constexpr std::chrono::seconds answer_limit{2};  ///< a stop waits for a question

  void tell(Level level, std::string event, std::string detail);
  void read_totals(HistoryFile& file);
  void take_over(const TotalsCeilings& kept);
  void begin_showing(const EnergyTotals& marks);
  bool open();
  void tell_upgrade(const SchemaUpgrade& upgrade);
  void judge(bool stuck);
  FileResult<bool> holds_unsure(HistoryFile& file) const;
  bool begin_anew(const std::string& why);
  void shut();
  void reopen_if_moved();
  void cure(const HistoryCollector::Dated& dated);
  bool sound();
  bool store(HistoryBatch& batch, std::optional<Retention> retention, bool last);
  FileResult<void> keep(const HistoryBatch& batch, const EnergyTotals& marks,
                        std::optional<Retention> retention);

  const HistorySettings settings_;
  const EventSink events_;
  const FailedSink failed_;
  HistoryDisk& disk_;

  TimedMutex busy_;
  std::optional<HistoryFile> file_;
  bool sound_ = false;      ///< it was looked through
  bool settled_ = false;    ///< what it began with is durable
  EnergyTotals totals_;     ///< as written
  EnergyTotals unwritten_;  ///< known from before, but not in the new file
  /// A batch of which nobody knows before the file is opened again whether it is there: where the
  /// disk fails to sync, SQLite says that it is not, and finds it in the log afterwards.
  struct Unsure {
    HistoryBatch batch;
    EnergyTotals before;  ///< of the file without it
    EnergyTotals after;
  };
  std::optional<Unsure> unsure_;
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

}  // namespace esshub::publish
