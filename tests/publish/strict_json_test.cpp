#include "publish/strict_json.hpp"

#include <gtest/gtest.h>

namespace esshub::publish {
namespace {

TEST(StrictJson, TakesWhatIsOnceThere) {
  EXPECT_EQ(strict_json(R"({"a": 1, "b": [{"a": 2}, {"a": 3}], "c": {"a": null}})"),
            nlohmann::json::parse(R"({"a": 1, "b": [{"a": 2}, {"a": 3}], "c": {"a": null}})"));
  EXPECT_EQ(strict_json("12"), 12);
}

TEST(StrictJson, RefusesAKeyThatIsThereTwiceAtAnyDepth) {
  for (const auto* text :
       {R"({"a": 1, "a": 1})", R"({"a": 1, "b": 2, "a": 3})", R"({"a": {"b": 1, "b": 2}})",
        R"([{"a": 1}, {"b": 1, "b": 2}])", R"({"a": 1, "\u0061": 2})", R"({"": 1, "": 2})"})
    EXPECT_TRUE(strict_json(text).is_discarded()) << text;
}

TEST(StrictJson, NamesTheFirstKeyThatIsNotKnown) {
  const auto json = strict_json(R"({"value": 1, "Value": 2})");
  EXPECT_EQ(unknown_key(json, {"value"}), "Value");
  EXPECT_EQ(unknown_key(json, {"value", "Value", "more"}), std::nullopt);
  EXPECT_EQ(unknown_key(strict_json("{}"), {}), std::nullopt);
}

TEST(StrictJson, RefusesWhatIsNoJson) {
  for (const auto* text : {"", "{", R"({"a": })", R"({"a": 1} x)", "\xff", "nan"})
    EXPECT_TRUE(strict_json(text).is_discarded()) << text;
}

}  // namespace
}  // namespace esshub::publish
