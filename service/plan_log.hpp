// PlanLog: what the Smart plan held for each quarter of an hour when that began.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "control/plan/types.hpp"
#include "model/past_day.hpp"
#include "model/result.hpp"
#include "model/smart_plan.hpp"

namespace esshub::service {

/// Single-threaded and pure. Of what is to come it holds the newest plan, so that it is right even
/// if nobody tells it anything for hours.
class PlanLog {
 public:
  /// Slots: days of them, of the other side too where a clock was wrong.
  static constexpr std::size_t most = 800;
  /// No plan is longer. What is planned for later was, by a clock that is far behind now, or that
  /// was far ahead: it stays.
  static constexpr auto reach = std::chrono::seconds{control::plan_horizon_s};

  /// A plan that takes the place of the one before from its first slot on; of more than
  /// `most` slots those furthest from it go.
  void take(const SmartPlan& plan);
  /// There is no plan any more from then on. Whether that is news.
  bool end(WallTime at);
  /// What begins within [from, until).
  [[nodiscard]] std::vector<ForecastSlot> within(WallTime from, WallTime until) const;

  /// JSON, times as whole seconds since 1970 (UTC).
  [[nodiscard]] std::string encode() const;
  /// An Error says what is damaged.
  [[nodiscard]] static Result<PlanLog> decode(const std::string& text);

 private:
  std::vector<ForecastSlot>::iterator first_from(WallTime at);

  std::vector<ForecastSlot> slots_;  ///< ascending, not overlapping
};

}  // namespace esshub::service
