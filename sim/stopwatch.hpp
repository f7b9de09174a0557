// How long something took, by the clock on the wall and by the processor's.
#pragma once

#include <chrono>
#include <ctime>

namespace esshub::sim {

class Stopwatch {
 public:
  /// Seconds since it was made.
  [[nodiscard]] double wall() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }
  /// The same, of this process alone: on a busy machine less.
  [[nodiscard]] double processor() const {
    return static_cast<double>(std::clock() - clock_begin_) / CLOCKS_PER_SEC;
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::clock_t clock_begin_ = std::clock();
};

}  // namespace esshub::sim
