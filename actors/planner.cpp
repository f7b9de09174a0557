#include "actors/planner.hpp"

#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "publish/threads/closable_sinks.hpp"
#include "publish/threads/latest_view.hpp"
#include "service/planner.hpp"

namespace esshub::actors {
namespace {

constexpr Duration look_period = 1min;
constexpr Duration longest_wait = 10s;
constexpr Duration leave = 500ms;
constexpr auto day = std::chrono::hours{24};

std::string money(double value) {
  return std::to_string(value);
}

}  // namespace

/// Lives as long as its thread, which may be longer than its PlannerThread.
struct PlannerThread::Shared {
  explicit Shared(PlannerDeps given)
      : deps(std::move(given)),
        sinks({}, deps.events),
        planner(civil_time::LocalClock{deps.zone}) {}

  void run() {
    while (!views.stopping()) {
      views.wait(longest_wait);
      const auto view = views.take();
      if (!view) continue;
      try {
        take(*view);
      } catch (const std::exception& e) {
        log(Level::warning, "failed", "exception=" + log_quoted(e.what()));
      }
    }
  }

  void take(const View& view) {
    const auto in_force = deps.in_force();
    hear(view);
    plan(view, in_force);
    if (deps.record)
      deps.record({view, in_force, believed, in_force.mode == Mode::smart ? state.plan : nullptr});
  }

  void plan(const View& view, const service::CommandService::InForce& in_force) {
    planner.note(view, in_force.settings);
    if (planner.wants_history() && view.local.trusted &&
        !(asked_at && view.now - *asked_at < look_period)) {
      asked_at = view.now;
      recall(view.wall, in_force.settings);
    }
    const bool may = view.local.trusted && in_force.mode == Mode::smart;
    const bool begins = !std::exchange(might, may) && may;
    if (looked_at && view.now - *looked_at < look_period && !begins) return;
    if (!planner.waits(view, in_force.settings)) looked_at = view.now;
    const service::Planner::Orders orders{in_force.settings, in_force.mode, in_force.orders,
                                          *believed};
    if (planner.due(view, orders)) make(view, orders);
    show(view);
    // Without a clock the control follows none, and the one it has is not the less late.
    if (!view.local.trusted) return;
    deps.control->plan.publish(planner.table(view));
    deps.control->prices.publish(service::price_table(*believed, view.wall, view.now));
  }

  /// What is told anew is planned for, and given to the control, at once.
  void hear(const View& view) {
    if (!deps.feeds) return;
    deps.feeds->look(view);
    if (auto newest = deps.feeds->told(); std::exchange(believed, newest) != newest)
      looked_at.reset();
  }

  void show(const View& view) {
    SmartState now;
    if (const auto& problem = planner.problem()) now.problem = service::name(*problem);
    if (auto plan = planner.shown(view))
      now.plan = std::make_shared<const SmartPlan>(*std::move(plan));
    auto newest = planner.spans(view);
    const std::lock_guard lock(mutex);
    state = std::move(now);
    spans = std::move(newest);
  }

  /// A day at a time: the rows of all would take megabytes. All days or none: then it is asked
  /// again, as the file may still be looked through.
  void recall(WallTime now, const control::Settings& settings) {
    std::vector<service::PastMinute> minutes;
    for (int back = deps.history ? service::SlotRing::days : 0; back > 0; --back) {
      const auto rows = deps.history->minutes(now - back * day, now - (back - 1) * day);
      if (!rows) {
        if (!std::exchange(told_unread, true))
          log(Level::warning, "history_not_read", "reason=" + log_quoted(rows.error().detail));
        return;
      }
      for (const auto& row : *rows)
        if (const auto minute = service::past_minute(row, settings)) minutes.push_back(*minute);
    }
    planner.recall(minutes, settings);
  }

  void make(const View& view, const service::Planner::Orders& in_force) {
    const auto begin = std::chrono::steady_clock::now();
    if (const auto problem = planner.plan(view, in_force)) {
      if (std::exchange(told, problem) != problem)
        log(Level::notice, "no_plan", "reason=" + std::string{service::name(*problem)});
      return;
    }
    told.reset();
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - begin);
    const auto& plan = *planner.last();
    log(Level::notice, "planned",
        "days=" + std::to_string(plan.days) + " cost=" + money(plan.cost) + " cost_balance=" +
            money(plan.cost_balance) + " cost_no_battery=" + money(plan.cost_no_battery) +
            " took_ms=" + std::to_string(took.count()));
  }

  void log(Level level, std::string event, std::string detail) {
    sinks.event("planner", {level, std::move(event), std::move(detail)});
  }

  const PlannerDeps deps;
  publish::ClosableSinks sinks;
  publish::LatestView views;
  service::Planner planner;
  bool might = false;  // plan, at the last View
  bool told_unread = false;
  std::optional<Instant> asked_at;  // the history
  std::optional<Instant> looked_at;
  std::shared_ptr<const service::ToldSlots> believed = std::make_shared<const service::ToldSlots>();
  std::optional<control::NoPlan> told;
  mutable std::mutex mutex;  // guards what follows
  std::vector<service::SmartSpan> spans;
  SmartState state;
};

PlannerThread::PlannerThread(PlannerDeps deps)
    : shared_(std::make_shared<Shared>(std::move(deps))) {
  thread_ =
      std::make_unique<publish::DetachableThread>("planner", [shared = shared_] { shared->run(); });
}

PlannerThread::~PlannerThread() {
  close();
}

void PlannerThread::update(const View& view) {
  shared_->views.put(view);
}

void PlannerThread::close() {
  shared_->views.stop();
  shared_->sinks.close();
  static_cast<void>(thread_->wait(leave));
}

std::vector<service::SmartSpan> PlannerThread::spans() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->spans;
}

SmartState PlannerThread::newest() const {
  if (shared_->deps.in_force().mode != Mode::smart) return {};
  const std::lock_guard lock(shared_->mutex);
  SmartState state = shared_->state;
  state.in_force = true;
  return state;
}

}  // namespace esshub::actors
