#include "actors/system_clock.hpp"

#include <sys/timex.h>
#include <time.h>

#include <chrono>
#include <fstream>

namespace esshub::actors {
namespace {

constexpr Duration oldest_rtc = 5min;

bool kernel_synchronised() {
  timex query{};  // modes 0: only reads
  const int state = ::adjtimex(&query);
  return state >= 0 && state != TIME_ERROR && (query.status & STA_UNSYNC) == 0;
}

}  // namespace

void Rtc::read() {
  std::int64_t rtc = 0;
  if (!(std::ifstream{file_} >> rtc)) {
    minus_steady_s_ = unknown;
    return;
  }
  const Instant now = std::chrono::steady_clock::now();
  read_at_ = now;
  minus_steady_s_ = rtc - std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
}

std::optional<std::chrono::seconds> Rtc::wall_ahead(WallTime wall, Instant now) const {
  const std::int64_t minus_steady = minus_steady_s_;
  if (minus_steady == unknown || now - read_at_.load() > oldest_rtc) return std::nullopt;
  const auto rtc = now.time_since_epoch() + std::chrono::seconds{minus_steady};
  return std::chrono::floor<std::chrono::seconds>(wall.time_since_epoch() - rtc);
}

civil_time::ClockStatus read_clock_status(const Rtc& rtc) {
  const WallTime wall = std::chrono::system_clock::now();
  const Instant now = std::chrono::steady_clock::now();
  return {.wall = wall,
          .synchronised = kernel_synchronised(),
          .ahead_of_rtc = rtc.wall_ahead(wall, now),
          .since_boot = now.time_since_epoch()};
}

LocalTime read_local_time(civil_time::LocalClock& clock, civil_time::ClockSource source,
                          const Rtc& rtc) {
  const auto status = read_clock_status(rtc);
  const Instant now{status.since_boot};
  return clock.at(status.wall, now, civil_time::is_trusted(source, status));
}

service::Moment read_moment() {
  timespec boot{};
  ::clock_gettime(CLOCK_BOOTTIME, &boot);
  return {.steady = std::chrono::steady_clock::now(),
          .wall = std::chrono::system_clock::now(),
          .boot_time = std::chrono::seconds{boot.tv_sec} + std::chrono::nanoseconds{boot.tv_nsec}};
}

std::string read_boot_id() {
  std::string id;
  std::ifstream{"/proc/sys/kernel/random/boot_id"} >> id;
  return id;
}

}  // namespace esshub::actors
