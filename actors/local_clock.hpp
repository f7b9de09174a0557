// LocalClock: civil time at the site, and whether the wall clock can be trusted.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "actors/zone.hpp"
#include "model/result.hpp"
#include "model/time.hpp"

namespace esshub::actors {

using WallTime = std::chrono::system_clock::time_point;

/// For one thread. Cheap enough for every tick: the zone's offset is looked up once a period of
/// constant offset, never from disk after make().
class LocalClock {
 public:
  /// Error when the IANA name is unknown (or the system has no tzdata).
  [[nodiscard]] static Result<LocalClock> make(const std::string& zone);

  /// Now, from the system's clocks. Trusted while the kernel says the clock is synchronised
  /// (adjtimex without STA_UNSYNC) and it was not stepped within the last minute.
  [[nodiscard]] LocalTime now();

  /// The same with everything as an argument: `wall` and `at` of the same moment.
  [[nodiscard]] LocalTime at(WallTime wall, Instant at, bool synchronised);

 private:
  explicit LocalClock(Zone zone) : zone_(std::move(zone)) {}
  void enter_period(std::chrono::sys_seconds second);

  Zone zone_;
  WallTime offset_from_{}, offset_until_{};  ///< empty: look it up
  std::chrono::seconds offset_{};
  WallTime repeated_until_{};  ///< the second pass of a repeated hour lasts until then
  CivilMinute before_change_;  ///< the last minute before the clocks were set back
  std::optional<std::chrono::nanoseconds> wall_minus_steady_;
  std::optional<Instant> stepped_at_;
};

}  // namespace esshub::actors
