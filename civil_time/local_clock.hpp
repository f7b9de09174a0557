// LocalClock: civil time at the site, and whether the wall clock can be trusted.
#pragma once

#include <chrono>
#include <optional>
#include <utility>

#include "civil_time/zone.hpp"
#include "model/plan.hpp"
#include "model/time.hpp"

namespace esshub::civil_time {

/// For one thread. Cheap enough for every tick: the zone's offset is looked up once a period of
/// constant offset. Allocates nothing.
class LocalClock {
 public:
  explicit LocalClock(Zone zone) : zone_(zone) {}

  /// `wall` and `at` are of the same moment. Trusted while the source of the wall clock is
  /// (is_trusted) and it has not been stepped (more than 2 s against the steady one) within the
  /// last minute.
  [[nodiscard]] LocalTime at(WallTime wall, Instant at, bool source_trusted);

  /// What clocks show at `wall`.
  [[nodiscard]] std::chrono::local_seconds local(WallTime wall);

 private:
  void enter_period(std::chrono::sys_seconds second);

  Zone zone_;
  WallTime offset_from_{}, offset_until_{};  ///< empty: look it up
  std::chrono::seconds offset_{};
  WallTime repeated_until_{};  ///< the second pass of a repeated hour lasts until then
  CivilMinute before_change_;  ///< the last minute before the clocks were set back
  std::optional<std::chrono::nanoseconds> wall_minus_steady_;
  std::optional<Instant> stepped_at_;
};

}  // namespace esshub::civil_time
