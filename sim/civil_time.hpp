// Civil time that runs with virtual time: from a start at the site, through both clock changes.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "model/time.hpp"

namespace date {
class time_zone;
}

namespace esshub::sim {

class CivilTime {
 public:
  /// `start` is local: "2026-06-21" (midnight) or "2026-06-21T13:30"; of an hour that comes twice,
  /// the first. `zone` is an IANA name. The error says what was expected.
  [[nodiscard]] static tl::expected<CivilTime, std::string> starting(std::string_view start,
                                                                     const std::string& zone);

  /// Trusted. `since_start` may go back and forth.
  [[nodiscard]] LocalTime at(Duration since_start);
  /// "2026-06-21T13:30:00"
  [[nodiscard]] std::string text(Duration since_start);
  /// From the start's midnight to the start.
  [[nodiscard]] Duration start_of_day() const { return into_day_; }

 private:
  CivilTime(const date::time_zone* zone, std::chrono::sys_seconds start, Duration into_day)
      : zone_(zone), start_(start), into_day_(into_day) {}
  /// Seconds since 1970-01-01 by the site's clock.
  [[nodiscard]] std::chrono::seconds local(std::chrono::sys_seconds at);
  [[nodiscard]] std::chrono::sys_seconds moment(Duration since_start) const;

  const date::time_zone* zone_;
  std::chrono::sys_seconds start_;
  Duration into_day_;
  // The zone's offset holds in between; empty: look it up.
  std::chrono::sys_seconds offset_from_{};
  std::chrono::sys_seconds offset_until_{};
  std::chrono::seconds offset_{};
  std::chrono::sys_seconds repeated_until_{};  ///< the second pass of a repeated hour lasts so long
  CivilMinute before_change_;                  ///< the last minute before the clocks were set back
};

}  // namespace esshub::sim
