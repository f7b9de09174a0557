// Heartbeat: a thread's signs of life, for whoever watches it; nobody waits.
#pragma once

#include <pthread.h>
#include <time.h>

#include <atomic>
#include <cstdint>

#include "model/time.hpp"

namespace esshub::actors {

class Heartbeat {
 public:
  /// By the thread itself, first.
  void begin() {
    clockid_t clock{};
    if (::pthread_getcpuclockid(::pthread_self(), &clock) == 0)
      clock_.store(clock, std::memory_order_relaxed);
    beat();
  }
  void beat() { beats_.fetch_add(1, std::memory_order_relaxed); }

  /// Any thread. Grows while the thread lives.
  [[nodiscard]] std::uint64_t beats() const { return beats_.load(std::memory_order_relaxed); }
  /// Any thread: processor time the thread has used so far; 0 once it has ended.
  [[nodiscard]] Duration cpu() const {
    timespec used{};
    if (::clock_gettime(clock_.load(std::memory_order_relaxed), &used) != 0) return {};
    return std::chrono::duration_cast<Duration>(std::chrono::seconds{used.tv_sec} +
                                                std::chrono::nanoseconds{used.tv_nsec});
  }

 private:
  static constexpr clockid_t no_clock = -1;  ///< no such clock: clock_gettime refuses it
  std::atomic<std::uint64_t> beats_{0};
  std::atomic<clockid_t> clock_{no_clock};
};

}  // namespace esshub::actors
