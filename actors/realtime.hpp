// Real time for the calling thread, as far as the system permits it.
#pragma once

#include <string>

namespace esshub::actors {

/// SCHED_FIFO for this thread and memory locked as it is touched. Returns what was refused and how
/// to permit it; empty when all was granted.
[[nodiscard]] std::string ask_for_realtime();

}  // namespace esshub::actors
