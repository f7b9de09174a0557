#include <unistd.h>

#include <iostream>
#include <optional>
#include <string>

#include "app/commands.hpp"
#include "app/hub_client.hpp"
#include "app/secret.hpp"

namespace esshub::app {
namespace {

std::optional<std::string> read_password(std::ostream& out) {
  if (::isatty(STDIN_FILENO) == 0) {
    std::string line;
    return std::getline(std::cin, line) ? std::optional{line} : std::nullopt;
  }
  const NoEcho no_echo;
  return no_echo.quiet() ? ask("Password of the page: ", out) : std::nullopt;
}

}  // namespace

int acknowledge(const HubAddress& hub, std::ostream& out, std::ostream& err) {
  const auto refuse = [&](const std::string& why) {
    err << "esshub acknowledge: " << why << '\n';
    return exit_failure;
  };
  const auto password = read_password(out);
  if (!password) return refuse("no password was given");
  HubClient client{hub.address, hub.certificate};
  if (const auto signed_in = client.sign_in(*password); !signed_in)
    return refuse(signed_in.error().detail);
  const auto done = client.post("/api/v1/acknowledge", nlohmann::json::object());
  if (!done) return refuse(done.error().detail);
  out << "Acknowledged: what held the battery no longer does.\n";
  return exit_ok;
}

}  // namespace esshub::app
