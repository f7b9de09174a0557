#include "json/parse.hpp"

namespace esshub {

nlohmann::json parse_json(std::string_view text, const JsonFilter& filter) {
  return nlohmann::json::parse(text, filter);
}

nlohmann::json json_or_discarded(std::string_view text, const JsonFilter& filter) {
  return nlohmann::json::parse(text, filter, /*allow_exceptions=*/false);
}

}  // namespace esshub
