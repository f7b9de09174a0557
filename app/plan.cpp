#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "app/commands.hpp"
#include "app/hub_client.hpp"
#include "app/plan_text.hpp"
#include "app/time_zone.hpp"
#include "json/text.hpp"

namespace esshub::app {

int plan(const PlanOptions& options, std::ostream& out, std::ostream& err) {
  HubClient client{options.hub.address, options.hub.certificate};
  const auto site = client.get("/api/v1/site");
  const auto answer = site ? client.get("/api/v1/plan") : site;
  if (!answer) {
    err << "esshub plan: " << answer.error().detail << '\n';
    return exit_failure;
  }
  auto smart = answer->value("smart", nlohmann::json(nullptr));
  const bool planned = smart.is_object() && smart["plan"].is_object();
  const auto savings = client.get("/api/v1/savings").value_or(nlohmann::json(nullptr));
  if (options.json) {
    smart["savings"] = savings;
    out << json_text(smart) << '\n';
  } else {
    out << plan_text(*answer, find_time_zone(site->value("time_zone", std::string{"Etc/UTC"})));
    const auto saved = savings.is_object()
                           ? savings_text(savings, site->value("currency", std::string{}))
                           : std::string{};
    if (!saved.empty()) out << '\n' << saved;
  }
  if (!out.flush()) return exit_failure;
  return planned ? exit_ok : exit_failure;
}

}  // namespace esshub::app
