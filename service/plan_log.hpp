// PlanLog: what the Smart plan held for each quarter of an hour when that began.
#pragma once

#include <string>
#include <vector>

#include "model/past_day.hpp"
#include "model/result.hpp"
#include "model/smart_plan.hpp"

namespace esshub::service {

/// Single-threaded and pure. Of what is to come it holds the newest plan, so that it is right even
/// if nobody tells it anything for hours.
class PlanLog {
 public:
  static constexpr auto keeps = std::chrono::hours{50};  ///< yesterday, on a day of 25 h too

  /// A plan that takes the place of the one before from its first slot on, `made` within it; what
  /// ended longer than `keeps` before goes.
  void take(const SmartPlan& plan);
  /// There is no plan any more from then on. Whether that is news.
  bool end(WallTime at);
  /// What begins within [from, until).
  [[nodiscard]] std::vector<BelievedSlot> within(WallTime from, WallTime until) const;

  /// JSON, times as whole seconds since 1970 (UTC).
  [[nodiscard]] std::string encode() const;
  /// An Error says what is damaged.
  [[nodiscard]] static Result<PlanLog> decode(const std::string& text);

 private:
  std::vector<BelievedSlot> slots_;  ///< ascending, not overlapping
};

}  // namespace esshub::service
