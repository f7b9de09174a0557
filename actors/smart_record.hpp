// SmartRecord: what the Smart plan held and what each day cost, kept over a restart.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/disk.hpp"
#include "civil_time/local_clock.hpp"
#include "model/event.hpp"
#include "model/past_day.hpp"
#include "model/savings.hpp"
#include "model/view.hpp"
#include "publish/history/history.hpp"
#include "publish/threads/closable_sinks.hpp"
#include "service/command_service.hpp"
#include "service/feeds.hpp"
#include "service/plan_log.hpp"
#include "service/savings.hpp"

namespace esshub::actors {

struct SmartRecordDeps {
  std::string state_dir;                            ///< empty: kept in memory alone
  std::shared_ptr<publish::HistoryReader> history;  ///< nothing: no savings
  civil_time::Zone zone;
  EventSink events;                          ///< gets component "smart_record"
  std::function<void(bool)> storage_failed;  ///< Fault::storage_failed; any thread
};

struct RecordInput {
  View view;
  service::CommandService::InForce in_force;
  std::shared_ptr<const service::ToldSlots> told;
  std::shared_ptr<const SmartPlan> plan{};  ///< in force; nothing: there is none
};

/// A day that is over is read from the history once and kept in STATE_DIR/savings.json; one that is
/// not known whole is read again on the next days, and for another tariff. Today's is read each
/// quarter of an hour. What the plans held is kept in STATE_DIR/smart_plan.json. A file
/// that is damaged is set aside.
class SmartRecord {
 public:
  static constexpr Duration look_period = 15min;
  static constexpr Duration again = 1min;  ///< while the history cannot be read, or a file written
  static constexpr int days_back = 14;  ///< of so many whole days are prices known that others told

  explicit SmartRecord(SmartRecordDeps deps);

  // For one thread of low priority: look() waits for the disk.
  /// With each View.
  void look(const RecordInput& input);
  /// Tells nothing any more.
  void close() { sinks_.close(); }

  // For any thread.
  [[nodiscard]] SavingsState savings() const;
  [[nodiscard]] std::optional<PastDay> yesterday() const;

 private:
  struct Kept {
    std::optional<Disk> disk;
    bool waits = false;  ///< to be written
    std::optional<Instant> failed_at{};
  };
  struct Now {
    const View& view;
    const service::CommandService::InForce& in_force;
    const service::ToldSlots& told;
    std::chrono::local_days today;
    control::PlanBattery battery{};
    std::map<std::string, double> paid{};  ///< by date
  };
  struct Day {
    WallTime begin{};
    WallTime until{};  ///< its end, of today now
    std::vector<publish::MinuteRow> minutes{};
  };
  void keep(const RecordInput& input);
  void restore(WallTime now);
  /// Takes the plan that is in force, or notes that there is none.
  void hold(const RecordInput& input);
  bool reckon(const Now& now);
  [[nodiscard]] std::optional<Day> read(const Now& now, std::chrono::local_days day);
  [[nodiscard]] service::DaySavings savings_of(const Now& now, std::chrono::local_days day,
                                               const Day& read) const;
  void forget_today();
  void show(std::chrono::local_days today);
  void write(Kept& kept, Instant now, const std::function<std::string()>& text);
  void not_read(const Error& error);
  void log(Level level, std::string event, std::string detail);

  const SmartRecordDeps deps_;
  publish::ClosableSinks sinks_;
  civil_time::LocalClock clock_;
  bool restored_ = false;
  std::optional<WallTime> held_;  ///< when the plan in force was made, at the last look
  Kept savings_file_;
  Kept plans_file_;
  service::DaysSavings days_;   ///< that are over
  std::set<std::string> seen_;  ///< dates that were read since today or the tariff is what it is
  control::Tariff tariff_;
  std::optional<service::DaySavings> today_;
  std::optional<std::chrono::local_days> shown_on_;
  std::optional<Instant> looked_at_;
  std::chrono::local_days looked_on_{};
  bool read_all_ = false;  ///< at the last look
  bool told_unread_ = false;

  mutable std::mutex mutex_;  // guards what follows
  service::PlanLog plans_;
  SavingsState savings_;
  std::optional<PastDay> past_;  ///< what was planned is not in it
};

}  // namespace esshub::actors
