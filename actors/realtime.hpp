// Real time for the calling thread, as far as the system permits it.
#pragma once

#include <string>

namespace esshub::actors {

// SCHED_FIFO. The control above the threaded interrupt handlers (50), the buses below them.
inline constexpr int control_priority = 80;
inline constexpr int bus_priority = 45;

/// SCHED_FIFO for this thread. Returns what was refused and how to permit it; empty when granted.
[[nodiscard]] std::string ask_for_priority(int priority);
/// Keeps the memory of the whole program from being paged out, as it is touched. As above.
[[nodiscard]] std::string ask_for_locked_memory();

}  // namespace esshub::actors
