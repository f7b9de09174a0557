// HistoryStore: keeps the history of the running hub in a file, from a thread of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "model/event.hpp"
#include "publish/history/collector.hpp"
#include "publish/history/database/writer.hpp"
#include "publish/history/settings.hpp"

namespace esshub::publish {

/// Thread-safe. No call but totals(), flush() and the reader's waits for the disk, not even the
/// constructor: what cannot be written waits in memory, a day of minutes at most, and is tried
/// again every 10 s. A damaged file is moved to `NAME.damaged-N`, never deleted, and a new one
/// begun with the totals known. Time is the Views', so that tests may invent it.
class HistoryStore final : public HistoryReader {
 public:
  /// True: nothing can be written, or a write has hung for a minute (Fault::storage_failed, safety
  /// contract F14); false: it can again. Told when it changes, by any thread; must not wait.
  using FailedSink = HistoryWriter::FailedSink;

  /// Reads and writes from its own thread. A file that cannot be opened is no error here: it is
  /// told to `failed`. `events` gets component "history".
  HistoryStore(HistorySettings settings, EventSink events, FailedSink failed);
  /// As close().
  ~HistoryStore() override;
  HistoryStore(const HistoryStore&) = delete;
  HistoryStore& operator=(const HistoryStore&) = delete;

  /// What had flowed before this run; zero if it could not be read. Waits until it was tried.
  [[nodiscard]] EnergyTotals totals() const;

  /// What may be shown when `flowed` has flowed in this run: all that has flowed since the hub was
  /// installed, and never less than before, not even than before a crash (monotonic_totals.hpp).
  /// Zero until the file was read.
  [[nodiscard]] EnergyTotals shown(const EnergyTotals& flowed);

  /// A ViewSink's work; view.energies is what has flowed in this run.
  void update(const View& view);
  /// An event as of now: kind "command" or "system".
  void note(std::string kind, std::string name, std::string detail);
  /// Writes what waits, but does not wait longer than 1 s for a disk that hangs; nothing is told
  /// any more after it.
  void close();
  /// Waits until everything up to now is written. False if it could not be.
  bool flush();
  /// Rows and events lost because nothing could be written for too long.
  [[nodiscard]] std::uint64_t dropped() const;

  // What is not written yet is part of the answers.
  [[nodiscard]] Result<std::vector<MinuteRow>> minutes(WallTime from, WallTime until) override;
  [[nodiscard]] Result<std::vector<DayRow>> days(unsigned count) override;
  [[nodiscard]] Result<std::vector<HistoryEvent>> events(WallTime from, WallTime until,
                                                         unsigned most) override;

 private:
  std::shared_ptr<HistoryWriter>
      writer_;  ///< shared with its thread, which may outlive us on a hung disk
};

}  // namespace esshub::publish
