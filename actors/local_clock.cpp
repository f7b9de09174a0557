#include "actors/local_clock.hpp"

#include <sys/timex.h>

#include <utility>

namespace esshub::actors {
namespace {

constexpr std::chrono::nanoseconds step_size =
    2s;  // slewing and drift stay far below between ticks
constexpr Duration distrust = 1min;

CivilMinute civil_minute(std::chrono::sys_seconds second, std::chrono::seconds offset) {
  const auto local = second.time_since_epoch() + offset;
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const std::chrono::weekday weekday{std::chrono::sys_days{day}};
  return {static_cast<int>(std::chrono::floor<std::chrono::minutes>(local - day).count()),
          static_cast<int>(weekday.iso_encoding())};
}

bool kernel_synchronised() {
  timex query{};  // modes 0: only reads
  const int state = ::adjtimex(&query);
  return state >= 0 && state != TIME_ERROR && (query.status & STA_UNSYNC) == 0;
}

}  // namespace

Result<LocalClock> LocalClock::make(const std::string& zone) {
  auto found = Zone::make(zone);
  if (!found) return tl::unexpected<Error>(found.error());
  return LocalClock(std::move(*found));
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
  if (wall < offset_from_ || wall >= offset_until_) enter_period(second);
  const auto [minute_of_day, weekday] = civil_minute(second, offset_);
  LocalTime local{minute_of_day, weekday, synchronised && !stepped_at_};
  if (wall < repeated_until_) local.held = before_change_;
  return local;
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
  before_change_ = civil_minute(last, before);
}

}  // namespace esshub::actors
