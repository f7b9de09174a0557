#include "actors/realtime.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

namespace esshub::actors {

std::string ask_for_realtime() {
  constexpr int priority = 80;  // above the threaded interrupt handlers' 50
  std::string refused;
  sched_param parameters{};
  parameters.sched_priority = priority;
  if (::pthread_setschedparam(::pthread_self(), SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters) != 0)
    refused += "SCHED_FIFO refused (LimitRTPRIO=80)";
  // Without MCL_ONFAULT every thread's whole stack would be made resident.
  if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0) {
    if (!refused.empty()) refused += ", ";
    refused += "memory lock refused (LimitMEMLOCK=infinity)";
  }
  return refused;
}

}  // namespace esshub::actors
