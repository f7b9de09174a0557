#include "civil_time/clock_source.hpp"

#include <algorithm>

namespace esshub::civil_time {
namespace {

using std::chrono::days;
using std::chrono::seconds;

constexpr WallTime written{days{20'758}};  // 2026-11-01
constexpr Duration read_error = 1min;      // it tells whole seconds, and was set by hand once
constexpr int drift = 5'000;               // one second in so many: 200 ppm
constexpr Duration most_apart = 15min;

bool agrees(seconds ahead, Duration since_boot) {
  return std::chrono::abs(ahead) <= std::min<Duration>(read_error + since_boot / drift, most_apart);
}

}  // namespace

bool is_trusted(ClockSource source, const ClockStatus& status) {
  if (status.synchronised) return true;
  if (status.wall < written) return false;
  switch (source) {
    case ClockSource::ntp:
      return false;
    case ClockSource::rtc:
      return status.ahead_of_rtc && agrees(*status.ahead_of_rtc, status.since_boot);
    case ClockSource::manual:
      return true;
  }
  return false;
}

}  // namespace esshub::civil_time
