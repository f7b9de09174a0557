#include <unistd.h>

#include <iostream>
#include <optional>

#include "app/commands.hpp"
#include "app/secret.hpp"
#include "config/config.hpp"
#include "publish/web/server/auth.hpp"

namespace esshub::app {
namespace {

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
