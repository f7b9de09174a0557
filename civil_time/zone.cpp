#include "civil_time/zone.hpp"

#include <date/tz.h>

#include <algorithm>

namespace esshub::civil_time {
namespace {

using std::chrono::sys_seconds;

// What a WallTime of nanoseconds can hold.
constexpr sys_seconds earliest = std::chrono::ceil<std::chrono::seconds>(
    std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>::min());
constexpr sys_seconds latest = std::chrono::floor<std::chrono::seconds>(
    std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>::max());

OffsetPeriod bounded(const OffsetPeriod& period) {
  return {period.offset, std::clamp(period.begin, earliest, latest),
          std::clamp(period.end, earliest, latest)};
}

}  // namespace

OffsetPeriod Zone::period(sys_seconds at) const {
  if (listed_ == nullptr) return {std::chrono::seconds{}, earliest, latest};
  const auto info = listed_->get_info(at);
  const OffsetPeriod listed = bounded({info.offset, info.begin, info.end});
  if (!rule_ || listed.end < latest) return listed;
  const OffsetPeriod ruled = bounded(rule_->period(at));
  if (ruled.begin > listed.begin) return ruled;
  return {listed.offset, listed.begin, ruled.end};
}

std::optional<sys_seconds> Zone::first_moment(std::chrono::local_seconds local) const {
  constexpr std::chrono::hours largest_offset{26};  // RFC 8536 section 3.2
  const sys_seconds as_utc{local.time_since_epoch()};
  for (auto p = period(as_utc - largest_offset);; p = period(p.end)) {
    const sys_seconds at = as_utc - p.offset;
    if (at < p.begin || at >= latest) return std::nullopt;
    if (at < p.end) return at;
  }
}

}  // namespace esshub::civil_time
