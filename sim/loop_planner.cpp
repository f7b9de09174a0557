#include "sim/loop_planner.hpp"

#include <algorithm>
#include <utility>

#include "civil_time/local_clock.hpp"

namespace esshub::sim {
namespace {

// The hub's own: actors/planner.cpp, actors/feed_door.hpp.
constexpr Duration look_period = 1min;
constexpr Duration believe_period = 1min;

}  // namespace

LoopPlanner::LoopPlanner(control::Settings settings, const civil_time::Zone& zone,
                         std::vector<service::Feed> feeds)
    : settings_(std::move(settings)),
      planner_(civil_time::LocalClock{zone}),
      documents_(std::move(feeds)) {
  std::ranges::stable_sort(documents_, {}, &service::Feed::issued);
}

void LoopPlanner::recall(std::span<const service::PastMinute> minutes) {
  if (service::serves_all(settings_)) planner_.recall(minutes, settings_);
}

void LoopPlanner::hear(const View& view) {
  const auto now = service::unix_seconds(view.wall);
  const unsigned version = feeds_.version();
  for (; told_documents_ < documents_.size() && documents_[told_documents_].issued <= now;
       ++told_documents_)
    static_cast<void>(feeds_.take(documents_[told_documents_], now));  // or refused, as by the hub
  if (believed_at_ && view.now - *believed_at_ < believe_period && version == feeds_.version())
    return;
  believed_at_ = view.now;
  auto newest = feeds_.told(now, settings_.tariff.currency);
  if (newest != believed_) looked_at_.reset();
  believed_ = std::move(newest);
}

std::optional<LoopPlanner::Tables> LoopPlanner::look(const View& view) {
  hear(view);
  planner_.note(view, settings_);
  if (looked_at_ && view.now - *looked_at_ < look_period) return std::nullopt;
  if (!planner_.waits(view, settings_)) looked_at_ = view.now;
  const service::Planner::Orders in_force{settings_, settings_.mode, {}, believed_};
  if (planner_.due(view, in_force) && !planner_.plan(view, in_force)) {
    const auto& plan = *planner_.last();
    plans_.push_back({view.now, plan.days, plan.cost, plan.cost_balance, plan.cost_no_battery});
  }
  return Tables{planner_.table(view), service::price_table(believed_, view.wall, view.now)};
}

}  // namespace esshub::sim
