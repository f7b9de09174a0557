// StopKey: any key at the terminal, its end, or a signal that would end or halt the program, while
// it lives.
#pragma once

#include <signal.h>
#include <termios.h>

#include <array>
#include <chrono>
#include <cstddef>

namespace esshub::app {

/// One at a time. Ctrl-C and the like are keys as any other. SIGPIPE is ignored: the end of who
/// reads stdout is seen at the stream. Gives terminal and signals back when it ends.
class StopKey {
 public:
  StopKey();
  StopKey(const StopKey&) = delete;
  StopKey& operator=(const StopKey&) = delete;
  ~StopKey();

  /// Waits so long, or until it was pressed; whether it ever was.
  [[nodiscard]] bool pressed_within(std::chrono::milliseconds wait);

 private:
  static constexpr std::size_t taken = 6;  ///< signals

  bool terminal_;  ///< stdin is one, and its keys come one by one
  bool pressed_ = false;
  termios before_{};
  std::array<struct sigaction, taken> actions_before_{};
};

}  // namespace esshub::app
