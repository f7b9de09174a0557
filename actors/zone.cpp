#include "actors/zone.hpp"

#include <date/tz.h>

#include <algorithm>
#include <exception>

#include "actors/state_file.hpp"

namespace esshub::actors {
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

/// The last line of a zone's file.
std::optional<ZoneRule> read_rule(const std::string& name) {
  const auto text = read_file("/usr/share/zoneinfo/" + name);
  if (!text || !*text || (*text)->size() < 2) return std::nullopt;
  const std::string_view file{**text};
  const auto begin = file.rfind('\n', file.size() - 2);
  if (begin == std::string_view::npos) return std::nullopt;
  return ZoneRule::parse(file.substr(begin + 1, file.size() - begin - 2));
}

}  // namespace

Result<Zone> Zone::make(const std::string& name) {
  try {
    Zone zone;
    zone.listed_ = date::locate_zone(name);
    zone.rule_ = read_rule(name);
    // Reads the zone's file now, so that no tick has to.
    static_cast<void>(zone.listed_->get_info(sys_seconds{}));
    return zone;
  } catch (const std::exception& e) {
    return fail(ErrorKind::invalid, "time zone \"" + name + "\": " + e.what());
  }
}

OffsetPeriod Zone::period(sys_seconds at) const {
  const auto info = listed_->get_info(at);
  const OffsetPeriod listed = bounded({info.offset, info.begin, info.end});
  if (!rule_ || listed.end < latest) return listed;
  const OffsetPeriod ruled = bounded(rule_->period(at));
  if (ruled.begin > listed.begin) return ruled;
  return {listed.offset, listed.begin, ruled.end};
}

}  // namespace esshub::actors
