// StopKey: any key at the terminal, Ctrl-C or SIGTERM, while it lives.
#pragma once

#include <signal.h>
#include <termios.h>

#include <chrono>

namespace esshub::app {

/// One at a time. Gives terminal and signals back when it ends.
class StopKey {
 public:
  StopKey();
  StopKey(const StopKey&) = delete;
  StopKey& operator=(const StopKey&) = delete;
  ~StopKey();

  /// Waits so long, or until it was pressed; whether it ever was.
  [[nodiscard]] bool pressed_within(std::chrono::milliseconds wait);

 private:
  bool terminal_;  ///< stdin is one, and its keys come one by one
  bool pressed_ = false;
  termios before_{};
  struct sigaction interrupt_before_ {};
  struct sigaction terminate_before_ {};
};

}  // namespace esshub::app
