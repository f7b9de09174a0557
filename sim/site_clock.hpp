// Civil time that runs with virtual time: from a start at the site, through both clock changes.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

#include "civil_time/local_clock.hpp"
#include "model/time.hpp"

namespace esshub::sim {

class SiteClock {
 public:
  /// `start` is local: "2026-06-21" (midnight) or "2026-06-21T13:30"; of an hour that comes twice,
  /// the first. `zone` is an IANA name. The error says what was expected.
  [[nodiscard]] static tl::expected<SiteClock, std::string> starting(std::string_view start,
                                                                     const std::string& zone);

  /// Trusted. `since_start` may go back and forth.
  [[nodiscard]] LocalTime at(Duration since_start);
  /// UTC
  [[nodiscard]] WallTime wall(Duration since_start) const { return start_ + since_start; }
  [[nodiscard]] const civil_time::Zone& zone() const { return zone_; }
  /// "2026-06-21T13:30:00"
  [[nodiscard]] std::string text(Duration since_start);
  /// From the start's midnight to the start.
  [[nodiscard]] Duration start_of_day() const { return into_day_; }

 private:
  SiteClock(civil_time::Zone zone, std::chrono::sys_seconds start, Duration into_day)
      : zone_(zone), clock_(zone), start_(start), into_day_(into_day) {}

  civil_time::Zone zone_;
  civil_time::LocalClock clock_;
  WallTime start_;
  Duration into_day_;
};

}  // namespace esshub::sim
