#include "actors/system_clock.hpp"

#include <sys/timex.h>
#include <time.h>

#include <chrono>
#include <fstream>

namespace esshub::actors {
namespace {

bool kernel_synchronised() {
  timex query{};  // modes 0: only reads
  const int state = ::adjtimex(&query);
  return state >= 0 && state != TIME_ERROR && (query.status & STA_UNSYNC) == 0;
}

}  // namespace

LocalTime read_local_time(civil_time::LocalClock& clock) {
  return clock.at(std::chrono::system_clock::now(), std::chrono::steady_clock::now(),
                  kernel_synchronised());
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
