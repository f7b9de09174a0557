// LoopPlanner: Smart mode in virtual time - the hub's own planner, with the closed loop's Views.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "civil_time/zone.hpp"
#include "control/policy/mark_table.hpp"
#include "control/policy/price_table.hpp"
#include "control/settings.hpp"
#include "model/view.hpp"
#include "service/feeds.hpp"
#include "service/planner.hpp"

namespace esshub::sim {

/// What a plan expects to pay, as the hub's log says it.
struct PlanMade {
  Instant at{};
  int days = 0;  ///< of the past
  double cost = 0.0;
  double cost_balance = 0.0;
  double cost_no_battery = 0.0;
};

/// As the hub's planner thread (actors/planner.cpp) and its feed door (actors/feed_door.cpp), for a
/// clock that is trusted and a mode that stays.
class LoopPlanner {
 public:
  /// What the control gets of them.
  struct Tables {
    control::MarkTable plan;
    control::PriceTable prices;
  };

  /// Each document of `feeds` is told when it is issued; at the first View what was issued before.
  LoopPlanner(control::Settings settings, const civil_time::Zone& zone,
              std::vector<service::Feed> feeds);

  /// What an earlier run has in its history, ascending; before the first look().
  void recall(std::span<const service::PastMinute> minutes);
  /// Once a second. Nothing: the control keeps what it has.
  [[nodiscard]] std::optional<Tables> look(const View& view);

  [[nodiscard]] std::span<const PlanMade> plans() const { return plans_; }
  /// What is in the way of a newer plan.
  [[nodiscard]] const std::optional<control::NoPlan>& problem() const { return planner_.problem(); }

 private:
  void hear(const View& view);

  control::Settings settings_;
  service::Planner planner_;
  std::vector<service::Feed> documents_;  ///< ascending by when they are issued
  std::size_t told_documents_ = 0;
  service::Feeds feeds_;
  service::ToldSlots believed_;
  std::optional<Instant> believed_at_;
  std::optional<Instant> looked_at_;
  std::vector<PlanMade> plans_;
};

}  // namespace esshub::sim
