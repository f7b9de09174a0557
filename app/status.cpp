#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>

#include "app/commands.hpp"
#include "app/hub_client.hpp"
#include "app/status_text.hpp"
#include "app/time_zone.hpp"
#include "json/text.hpp"

namespace esshub::app {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

/// Everything the page is made of, or why there is none.
Result<Json> ask(HubClient& client) {
  Json hub = Json::object();
  for (const auto& [key, path] :
       {std::pair{"site", "/api/v1/site"}, std::pair{"state", "/api/v1/state"},
        std::pair{"buses", "/api/v1/buses"}, std::pair{"today", "/api/v1/history/days?count=1"}}) {
    auto answer = client.get(path);
    if (!answer) return answer;
    hub[key] = std::move(*answer);
  }
  return hub;
}

/// The hub's own moment, by the site's clock.
std::string site_time(const Json& hub) {
  const auto at = hub.value("/state/at"_json_pointer, Json(nullptr));
  if (!at.is_number()) return "";
  const date::sys_seconds moment{std::chrono::seconds(static_cast<std::int64_t>(at.get<double>()))};
  const auto* zone =
      find_time_zone(hub.value("/site/time_zone"_json_pointer, std::string{"Etc/UTC"}));
  if (zone == nullptr) return date::format("%F %T UTC", moment);
  return date::format("%F %T %Z", date::make_zoned(zone, moment));
}

}  // namespace

int status(const StatusOptions& options, std::ostream& out, std::ostream& err) {
  const bool terminal = &out == &std::cout && ::isatty(STDOUT_FILENO) != 0;
  const char* no_colour = std::getenv("NO_COLOR");  // no-color.org: set and not empty
  const bool colour = terminal && !(no_colour && *no_colour);
  HubClient client{options.hub.address, options.hub.certificate};
  for (auto next = std::chrono::steady_clock::now();; std::this_thread::sleep_until(next)) {
    next += 1s;
    const auto hub = ask(client);
    const bool well = hub && control_is_current(*hub);
    if (options.watch && terminal && !options.json) out << "\x1b[H\x1b[J";
    if (!hub)
      err << "esshub status: " << hub.error().detail << '\n';
    else if (options.json)
      out << json_text(*hub) << '\n';
    else
      out << status_text(*hub, site_time(*hub), colour) << (options.watch ? "\n" : "");
    if (!out.flush()) return exit_failure;
    if (!options.watch) return well ? exit_ok : exit_failure;
  }
}

}  // namespace esshub::app
