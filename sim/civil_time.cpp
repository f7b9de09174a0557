#include "sim/civil_time.hpp"

#include <date/tz.h>

#include <sstream>
#include <stdexcept>

namespace esshub::sim {
namespace {

bool read_time(std::string_view text, const char* format, date::local_seconds& out) {
  std::istringstream in{std::string(text)};
  in >> date::parse(format, out);
  return !in.fail() && in.peek() == std::istringstream::traits_type::eof();
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

std::chrono::seconds CivilTime::local(Duration since_start) {
  const auto at = start_ + std::chrono::floor<std::chrono::seconds>(since_start);
  if (at < offset_from_ || at >= offset_until_) {
    const auto info = zone_->get_info(at);
    offset_ = info.offset;
    offset_from_ = info.begin;
    offset_until_ = info.end;
  }
  return at.time_since_epoch() + offset_;
}

LocalTime CivilTime::at(Duration since_start) {
  const auto now = local(since_start);
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::weekday weekday{std::chrono::sys_days{day}};
  return {.minute_of_day =
              static_cast<int>(std::chrono::floor<std::chrono::minutes>(now - day).count()),
          .weekday = static_cast<int>(weekday.iso_encoding()),
          .trusted = true};
}

std::string CivilTime::text(Duration since_start) {
  return date::format("%FT%T", date::sys_seconds{local(since_start)});
}

}  // namespace esshub::sim
