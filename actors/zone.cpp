#include "actors/zone.hpp"

#include <date/tz.h>
// date 3.0.1's ptz.h means its own class where C++20 has one of that name in std::chrono as well.
namespace date {
template <class Duration>
using own_hh_mm_ss = hh_mm_ss<Duration>;
}  // namespace date
#define hh_mm_ss own_hh_mm_ss
#include <date/ptz.h>
#undef hh_mm_ss

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

OffsetPeriod period_of(const date::sys_info& info) {
  return {info.offset, std::clamp<sys_seconds>(info.begin, earliest, latest),
          std::clamp<sys_seconds>(info.end, earliest, latest)};
}

/// The last line of a zone's file: its rule in POSIX form (RFC 8536 section 3.3).
std::shared_ptr<const Posix::time_zone> read_rule(const std::string& name) {
  const auto text = read_file("/usr/share/zoneinfo/" + name);
  if (!text || !*text || (*text)->size() < 2) return nullptr;
  const std::string& file = **text;
  const auto begin = file.rfind('\n', file.size() - 2);
  if (begin == std::string::npos) return nullptr;
  try {
    return std::make_shared<const Posix::time_zone>(
        file.substr(begin + 1, file.size() - begin - 2));
  } catch (const std::exception&) {  // the library's way to say no
    return nullptr;
  }
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
    return fail(ErrorKind::content, "time zone \"" + name + "\": " + e.what());
  }
}

OffsetPeriod Zone::period(sys_seconds at) const {
  const OffsetPeriod listed = period_of(listed_->get_info(at));
  if (!rule_ || listed.end < latest) return listed;
  const OffsetPeriod ruled = period_of(rule_->get_info(at));
  if (ruled.begin > listed.begin) return ruled;
  return {listed.offset, listed.begin, ruled.end};
}

}  // namespace esshub::actors
