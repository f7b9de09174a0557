#include "publish/history/event_text.hpp"

#include <charconv>
#include <cmath>
#include <map>
#include <string_view>

#include "model/decision.hpp"

namespace esshub::publish {
namespace {

using Fields = std::map<std::string_view, std::string_view>;

std::string_view cut(std::string_view& rest, char separator) {
  const auto end = rest.find(separator);
  const auto part = rest.substr(0, end);
  rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  return part;
}

/// "a=1 b=2" as HistoryCollector writes it: no value has a space.
Fields fields_of(std::string_view detail) {
  Fields fields;
  while (!detail.empty()) {
    auto value = cut(detail, ' ');
    const auto key = cut(value, '=');
    fields[key] = value;
  }
  return fields;
}

std::string of(const Fields& fields, std::string_view key) {
  const auto found = fields.find(key);
  return found == fields.end() ? "?" : std::string{found->second};
}

std::string plain(std::string_view why) {
  const auto cause = enum_named<Cause>(why);
  return std::string{cause ? phrase(*cause) : why};
}

std::string battery(const std::string& watts) {
  double power = 0;
  const auto [end, error] = std::from_chars(watts.data(), watts.data() + watts.size(), power);
  if (error != std::errc{}) return "battery " + watts + " W";
  if (power == 0) return "battery at rest";
  return (power > 0 ? "charging " : "discharging ") + std::to_string(std::lround(std::abs(power))) +
         " W";
}

std::string decision(const HistoryEvent& event) {
  const Fields fields = fields_of(event.detail);
  std::string all = plain(event.name);
  if (const auto limits = fields.find("limits"); limits != fields.end())
    for (auto rest = limits->second; !rest.empty();) all += "; " + plain(cut(rest, ','));
  return all + ": " + battery(of(fields, "battery_w"));
}

}  // namespace

std::string words(const HistoryEvent& event) {
  if (event.kind != "decision" || event.name == "policy") return {};
  return decision(event);
}

}  // namespace esshub::publish
