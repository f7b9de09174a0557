// The two kinds of time: Instant (monotonic, for control) and LocalTime (civil, for schedules).
#pragma once

#include <chrono>
#include <optional>

namespace esshub {

using namespace std::chrono_literals;

/// A moment on the steady clock. Only actors/, transport/ and sim/ read clocks; all others receive
/// it.
using Instant = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// Any chrono duration (also fractional) as the clock's own, truncated to its tick.
template <class Rep, class Period>
constexpr Duration as_duration(std::chrono::duration<Rep, Period> d) {
  return std::chrono::duration_cast<Duration>(d);
}

/// A minute of the week as clocks show it.
struct CivilMinute {
  int minute_of_day = 0;  ///< 0 to 1439
  int weekday = 1;        ///< ISO 8601: 1 Monday to 7 Sunday
  friend bool operator==(const CivilMinute&, const CivilMinute&) = default;
};

/// Civil time at the site, for tariff windows and schedules.
struct LocalTime {
  int minute_of_day = 0;  ///< 0 to 1439
  int weekday = 1;        ///< ISO 8601: 1 Monday to 7 Sunday
  bool trusted = false;   ///< false until the wall clock is synchronised: schedules stand aside
  /// In the second pass of the hour the clocks are set back over: the last minute before they were.
  std::optional<CivilMinute> held{};

  /// What clocks show: prices go by it.
  [[nodiscard]] CivilMinute shown() const { return {minute_of_day, weekday}; }
  /// What the weekly plan goes by: it waits through the second pass, so that every entry runs once.
  [[nodiscard]] CivilMinute planned() const { return held.value_or(shown()); }
};

}  // namespace esshub
