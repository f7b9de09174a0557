#include "feed/source_json.hpp"

#include <algorithm>

#include "json/parse.hpp"
#include "model/utc_text.hpp"

namespace esshub::feed {
namespace {

using Json = nlohmann::json;

constexpr int deepest = 8;

const Json* at(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found == object.end() ? nullptr : &*found;
}

}  // namespace

std::string shown(std::string_view text) {
  constexpr std::size_t most = 80;
  std::string result{text.substr(0, most)};
  for (char& c : result)
    if (c < ' ' || c > '~') c = '?';
  return text.size() > most ? result + "..." : result;
}

Result<Json> source_json(std::string_view text) {
  if (text.size() > document_bytes)
    return fail(ErrorKind::invalid, "has " + std::to_string(text.size()) + " bytes, accepted " +
                                        std::to_string(document_bytes));
  // What is deeper than any source's is not kept: to end it would take as many calls.
  auto json = json_or_discarded(
      text, [](int depth, Json::parse_event_t, const Json&) { return depth <= deepest; });
  if (!json.is_object())
    return fail(ErrorKind::invalid, "is no JSON object, but begins \"" + shown(text) + '"');
  return json;
}

const Json* list_at(const Json& object, const char* key) {
  const auto* found = at(object, key);
  return found && found->is_array() ? found : nullptr;
}

Result<double> number_at(const Json& object, const char* key) {
  const auto* found = at(object, key);
  if (!found || !found->is_number())
    return fail(ErrorKind::invalid, std::string{key} + " is no number");
  return found->get<double>();
}

std::string_view text_at(const Json& object, const char* key) {
  const auto* found = at(object, key);
  return found && found->is_string() ? std::string_view{found->get_ref<const std::string&>()}
                                     : std::string_view{};
}

Result<UnixSeconds> moment_at(const Json& object, const char* key) {
  const auto text = text_at(object, key);
  const auto moment = read_utc(text);
  if (!moment)
    return fail(ErrorKind::invalid,
                std::string{key} + " is \"" + shown(text) + "\", expected a moment with its zone");
  return moment->time_since_epoch().count();
}

}  // namespace esshub::feed
