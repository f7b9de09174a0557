// ClockJudge: whether the wall clock may date what is kept. Pure.
#pragma once

#include <optional>

#include "model/plan.hpp"
#include "model/time.hpp"

namespace esshub::publish {

/// A clock that its keeper calls synchronised may be wrong all the same, by hours or years (safety
/// contract F26). Rows dated by it would stand in the future, and what is older than they be
/// pruned. So a clock that jumps against the steady clock, or at the start against the newest row
/// kept, is believed only after it has gone on evenly for an hour. What comes meanwhile can wait:
/// the steady clock dates it afterwards, whichever of the two was right.
class ClockJudge {
 public:
  static constexpr Duration correction = 10min;  ///< a smaller step is no jump
  static constexpr Duration proof = 1h;
  static constexpr auto longest_rest = std::chrono::days(400);  ///< of a hub that is switched off

  /// Before it nothing is believed: the newest minute that is kept, nothing where there is none.
  void begin(std::optional<WallTime> newest);

  /// The clock's keeper trusts it at this moment. True: it may date rows.
  bool on_clock(Instant now, WallTime wall);

  /// The wall time of a moment by the clock that was believed last; nothing before the first.
  [[nodiscard]] std::optional<WallTime> wall_at(Instant at) const;
  /// Since when the clock in force is believed without a jump.
  [[nodiscard]] std::optional<Instant> believed_since() const { return believed_since_; }

 private:
  bool believe(Duration offset, Instant since);

  bool begun_ = false;
  std::optional<WallTime> newest_;
  std::optional<Duration> offset_;  ///< wall clock minus steady clock, of the clock in force
  std::optional<Instant> believed_since_;
  std::optional<Duration> new_offset_;  ///< of one that is not believed yet
  Instant new_since_{};
};

}  // namespace esshub::publish
