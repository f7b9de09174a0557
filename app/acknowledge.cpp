#include <ostream>
#include <string>

#include "app/commands.hpp"
#include "app/hub_client.hpp"
#include "app/secret.hpp"

namespace esshub::app {
int acknowledge(const HubAddress& hub, std::ostream& out, std::ostream& err) {
  const auto refuse = [&](const std::string& why) {
    err << "esshub acknowledge: " << why << '\n';
    return exit_failure;
  };
  const auto password = page_password(out);
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
