#include <termios.h>
#include <unistd.h>

#include <iostream>
#include <optional>

#include "app/commands.hpp"
#include "config/config.hpp"
#include "publish/web/server/auth.hpp"

namespace esshub::app {
namespace {

/// Turns the terminal's echo off while it lives.
class NoEcho {
 public:
  NoEcho() : quiet_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!quiet_) return;
    termios now = before_;
    now.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &now) == 0;
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  ~NoEcho() {
    if (quiet_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  [[nodiscard]] bool quiet() const { return quiet_; }

 private:
  termios before_{};
  bool quiet_;
};

std::optional<std::string> ask(const char* prompt, std::ostream& out) {
  out << prompt << std::flush;
  std::string line;
  const bool read = static_cast<bool>(std::getline(std::cin, line));
  out << '\n';
  return read ? std::optional{line} : std::nullopt;
}

/// Nothing when it was not given, or not twice alike.
std::optional<std::string> read_new_password(std::ostream& out, std::ostream& err) {
  if (::isatty(STDIN_FILENO) == 0) {
    std::string line;
    if (std::getline(std::cin, line)) return line;
    err << "esshub password: stdin holds no line\n";
    return std::nullopt;
  }
  const NoEcho no_echo;
  if (!no_echo.quiet()) {
    err << "esshub password: the terminal's echo cannot be turned off\n";
    return std::nullopt;
  }
  const auto first = ask("New password for the page: ", out);
  const auto again = first ? ask("The same again: ", out) : std::nullopt;
  if (again && *again == *first) return first;
  err << "esshub password: the two are not alike; nothing was changed\n";
  return std::nullopt;
}

}  // namespace

int password(const std::filesystem::path& file, std::ostream& out, std::ostream& err) {
  const auto config = config::load_config(file);
  if (!config) {
    for (const auto& error : config.error()) err << config::describe(file, error) << '\n';
    return exit_config;
  }
  const auto secret = read_new_password(out, err);
  if (!secret) return exit_failure;
  const auto written = publish::write_password(config->state_dir, *secret);
  if (!written) {
    err << "esshub password: " << written.error().detail << '\n';
    return exit_failure;
  }
  out << "The password is set; it holds at once.\n";
  return exit_ok;
}

}  // namespace esshub::app
