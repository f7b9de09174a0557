#include "actors/system_clock.hpp"

#include <sys/timex.h>

#include <chrono>

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

}  // namespace esshub::actors
