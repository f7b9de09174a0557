// TimedMutex: a mutex for which one may wait a limited time.
#pragma once

#include <condition_variable>
#include <mutex>

#include "model/time.hpp"

namespace esshub::publish {

/// As std::timed_mutex, for std::lock_guard and std::unique_lock. The standard's own waits by a
/// call that ThreadSanitizer of g++ 12 does not know (pthread_mutex_clocklock): it would report
/// every unlock after it.
class TimedMutex {
 public:
  void lock() {
    std::unique_lock hold(mutex_);
    free_.wait(hold, [&] { return !taken_; });
    taken_ = true;
  }
  /// False: somebody else still has it after `limit`.
  [[nodiscard]] bool try_lock_for(Duration limit) {
    std::unique_lock hold(mutex_);
    if (!free_.wait_for(hold, limit, [&] { return !taken_; })) return false;
    taken_ = true;
    return true;
  }
  void unlock() {
    {
      const std::lock_guard hold(mutex_);
      taken_ = false;
    }
    free_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable free_;
  bool taken_ = false;
};

}  // namespace esshub::publish
