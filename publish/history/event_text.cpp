#include "publish/history/event_text.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "json/parse.hpp"
#include "model/decision.hpp"

namespace esshub::publish {
namespace {

using Json = nlohmann::json;

std::string spaced(std::string name) {
  std::ranges::replace(name, '_', ' ');
  return name;
}

std::string plain(const std::string& id) {
  const auto cause = enum_named<Cause>(id);
  return cause ? std::string{phrase(*cause)} : spaced(id);
}

std::string battery(double watts) {
  if (watts == 0) return "battery at rest";
  return (watts > 0 ? "charging " : "discharging ") + std::to_string(std::lround(std::abs(watts))) +
         " W";
}

bool is_policy(const HistoryEvent& event) {
  return event.kind == "decision" && event.name == "policy";
}

}  // namespace

std::string title(const HistoryEvent& event) {
  if (event.kind == "decision" && !is_policy(event)) return plain(event.name);
  if (event.kind == "fault")
    if (const auto fault = enum_named<Fault>(event.name)) return std::string{title(*fault)};
  return spaced(event.name);
}

Json values(const HistoryEvent& event) {
  Json values = json_or_discarded(event.detail);
  return values.is_object() ? values : Json(nullptr);
}

std::string words(const HistoryEvent& event) {
  if (event.kind != "decision" || is_policy(event)) return {};
  const Json recorded = values(event);
  if (!recorded.is_object() || !recorded.value("battery_w", Json{}).is_number()) return {};
  std::string all = plain(event.name);
  for (const Json& limit : recorded.value("limits", Json::array()))
    if (limit.is_string()) all += "; " + plain(limit.get<std::string>());
  return all + ": " + battery(recorded["battery_w"].get<double>());
}

}  // namespace esshub::publish
