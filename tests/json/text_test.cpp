#include "json/text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace esshub {
namespace {

using nlohmann::json;

TEST(JsonText, StandsInOneLineOrInMany) {
  const json value{{"a", {1, 2}}, {"b", nullptr}};
  EXPECT_EQ(json_text(value), R"({"a":[1,2],"b":null})");
  EXPECT_EQ(json_text(json{{"a", 1}}, 2), "{\n  \"a\": 1\n}");
}

TEST(JsonText, KeepsTheOrderOfAnOrderedValue) {
  nlohmann::ordered_json value;
  value["z"] = 1;
  value["a"] = "\xFF";
  EXPECT_EQ(json_text(value), "{\"z\":1,\"a\":\"\xEF\xBF\xBD\"}");
}

TEST(JsonText, ReplacesWhatIsNoText) {
  EXPECT_EQ(json_text(json("a\xFF")), "\"a\xEF\xBF\xBD\"");
  EXPECT_EQ(json_ascii(json("\xFF")), R"("\ufffd")");
}

TEST(JsonText, EscapesAsAsciiWhereAsked) {
  EXPECT_EQ(json_text(json("\xC2\xB0")), "\"\xC2\xB0\"");
  EXPECT_EQ(json_ascii(json("\xC2\xB0")), R"("\u00b0")");
}

TEST(JsonText, QuotesAString) {
  EXPECT_EQ(json_quoted("a\"b\n\xFF"), "\"a\\\"b\\n\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace esshub
