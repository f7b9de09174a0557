#include "app/plan_text.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

namespace esshub::app {
namespace {

using Json = nlohmann::json;

date::sys_seconds moment(const Json& at) {
  return date::sys_seconds{std::chrono::seconds(static_cast<std::int64_t>(at.get<double>()))};
}

std::string at_site(const Json& at, const date::time_zone* zone, const char* format) {
  return zone == nullptr ? date::format(format, moment(at))
                         : date::format(format, date::make_zoned(zone, moment(at)));
}

/// same_action() of what the hub says.
bool same_action(const Json& a, const Json& b) {
  return a["kind"] == b["kind"] && a["keeps_charge"] == b["keeps_charge"];
}

bool same(const Json& a, const Json& b) {
  return same_action(a["instruction"], b["instruction"]) &&
         a["import_price"] == b["import_price"] && a["export_price"] == b["export_price"];
}

std::string line_of(const Json& slot, const date::time_zone* zone) {
  return fmt::format("{} {:<9} {:>7.4f} {:>7.4f} {:>4.0f} {:>3.0f}-{:<3.0f} {:>7.4f}  {}\n",
                     at_site(slot["begin"], zone, "%a %H:%M"),
                     slot["instruction"]["kind"].get<std::string>(),
                     slot["import_price"].get<double>(), slot["export_price"].get<double>(),
                     slot["charge_percent"].get<double>(), slot["charge_low_percent"].get<double>(),
                     slot["charge_high_percent"].get<double>(), slot["value"].get<double>(),
                     slot["reason"].get<std::string>());
}

std::string sun_words(const Json& plan, const date::time_zone* zone) {
  const auto issued = plan.find("sun_issued");
  if (issued == plan.end() || !issued->is_number()) return {};
  return " and the sun told " + at_site(*issued, zone, "%F %R");
}

std::string days_words(const Json& of) {
  const auto days = of["days"].get<int>();
  const auto known = of["known"].get<int>();
  const auto partial = of["partial"].get<int>();
  std::string words;
  if (known < days) words = fmt::format("{} of {} days", known, days);
  if (partial > 0) words += fmt::format("{}{} in part", words.empty() ? "" : ", ", partial);
  return words.empty() ? words : " (" + words + ")";
}

/// To the cent, never "-0.00".
std::string money(double value, const std::string& unit) {
  const double cents = std::round(value * 100.0);
  return fmt::format("{:.2f}{}", cents == 0.0 ? 0.0 : cents / 100.0, unit);
}

std::string error_words(const Json& of, const std::string& unit) {
  const auto error = of["model_error"].get<double>();
  const auto days = of["error_days"].get<int>();
  return fmt::format("; paid on {} whole {} was {} {} than modelled", days,
                     days == 1 ? "day" : "days", money(std::abs(error), unit),
                     error > 0.0 ? "less" : "more");
}

}  // namespace

std::string savings_text(const Json& savings, const std::string& currency) {
  std::string text;
  const auto unit = currency.empty() ? currency : ' ' + currency;
  constexpr std::array<std::pair<const char*, const char*>, 3> periods{
      {{"today", "today"}, {"month", "this month"}, {"year", "this year"}}};
  for (const auto& [key, name] : periods) {
    const Json of = savings.value(key, Json(nullptr));
    if (!of.is_object() || !of["saved_against_no_battery"].is_number()) continue;
    text += fmt::format("Saved {}{}: {} against no battery", name, days_words(of),
                        money(of["saved_against_no_battery"].get<double>(), unit));
    if (of["saved_against_balance"].is_number())
      text += fmt::format(", {} against self-consumption",
                          money(of["saved_against_balance"].get<double>(), unit));
    if (of["model_error"].is_number()) text += error_words(of, unit);
    text += ".\n";
  }
  return text;
}

std::string plan_text(const Json& plan, const date::time_zone* zone) {
  const Json smart = plan.value("smart", Json(nullptr));
  if (!smart.is_object()) return "The mode is not smart: there is no Smart plan.\n";
  std::string text;
  if (smart["problem"].is_string())
    text += fmt::format("No new plan: {}.\n", smart["problem"].get<std::string>());
  if (!smart["plan"].is_object()) return text.empty() ? "No plan yet.\n" : text;
  const Json& made = smart["plan"];
  text += fmt::format(
      "Planned {} from the last {} days{}.\n"
      "Expected over the 48 h it was made for: cost {:.2f}, of self-consumption {:.2f}, without a "
      "battery {:.2f}.\n",
      at_site(made["made"], zone, "%F %R"), made["days"].get<int>(), sun_words(made, zone),
      made["cost"].get<double>(), made["cost_balance"].get<double>(),
      made["cost_no_battery"].get<double>());
  if (const auto reason = made["reason"].get<std::string>(); !reason.empty())
    text += "It buys: " + reason + ".\n";
  text += "\nfrom      does       import  export    %  10-90     kWh  why\n";
  const Json* last = nullptr;
  for (const auto& slot : made["slots"]) {
    if (!last || !same(*last, slot)) text += line_of(slot, zone);
    last = &slot;
  }
  return text;
}

}  // namespace esshub::app
