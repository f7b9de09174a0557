#include "sim/site_clock.hpp"

#include <date/date.h>

#include <sstream>

#include "config/time_zone.hpp"

namespace esshub::sim {
namespace {

bool read_time(std::string_view text, const char* format, date::local_seconds& out) {
  std::istringstream in{std::string(text)};
  in >> date::parse(format, out);
  return !in.fail() && in.peek() == std::istringstream::traits_type::eof();
}

}  // namespace

tl::expected<SiteClock, std::string> SiteClock::starting(std::string_view start,
                                                         const std::string& zone) {
  date::local_seconds local;
  if (!read_time(start, "%Y-%m-%d", local) && !read_time(start, "%Y-%m-%dT%H:%M", local))
    return tl::unexpected("expected a local time such as 2026-06-21 or 2026-06-21T13:30, got '" +
                          std::string(start) + "'");
  const auto where = config::load_time_zone(zone);
  if (!where) return tl::unexpected(where.error().detail);
  const auto first = where->first_moment(std::chrono::local_seconds{local.time_since_epoch()});
  if (!first)
    return tl::unexpected("'" + std::string(start) +
                          "' is beyond 1677 to 2262, or in the hour that " + zone +
                          " leaves out when the clocks are put forward");
  const auto into_day = local - std::chrono::floor<date::days>(local);
  return SiteClock{*where, *first, as_duration(into_day)};
}

LocalTime SiteClock::at(Duration since_start) {
  return clock_.at(start_ + since_start, Instant{since_start}, true);
}

std::string SiteClock::text(Duration since_start) {
  const auto local = clock_.local(start_ + since_start);
  return date::format("%FT%T", date::local_seconds{local.time_since_epoch()});
}

}  // namespace esshub::sim
