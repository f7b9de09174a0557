#include "app/secret.hpp"

#include <unistd.h>

#include <iostream>

namespace esshub::app {

NoEcho::NoEcho() : quiet_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
  if (!quiet_) return;
  termios now = before_;
  now.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  quiet_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &now) == 0;
}

NoEcho::~NoEcho() {
  if (quiet_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
}

std::optional<std::string> ask(const char* prompt, std::ostream& out) {
  out << prompt << std::flush;
  std::string line;
  const bool read = static_cast<bool>(std::getline(std::cin, line));
  out << '\n';
  return read ? std::optional{line} : std::nullopt;
}

std::optional<std::string> page_password(std::ostream& out) {
  if (::isatty(STDIN_FILENO) == 0) {
    std::string line;
    return std::getline(std::cin, line) ? std::optional{line} : std::nullopt;
  }
  const NoEcho no_echo;
  return no_echo.quiet() ? ask("Password of the page: ", out) : std::nullopt;
}

}  // namespace esshub::app
