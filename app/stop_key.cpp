#include "app/stop_key.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>

namespace esshub::app {
namespace {

volatile std::sig_atomic_t stopped = 0;

void note(int) {
  stopped = 1;
}

constexpr std::array signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGPIPE};

}  // namespace

StopKey::StopKey() : terminal_(::isatty(STDIN_FILENO) != 0) {
  stopped = 0;
  static_assert(signals.size() == taken);
  for (std::size_t i = 0; i < taken; ++i) {
    struct sigaction action {};
    action.sa_handler = signals.at(i) == SIGPIPE ? SIG_IGN : note;  // no SA_RESTART: a wait ends
    ::sigaction(signals.at(i), &action, &actions_before_.at(i));
  }
  if (!terminal_ || ::tcgetattr(STDIN_FILENO, &before_) != 0) {
    terminal_ = false;
    return;
  }
  termios now = before_;
  now.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
  now.c_iflag &= ~static_cast<tcflag_t>(IXON);  // Ctrl-S is a key, and halts nothing
  terminal_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &now) == 0;
}

StopKey::~StopKey() {
  if (terminal_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  for (std::size_t i = 0; i < taken; ++i)
    ::sigaction(signals.at(i), &actions_before_.at(i), nullptr);
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
