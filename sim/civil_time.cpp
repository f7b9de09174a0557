#include "sim/civil_time.hpp"

#include <date/tz.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace esshub::sim {
namespace {

bool read_time(std::string_view text, const char* format, date::local_seconds& out) {
  std::istringstream in{std::string(text)};
  in >> date::parse(format, out);
  return !in.fail() && in.peek() == std::istringstream::traits_type::eof();
}

CivilMinute civil_minute(std::chrono::seconds local) {
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const std::chrono::weekday weekday{std::chrono::sys_days{day}};
  return {static_cast<int>(std::chrono::floor<std::chrono::minutes>(local - day).count()),
          static_cast<int>(weekday.iso_encoding())};
}

}  // namespace

tl::expected<CivilTime, std::string> CivilTime::starting(std::string_view start,
                                                         const std::string& zone) {
  date::local_seconds local;
  if (!read_time(start, "%Y-%m-%d", local) && !read_time(start, "%Y-%m-%dT%H:%M", local))
    return tl::unexpected("expected a local time such as 2026-06-21 or 2026-06-21T13:30, got '" +
                          std::string(start) + "'");
  try {
    const date::time_zone* where = date::locate_zone(zone);
    if (where->get_info(local).result == date::local_info::nonexistent)
      return tl::unexpected("'" + std::string(start) + "' is in the hour that " + zone +
                            " leaves out when the clocks are put forward");
    const auto into_day = local - std::chrono::floor<date::days>(local);
    return CivilTime{where, where->to_sys(local, date::choose::earliest), as_duration(into_day)};
  } catch (const std::runtime_error& error) {
    return tl::unexpected("time zone \"" + zone + "\": " + error.what());
  }
}

std::chrono::sys_seconds CivilTime::moment(Duration since_start) const {
  return start_ + std::chrono::floor<std::chrono::seconds>(since_start);
}

std::chrono::seconds CivilTime::local(std::chrono::sys_seconds at) {
  if (at < offset_from_ || at >= offset_until_) {
    const auto info = zone_->get_info(at);
    offset_ = info.offset;
    offset_from_ = info.begin;
    offset_until_ = info.end;
    const auto last = info.begin - 1s;
    const auto before = zone_->get_info(last).offset;
    repeated_until_ = info.begin + std::max(before - offset_, 0s);
    before_change_ = civil_minute(last.time_since_epoch() + before);
  }
  return at.time_since_epoch() + offset_;
}

LocalTime CivilTime::at(Duration since_start) {
  const auto now = moment(since_start);
  const auto [minute_of_day, weekday] = civil_minute(local(now));
  LocalTime time{.minute_of_day = minute_of_day, .weekday = weekday, .trusted = true};
  if (now < repeated_until_) time.held = before_change_;
  return time;
}

std::string CivilTime::text(Duration since_start) {
  return date::format("%FT%T", date::sys_seconds{local(moment(since_start))});
}

}  // namespace esshub::sim
