// HistoryCollector: Views -> rows of the history that wait to be written. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "model/view.hpp"
#include "publish/history/clock_judge.hpp"
#include "publish/history/history.hpp"

namespace esshub::publish {

/// What waits to be written; days and energies are what to add to what is already kept.
struct HistoryBatch {
  std::deque<MinuteRow> minutes;
  std::map<std::string, DayRow> days;  ///< by date
  EnergyTotals energies;
  std::deque<HistoryEvent> events;

  [[nodiscard]] bool empty() const {
    return minutes.empty() && days.empty() && events.empty() && energies == EnergyTotals{};
  }
};

/// Adds the numbers of one day to another.
void add(DayRow& day, const DayRow& more);

/// The day of the site's calendar, "2026-11-22".
[[nodiscard]] std::string local_date(const View& view);

/// While the clock cannot be trusted no row is dated by it: events wait, and the energies are added
/// to the day only if the steady clock says that all of it belongs to that day; otherwise an event
/// "energies_undated" says how much is in the totals and in no day. A minute without a right time
/// is not kept. The same holds of a clock that is trusted but has jumped (ClockJudge), only that
/// its minutes wait as well.
class HistoryCollector {
 public:
  /// Kept at most while nothing can be written; then the oldest go.
  static constexpr std::size_t most_minutes = 24 * 60;
  static constexpr std::size_t most_events = 2000;

  /// The newest minute that is kept, nothing where there is none; before it nothing is dated.
  void begin(std::optional<WallTime> newest) { clock_.begin(newest); }
  void update(const View& view);
  /// An event as of the next View.
  void note(std::string kind, std::string name, std::string detail);
  /// Nothing more comes: ends the minute that is under way and dates what waits for the next View
  /// by the last one. Call it before the last take().
  void finish();

  [[nodiscard]] const HistoryBatch& waiting() const { return waiting_; }
  /// The clock that dates, as of the newest View; nothing if that one's may not.
  struct Dated {
    Instant at{};
    WallTime wall{};
    Duration believed{};  ///< for how long
  };
  [[nodiscard]] const std::optional<Dated>& dated() const { return dated_; }
  [[nodiscard]] HistoryBatch take();
  /// What could not be written: it goes before what came since.
  void put_back(HistoryBatch batch);
  /// Rows and events lost because nothing could be written for too long.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  struct OpenMinute {
    WallTime begin{};
    std::optional<Instant> undated{};  ///< the clock is not believed: when it began
    MinuteMeans means{};
  };
  struct UndatedMinute {
    Instant at;
    MinuteRow row;
  };
  struct UndatedEvent {
    std::optional<Instant> at;
    HistoryEvent event;
  };
  struct Stamp {
    Instant now{};
    WallTime wall{};
    [[nodiscard]] WallTime wall_at(Instant at) const;
  };
  /// Recorded when it changes, but not too often.
  struct Topic {
    std::string recorded;
    std::optional<Instant> recorded_at;
    std::string seen;
    Instant seen_since{};
  };

  void add_energies(const View& view);
  void date_held(const View& view, DayRow& day);
  void add_to_minute(const View& view);
  void close_minute();
  void date_minutes(const Stamp& stamp);
  void note_faults(const View& view);
  void note_decision(const View& view);
  void note_change(Topic& topic, std::string key, const View& view, const std::string& name,
                   const std::string& detail);
  void note_at(Instant at, std::string kind, std::string name, std::string detail);
  void date_events(const Stamp& stamp);
  void trim();

  HistoryBatch waiting_;
  std::uint64_t dropped_ = 0;
  ClockJudge clock_;
  std::optional<Dated> dated_;
  std::optional<EnergyTotals> energies_;  ///< of the View before
  std::optional<Instant> held_since_;     ///< the clock is not believed since
  EnergyTotals held_;
  std::optional<OpenMinute> minute_;
  std::deque<UndatedMinute> undated_minutes_;
  std::deque<UndatedEvent> undated_;
  std::optional<Stamp>
      last_;  ///< of the newest View, by the clock believed, if its own was trusted
  FaultSet faults_;
  Topic reasons_, policy_;
};

}  // namespace esshub::publish
