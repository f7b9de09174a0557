#include "service/savings.hpp"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "json/object.hpp"
#include "json/parse.hpp"
#include "json/text.hpp"
#include "model/utc_text.hpp"
#include "service/kept_json.hpp"

namespace esshub::service {
namespace {

using nlohmann::json;

/// Minutes. A zone that goes over the date line has one date for two days.
constexpr int longest_day = 48 * 60;

int count(const json& value) {
  const auto number = value.get<int>();
  if (number < 0 || number > longest_day) throw std::out_of_range("more minutes than a day has");
  return number;
}

/// What a battery may hold.
WattHours charge(const json& value) {
  const auto wh = value.get<double>();
  if (wh < 0.0 || wh > 1e6) throw std::out_of_range("a charge that cannot be");
  return WattHours{wh};
}

/// Throws where it is not as date_text() writes it.
const std::string& checked_date(const std::string& text) {
  const auto day = read_utc(text + "T00:00:00Z");
  if (!day || esshub::date_text(std::chrono::floor<std::chrono::days>(*day)) != text)
    throw std::out_of_range("no date");
  return text;
}

control::ModelledCost to_cost(const json& j) {
  return {j.at("cost").get<double>(), WattHours{j.at("gained_wh").get<double>()}};
}

json to_json(const control::ModelledCost& modelled) {
  return json_object({{"cost", modelled.cost}, {"gained_wh", modelled.gained.value()}});
}

}  // namespace

WallTime day_begin(const civil_time::Zone& zone, std::chrono::local_days day) {
  const std::chrono::local_seconds midnight{day};
  const auto begin = zone.first_moment(midnight);
  if (!begin)
    return zone.first_moment(midnight + std::chrono::hours{1})
        .value_or(std::chrono::sys_seconds{midnight.time_since_epoch()});
  return *begin;
}

std::string date_text(std::chrono::local_days day) {
  return esshub::date_text(std::chrono::sys_days{day.time_since_epoch()});
}

std::vector<control::MeasuredMinute> measured(std::span<const Minute> minutes,
                                              std::span<const PlanSpan> prices, bool solar_metered,
                                              WattHours capacity) {
  std::vector<control::MeasuredMinute> all;
  auto span = prices.begin();
  for (const auto& minute : minutes) {
    while (span != prices.end() && span->end <= minute.begin) ++span;
    if (span == prices.end()) break;
    if (span->begin > minute.begin || !span->import_price) continue;
    if (!minute.house_w || !minute.battery_w || !minute.soc) continue;
    if (solar_metered && !minute.solar_w) continue;
    all.push_back({unix_seconds(minute.begin), Watts{*minute.house_w},
                   Watts{solar_metered ? *minute.solar_w : 0.0}, Watts{*minute.battery_w},
                   capacity * (*minute.soc / 100.0), *span->import_price,
                   span->export_price.value_or(0.0)});
  }
  return all;
}

DaySavings day_savings(const control::CostComparison& costs, int of, std::optional<double> cost,
                       double charge_efficiency, bool serves_all) {
  DaySavings day{.minutes = costs.minutes,
                 .of = of,
                 .cost = cost,
                 .no_battery = costs.no_battery,
                 .used = costs.used,
                 .balance = {},
                 .currency = {},
                 .gained = costs.gained,
                 .worth = costs.cheapest / charge_efficiency,
                 .end = costs.end};
  if (serves_all) day.balance = costs.balance;
  return day;
}

Savings sum_of(const DaysSavings& days, std::chrono::local_days first, std::chrono::local_days last,
               const std::string& currency) {
  std::vector<const DaySavings*> known;
  Savings sum;
  for (auto day = first; day <= last; day += std::chrono::days{1}) {
    ++sum.days;
    const auto found = days.find(date_text(day));
    if (found == days.end() || found->second.minutes == 0 || found->second.currency != currency)
      continue;
    known.push_back(&found->second);
    ++sum.known;
    if (!found->second.whole()) ++sum.partial;
  }
  if (known.empty()) return sum;
  double worth = 0.0;
  for (const auto* day : known) worth += day->worth / 1000.0;
  worth = std::max(worth / static_cast<double>(known.size()), 0.0);
  const auto less = [&](double cost, WattHours gained) { return cost - worth * gained.value(); };
  sum.balance = 0.0;
  for (const auto* day : known) {
    const double cost = less(day->used.cost, day->used.gained);
    sum.cost += cost;
    sum.no_battery += day->no_battery;
    if (day->balance && sum.balance)
      *sum.balance += less(day->balance->cost, day->balance->gained);
    else
      sum.balance.reset();
    if (day->whole() && day->cost) {
      sum.error = sum.error.value_or(0.0) + cost - less(*day->cost, day->gained);
      ++sum.error_days;
    }
  }
  return sum;
}

std::string encode(const DaysSavings& days) {
  json list = json::object();
  auto day = days.begin();
  if (days.size() > kept_days) std::advance(day, days.size() - kept_days);
  for (; day != days.end(); ++day) {
    const auto& [date, d] = *day;
    json j = json_object({{"minutes", d.minutes},
                          {"of", d.of},
                          {"no_battery", d.no_battery},
                          {"used", to_json(d.used)},
                          {"currency", d.currency},
                          {"gained_wh", d.gained.value()},
                          {"worth", d.worth},
                          {"end", json_object({{"at", d.end.at},
                                               {"used_wh", d.end.used.value()},
                                               {"balance_wh", d.end.balance.value()}})}});
    if (d.cost) j["cost"] = *d.cost;
    if (d.balance) j["balance"] = to_json(*d.balance);
    list[date] = std::move(j);
  }
  return json_text(json_object({{"days", std::move(list)}})) + "\n";
}

Result<DaysSavings> decode_savings(const std::string& text) {
  try {
    DaysSavings days;
    const json all = parse_json(text);
    for (const auto& [date, j] : all.at("days").items()) {
      const json& end = j.at("end");
      DaySavings day{.minutes = count(j.at("minutes")),
                     .of = count(j.at("of")),
                     .cost = {},
                     .no_battery = j.at("no_battery").get<double>(),
                     .used = to_cost(j.at("used")),
                     .balance = {},
                     .currency = j.at("currency").get<std::string>(),
                     .gained = WattHours{j.at("gained_wh").get<double>()},
                     .worth = j.at("worth").get<double>(),
                     .end = {kept_moment(end.at("at")), charge(end.at("used_wh")),
                             charge(end.at("balance_wh"))}};
      if (j.contains("cost")) day.cost = j["cost"].get<double>();
      if (j.contains("balance")) day.balance = to_cost(j["balance"]);
      days[checked_date(date)] = day;
    }
    return days;
  } catch (const std::exception& e) {  // the library's way to say no
    return fail(ErrorKind::invalid, e.what());
  }
}

}  // namespace esshub::service
