// SmartRecord: what the Smart plan held and what each day cost, kept over a restart.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/disk.hpp"
#include "model/event.hpp"
#include "model/past_day.hpp"
#include "model/savings.hpp"
#include "model/view.hpp"
#include "publish/history/history.hpp"
#include "publish/threads/closable_sinks.hpp"
#include "service/command_service.hpp"
#include "service/feeds.hpp"
#include "service/plan_log.hpp"
#include "service/savings_record.hpp"

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

/// What each day cost (service::SavingsRecord) is kept in STATE_DIR/savings.json, what the plans
/// held in STATE_DIR/smart_plan.json. A file that is damaged is set aside.
class SmartRecord {
 public:
  static constexpr Duration again = 1min;  ///< while a file cannot be written

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
  void keep(const RecordInput& input);
  void restore(WallTime now);
  /// Takes the plan that is in force, or notes that there is none.
  void hold(const RecordInput& input);
  void look_back(const service::SavingsRecord::Input& about);
  /// To who asks.
  void show();
  void write(Kept& kept, Instant now, const std::function<std::string()>& text);
  void not_read(const Error& error);
  void log(Level level, std::string event, std::string detail);

  const SmartRecordDeps deps_;
  publish::ClosableSinks sinks_;
  bool restored_ = false;
  std::optional<WallTime> held_;  ///< when the plan in force was made, at the last look
  Kept savings_file_;
  Kept plans_file_;
  service::SavingsRecord record_;
  bool told_unread_ = false;
  std::string failure_;  ///< of the last look; empty: none

  mutable std::mutex mutex_;  // guards what follows
  service::PlanLog plans_;
  SavingsState savings_;
  std::optional<PastDay> past_;  ///< what was planned is not in it
};

}  // namespace esshub::actors
