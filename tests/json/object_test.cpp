#include "json/object.hpp"

#include <gtest/gtest.h>

namespace esshub {
namespace {

using nlohmann::json;

TEST(JsonObject, TakesValuesOfEveryType) {
  const std::string text = "t";
  const std::string_view view = "v";
  const json object = json_object({{"literal", "l"},
                                   {"text", text},
                                   {"view", view},
                                   {"null", nullptr},
                                   {"true", true},
                                   {"double", 1.5},
                                   {"below", -1},
                                   {"byte", std::uint8_t{255}},
                                   {"list", json::array({1, 2})}});
  EXPECT_EQ(object.dump(),
            R"({"below":-1,"byte":255,"double":1.5,"list":[1,2],"literal":"l","null":null,)"
            R"("text":"t","true":true,"view":"v"})");
  EXPECT_TRUE(object["below"].is_number_integer());
  EXPECT_TRUE(object["byte"].is_number_unsigned());
  EXPECT_TRUE(object["true"].is_boolean());
}

TEST(JsonObject, ABraceIsAList) {
  const std::string text = "t";
  EXPECT_EQ(json_object({{"one", {text}}, {"two", {text, "u"}}}).dump(),
            R"({"one":["t"],"two":["t","u"]})");
}

TEST(JsonObject, IsAnObjectWithoutMembersToo) {
  EXPECT_EQ(json_object({}).dump(), "{}");
}

TEST(JsonObject, KeepsTheFirstOfAKey) {
  EXPECT_EQ(json_object({{"a", 1}, {"a", 2}}).dump(), R"({"a":1})");
}

}  // namespace
}  // namespace esshub
