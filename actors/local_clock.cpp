#include "actors/local_clock.hpp"

#include <date/tz.h>
#include <sys/timex.h>

#include <algorithm>
#include <exception>

namespace esshub::actors {
namespace {

constexpr std::chrono::nanoseconds step_size =
    2s;  // slewing and drift stay far below between ticks
constexpr Duration distrust = 1min;

bool kernel_synchronised() {
  timex query{};  // modes 0: only reads
  const int state = ::adjtimex(&query);
  return state >= 0 && state != TIME_ERROR && (query.status & STA_UNSYNC) == 0;
}

}  // namespace

Result<LocalClock> LocalClock::make(const std::string& zone) {
  try {
    LocalClock clock(date::locate_zone(zone));
    // Reads the zone's file now, so that no tick has to.
    clock.zone_->get_info(
        std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now()));
    return clock;
  } catch (const std::exception& e) {
    return fail(ErrorKind::content, "time zone \"" + zone + "\": " + e.what());
  }
}

LocalTime LocalClock::now() {
  return at(std::chrono::system_clock::now(), std::chrono::steady_clock::now(),
            kernel_synchronised());
}

LocalTime LocalClock::at(WallTime wall, Instant at, bool synchronised) {
  const std::chrono::nanoseconds difference = wall.time_since_epoch() - at.time_since_epoch();
  if (wall_minus_steady_ && std::chrono::abs(difference - *wall_minus_steady_) > step_size)
    stepped_at_ = at;
  wall_minus_steady_ = difference;
  if (stepped_at_ && at - *stepped_at_ > distrust) stepped_at_.reset();

  const auto second = std::chrono::floor<std::chrono::seconds>(wall);
  if (wall < offset_from_ || wall >= offset_until_) {
    const auto info = zone_->get_info(second);
    offset_ = info.offset;
    // The zone's first and last periods reach beyond what a WallTime can hold.
    const auto clamp = [](date::sys_seconds t) {
      return WallTime(std::clamp(t, std::chrono::ceil<std::chrono::seconds>(WallTime::min()),
                                 std::chrono::floor<std::chrono::seconds>(WallTime::max())));
    };
    offset_from_ = clamp(info.begin);
    offset_until_ = clamp(info.end);
  }
  const auto local = second.time_since_epoch() + offset_;
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const std::chrono::weekday weekday{std::chrono::sys_days{day}};
  return {static_cast<int>(std::chrono::floor<std::chrono::minutes>(local - day).count()),
          static_cast<int>(weekday.iso_encoding()), synchronised && !stepped_at_};
}

}  // namespace esshub::actors
