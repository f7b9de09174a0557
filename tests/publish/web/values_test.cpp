#include "publish/web/values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

namespace esshub::publish {
namespace {

using nlohmann::json;

std::string file(const char* name) {
  std::ifstream stream(std::string{ESSHUB_SOURCE_DIR "/publish/web/page/"} + name);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// What a "$ref" names, or the schema itself.
json resolved(const json& api, const json& schema) {
  const auto ref = schema.find("$ref");
  if (ref != schema.end())
    return api.at(json::json_pointer(ref->get<std::string>().substr(1)));  // without '#'
  if (schema.contains("anyOf")) return resolved(api, schema["anyOf"][0]);  // or null
  return schema;
}

TEST(RestValues, EveryOneIsInTheOpenApiDescription) {
  const auto api = json::parse(file("openapi.json"));
  for (const auto& row : rest_values()) {
    auto schema = api.at("/components/schemas/State"_json_pointer);
    std::string path{row.path.substr(1)};
    if (row.form == RestForm::reading) path += "/value";
    for (std::size_t at = 0; at != std::string::npos;) {
      const auto end = path.find('/', at);
      const auto key = path.substr(at, end == std::string::npos ? end : end - at);
      ASSERT_TRUE(schema.contains("properties") && schema["properties"].contains(key))
          << row.path << " is not described: " << key;
      schema = resolved(api, schema["properties"][key]);
      at = end == std::string::npos ? end : end + 1;
    }
    const bool is_text = published(row.id).text != nullptr;
    EXPECT_EQ(schema["type"].dump().find("string") != std::string::npos, is_text) << row.path;
  }
}

TEST(RestValues, ThePageShowsWhatTheTableSays) {
  std::string page;
  for (const char* name :
       {"page.js", "flow.js", "kiosk.js", "charts.js", "words.js", "control.js", "past.js"})
    page += file(name);
  for (const auto& row : rest_values()) {
    if (row.path.starts_with("/energies/")) continue;  // days have the same keys
    if (row.id == ValueId::export_price) continue;     // the plan has the same key
    const std::string key{row.path.substr(row.path.rfind('/') + 1)};
    const bool wanted = std::ranges::any_of(rest_values(), [&](const RestValue& other) {
      return other.on_page == OnPage::yes && other.path.ends_with("/" + key);
    });
    EXPECT_EQ(std::regex_search(page, std::regex("[.\"]" + key + "\\b")), wanted) << row.path;
  }
}

}  // namespace
}  // namespace esshub::publish
