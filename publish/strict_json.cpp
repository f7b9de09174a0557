#include "publish/strict_json.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "json/parse.hpp"

namespace esshub::publish {

nlohmann::json strict_json(std::string_view text) {
  using Json = nlohmann::json;
  std::vector<std::set<std::string>> objects;  // the keys so far of each that is open
  bool twice = false;
  auto json = json_or_discarded(text, [&](int, Json::parse_event_t event, const Json& value) {
    if (event == Json::parse_event_t::object_start) objects.emplace_back();
    if (event == Json::parse_event_t::object_end) objects.pop_back();
    if (event == Json::parse_event_t::key)
      twice |= !objects.back().insert(value.get<std::string>()).second;
    return true;
  });
  return twice ? Json(Json::value_t::discarded) : json;
}

std::optional<std::string> unknown_key(const nlohmann::json& object,
                                       std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : object.items())
    if (std::ranges::find(known, std::string_view{key}) == known.end()) return key;
  return std::nullopt;
}

}  // namespace esshub::publish
