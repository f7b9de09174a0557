#include "json/text.hpp"

#include <nlohmann/json.hpp>

namespace esshub {
namespace {

constexpr auto replace = nlohmann::json::error_handler_t::replace;

}  // namespace

std::string json_text(const nlohmann::json& value, int indent) {
  return value.dump(indent, ' ', false, replace);
}

std::string json_text(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, replace);
}

std::string json_ascii(const nlohmann::json& value) {
  return value.dump(-1, ' ', true, replace);
}

std::string json_quoted(std::string_view text) {
  return json_text(nlohmann::json(text));
}

}  // namespace esshub
