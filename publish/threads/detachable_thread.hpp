// DetachableThread: a thread for a client that may hang; it is waited for a while, never for ever.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>

#include "model/time.hpp"

namespace esshub::publish {

/// The work owns all it touches (it may outlive this object when it hangs in a system call) and
/// runs with less than normal priority: nothing that faces outward may slow the control.
class DetachableThread {
 public:
  DetachableThread(const std::string& name, std::function<void()> work);
  ~DetachableThread() = default;
  DetachableThread(const DetachableThread&) = delete;
  DetachableThread& operator=(const DetachableThread&) = delete;

  /// True if the work has ended by then.
  [[nodiscard]] bool wait(Duration limit) const {
    return ended_.wait_for(limit) == std::future_status::ready;
  }

 private:
  std::future<void> ended_;
};

/// Pauses between attempts: 1 s, doubled up to 60 s, each a fifth longer or shorter by chance.
class Backoff {
 public:
  void reset() { next_ = first; }
  [[nodiscard]] Duration next();

 private:
  static constexpr Duration first = 1s;
  static constexpr Duration longest = 60s;
  Duration next_ = first;
};

}  // namespace esshub::publish
