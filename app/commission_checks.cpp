#include "app/commission_checks.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "commissioning/steps.hpp"

namespace esshub::app {
namespace {

using Json = nlohmann::json;

/// Faults of what has nothing to do with battery and meters.
constexpr std::array unrelated{"storage_failed", "config_rejected", "plan_suspended",
                               "plan_missing",   "clock_untrusted", "server_unavailable"};

std::optional<double> number(const Json& state, const char* path) {
  const auto found = state.value(Json::json_pointer(path), Json(nullptr));
  return found.is_number() ? std::optional{found.get<double>()} : std::nullopt;
}
std::string word(const Json& state, const char* path) {
  const auto found = state.value(Json::json_pointer(path), Json(nullptr));
  return found.is_string() ? found.get<std::string>() : std::string{};
}

std::string phrases(const Json& state) {
  std::string text;
  for (const auto& reason : state.value("/decision/reasons"_json_pointer, Json::array())) {
    const auto phrase = reason.value("phrase", "");
    text += (text.empty() ? "" : "; ") + phrase;
  }
  return text.empty() ? "the hub does not say why" : text;
}

bool concerns(const Json& fault) {
  const auto name = fault.value("fault", "");
  return fault.value("severity", "") != "info" &&
         std::find(unrelated.begin(), unrelated.end(), name) == unrelated.end();
}

std::vector<std::string> faults_of(const Json& state) {
  std::vector<std::string> texts;
  for (const auto& fault : state.value("faults", Json::array())) {
    if (!concerns(fault)) continue;
    texts.push_back("the fault " + fault.value("fault", "") +
                    " is active: " + fault.value("title", ""));
    if (fault.value("fault", "") == "grid_meter_reversed")
      texts.back() +=
          ". The grid channel answers the battery the wrong way round: a reversed clamp, or "
          "another "
          "one's. To measure which, set charge_limit_w = 0 and discharge_limit_w = 450 in "
          "[battery], reload the hub, then run `esshub acknowledge` and this again";
  }
  return texts;
}

std::string watts(double power) {
  return std::to_string(std::lround(power)) + " W";
}
std::string percent(double value) {
  return std::to_string(std::lround(value)) + " %";
}

}  // namespace

double kept_percent(const Json& state) {
  return std::max(number(state, "/decision/policy/reserve_percent").value_or(100.0),
                  number(state, "/decision/policy/floor_percent").value_or(100.0));
}

std::vector<std::string> obstacles(const Json& state) {
  if (!state.value("/control/current"_json_pointer, false) || !state.contains("decision") ||
      !state["decision"].is_object())
    return {"the control makes no decisions at the moment"};
  auto found = faults_of(state);
  if (!number(state, "/decision/setpoint_w"))
    found.push_back("the inverter is not commanded at the moment: " + phrases(state));
  const auto authority = word(state, "/decision/policy/authority");
  if (authority == "manual") found.emplace_back("an override is in force: end it first");
  if (authority == "dispatch") {
    const auto left = number(state, "/decision/policy/ends_in_s");
    found.push_back("a dispatch of another program is in force" +
                    (left ? " for " + std::to_string(std::lround(*left)) + " s" : std::string{}) +
                    " (" + phrases(state) + "): end it first, or wait for its end");
  }
  const auto soc = number(state, "/battery/soc_percent/value");
  const double kept = kept_percent(state);
  if (!soc)
    found.emplace_back("the state of charge is not known");
  else if (*soc < kept + 1.0)
    found.push_back("the state of charge is " + percent(*soc) + ", what is kept is " +
                    percent(kept) + ": the battery may not discharge");
  if (!number(state, "/battery/discharge_current_limit_a/value") ||
      !number(state, "/battery/voltage_v/value"))
    found.emplace_back("the BMS does not say what it allows");
  if (!number(state, "/inverter/power_w/value"))
    found.emplace_back("the inverter does not say its power");
  return found;
}

Watts allowed_power(const Json& state, const Json& limits, Watts wanted) {
  constexpr double step = 10.0;       // W
  constexpr double of_the_bms = 0.9;  // losses of the inverter come on top
  double most = std::min(wanted, commissioning::highest_power).value();
  const auto configured =
      limits.value("/limits/discharge_power_w/most"_json_pointer, Json(nullptr));
  most = std::min(most, configured.is_number() ? configured.get<double>() : 0.0);
  const double bms = number(state, "/battery/discharge_current_limit_a/value").value_or(0.0) *
                     number(state, "/battery/voltage_v/value").value_or(0.0);
  return Watts{std::floor(std::min(most, of_the_bms * bms) / step) * step};
}

std::optional<std::string> interference(const Json& state, Watts ordered) {
  constexpr double least_share = 0.5;  // of what was ordered; less shows too little
  if (!state.contains("decision") || !state["decision"].is_object())
    return "the control makes no decisions any more";
  if (const auto faults = faults_of(state); !faults.empty()) return faults.front();
  const auto command = number(state, "/decision/battery_command_w");
  if (!command) return "the inverter is not commanded any more: " + phrases(state);
  if (word(state, "/decision/policy/authority") != "dispatch")
    return "another instruction rules: " + phrases(state);
  if (ordered > Watts{} && -*command < least_share * ordered.value())
    return "the hub holds the battery at " + watts(*command) + ": " + phrases(state);
  constexpr double at_rest = 30.0;  // W
  if (ordered == Watts{} && std::abs(*command) > at_rest)
    return "the battery shall rest, and the hub wants " + watts(*command) + ": " + phrases(state);
  return std::nullopt;
}

}  // namespace esshub::app
