// PlannerThread: plans for Smart mode on a thread of low priority.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "actors/control_channel.hpp"
#include "actors/feed_door.hpp"
#include "actors/smart_record.hpp"
#include "civil_time/zone.hpp"
#include "model/event.hpp"
#include "model/smart_plan.hpp"
#include "model/view.hpp"
#include "publish/history/history.hpp"
#include "publish/threads/detachable_thread.hpp"
#include "service/command_service.hpp"
#include "service/forecast.hpp"

namespace esshub::actors {

struct PlannerDeps {
  std::shared_ptr<ControlChannel> control;          ///< gets plan and told prices
  std::shared_ptr<publish::HistoryReader> history;  ///< nothing: there is none
  civil_time::Zone zone;
  std::shared_ptr<FeedDoor> feeds{};                 ///< nothing: nobody tells anything
  std::function<void(const RecordInput&)> record{};  ///< of each View; nothing: none is kept
  std::function<service::CommandService::InForce()> in_force;
  EventSink events;  ///< gets component "planner"
};

/// Takes Views as a sink does. The thread reads the past days from the history once, asking each
/// minute until it has all of them, then goes by the Views alone; once a minute, and at once when
/// Smart mode begins, the clock is trusted again or other prices are told, it sees whether a plan
/// is due (service::Planner) and gives the control the newest one, so that a control that was
/// started again has it as well.
class PlannerThread {
 public:
  static constexpr Duration period = 1s;

  explicit PlannerThread(PlannerDeps deps);
  ~PlannerThread();
  PlannerThread(const PlannerThread&) = delete;
  PlannerThread& operator=(const PlannerThread&) = delete;

  void update(const View& view);
  /// Waits for the thread 0.5 s at most: it may wait for the disk. It tells nothing any more.
  void close();
  /// What it holds for the hours to come; empty without a plan or a clock. For any thread.
  [[nodiscard]] std::vector<service::SmartSpan> spans() const;
  /// The same for people. For any thread.
  [[nodiscard]] SmartState newest() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  ///< with its thread, which may outlive us on a hung disk
  std::unique_ptr<publish::DetachableThread> thread_;
};

}  // namespace esshub::actors
