#include "app/stop_key.hpp"

#include <poll.h>
#include <unistd.h>

#include <csignal>

namespace esshub::app {
namespace {

volatile std::sig_atomic_t stopped = 0;

void note(int) {
  stopped = 1;
}

}  // namespace

StopKey::StopKey() : terminal_(::isatty(STDIN_FILENO) != 0) {
  stopped = 0;
  struct sigaction action {};
  action.sa_handler = note;  // no SA_RESTART: a wait ends
  ::sigaction(SIGINT, &action, &interrupt_before_);
  ::sigaction(SIGTERM, &action, &terminate_before_);
  if (!terminal_ || ::tcgetattr(STDIN_FILENO, &before_) != 0) {
    terminal_ = false;
    return;
  }
  termios now = before_;
  now.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON);
  terminal_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &now) == 0;
}

StopKey::~StopKey() {
  if (terminal_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  ::sigaction(SIGINT, &interrupt_before_, nullptr);
  ::sigaction(SIGTERM, &terminate_before_, nullptr);
}

bool StopKey::pressed_within(std::chrono::milliseconds wait) {
  if (pressed_ || stopped != 0) return true;
  pollfd keys{STDIN_FILENO, POLLIN, 0};
  const auto milliseconds = static_cast<int>(wait.count());
  const bool key = ::poll(terminal_ ? &keys : nullptr, terminal_ ? 1 : 0, milliseconds) > 0;
  // A terminal that has gone away cannot stop anything later: it stops now.
  pressed_ = key || stopped != 0;
  return pressed_;
}

}  // namespace esshub::app
