// Asking for a secret at a terminal.
#pragma once

#include <termios.h>

#include <iosfwd>
#include <optional>
#include <string>

namespace esshub::app {

/// Turns the echo of stdin's terminal off while it lives.
class NoEcho {
 public:
  NoEcho();
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  ~NoEcho();
  [[nodiscard]] bool quiet() const { return quiet_; }

 private:
  termios before_{};
  bool quiet_;
};

/// A line of stdin, asked for with `prompt`; nothing at its end.
[[nodiscard]] std::optional<std::string> ask(const char* prompt, std::ostream& out);

/// The page's password: without echo at a terminal, else a line of stdin.
[[nodiscard]] std::optional<std::string> page_password(std::ostream& out);

}  // namespace esshub::app
