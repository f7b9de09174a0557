#include "actors/realtime.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

namespace esshub::actors {

std::string ask_for_priority(int priority) {
  sched_param parameters{};
  parameters.sched_priority = priority;
  if (::pthread_setschedparam(::pthread_self(), SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters) != 0)
    return "SCHED_FIFO refused (LimitRTPRIO=80)";
  return {};
}

std::string ask_for_locked_memory() {
  // Without MCL_ONFAULT every thread's whole stack would be made resident.
  if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
    return "memory lock refused (LimitMEMLOCK=infinity)";
  return {};
}

}  // namespace esshub::actors
