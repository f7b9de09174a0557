#include "civil_time/local_clock.hpp"

namespace esshub::civil_time {
namespace {

using std::chrono::local_seconds;

constexpr std::chrono::nanoseconds step_size =
    2s;  // slewing and drift stay far below between ticks
constexpr Duration distrust = 1min;

CivilMinute civil_minute(local_seconds local) {
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const std::chrono::weekday weekday{day};
  return {static_cast<int>(std::chrono::floor<std::chrono::minutes>(local - day).count()),
          static_cast<int>(weekday.iso_encoding())};
}

}  // namespace

LocalTime LocalClock::at(WallTime wall, Instant at, bool source_trusted) {
  const std::chrono::nanoseconds difference = wall.time_since_epoch() - at.time_since_epoch();
  if (wall_minus_steady_ && std::chrono::abs(difference - *wall_minus_steady_) > step_size)
    stepped_at_ = at;
  wall_minus_steady_ = difference;
  if (stepped_at_ && at - *stepped_at_ > distrust) stepped_at_.reset();

  const auto [minute_of_day, weekday] = civil_minute(local(wall));
  LocalTime time{minute_of_day, weekday, source_trusted && !stepped_at_};
  if (wall < repeated_until_) time.held = before_change_;
  return time;
}

local_seconds LocalClock::local(WallTime wall) {
  const auto second = std::chrono::floor<std::chrono::seconds>(wall);
  if (wall < offset_from_ || wall >= offset_until_) enter_period(second);
  return local_seconds{second.time_since_epoch() + offset_};
}

void LocalClock::enter_period(std::chrono::sys_seconds second) {
  const OffsetPeriod period = zone_.period(second);
  offset_ = period.offset;
  offset_from_ = period.begin;
  offset_until_ = period.end;
  repeated_until_ = WallTime::min();
  const auto last = period.begin - 1s;
  const auto before = zone_.period(last).offset;
  if (before <= offset_) return;
  repeated_until_ = period.begin + (before - offset_);
  before_change_ = civil_minute(local_seconds{last.time_since_epoch() + before});
}

}  // namespace esshub::civil_time
