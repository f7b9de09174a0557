// Watch: what a stretch of code allocated and locked, counted for this whole program.
#pragma once

#include <cstdint>

namespace esshub::step_path {

struct Counts {
  std::uint64_t allocations = 0;
  std::uint64_t locks = 0;
};
/// Since the program began, any thread.
[[nodiscard]] Counts counts();

/// From here on the kernel kills this process (SIGSYS) for any system call but those that read
/// clocks, sleep on one, are futexes, or end it. False: the kernel has no seccomp for us.
[[nodiscard]] bool allow_only_clock_and_futex();

}  // namespace esshub::step_path
