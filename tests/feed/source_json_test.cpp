#include "feed/source_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace esshub::feed {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(SourceJson, IsAnObjectOfBoundedSizeAndDepth) {
  EXPECT_TRUE(source_json(R"({"a":{"b":[1]}})"));
  for (const auto* text : {"", "[]", "7", "{", "{} {}", "{\"a\":1e999}", "\xff"})
    EXPECT_FALSE(source_json(text)) << text;
  const auto deep = source_json(std::string(1'000'000, '[') + std::string(1'000'000, ']'));
  EXPECT_FALSE(deep);
  EXPECT_TRUE(
      source_json(R"({"a":)" + std::string(100'000, '[') + std::string(100'000, ']') + '}'));
  const auto large = source_json(std::string(document_bytes + 1, ' '));
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().detail, "has 4194305 bytes, accepted 4194304");
}

TEST(SourceJson, WhatIsNotThereOrOfAnotherTypeIsNotTaken) {
  const json object{
      {"list", {1, 2}}, {"number", 1.5}, {"text", "x"}, {"at", "2026-11-28T23:00:00Z"}};
  EXPECT_NE(list_at(object, "list"), nullptr);
  EXPECT_EQ(list_at(object, "number"), nullptr);
  EXPECT_EQ(list_at(object, "none"), nullptr);
  EXPECT_EQ(list_at(json::array({1}), "list"), nullptr);
  EXPECT_EQ(number_at(object, "number"), 1.5);
  EXPECT_EQ(number_at(object, "text").error().detail, "text is no number");
  EXPECT_FALSE(number_at(object, "none"));
  EXPECT_EQ(text_at(object, "text"), "x");
  EXPECT_EQ(text_at(object, "number"), "");
  EXPECT_EQ(moment_at(object, "at"), 1795906800);
  EXPECT_EQ(moment_at(object, "text").error().detail,
            "text is \"x\", expected a moment with its zone");
}

TEST(SourceJson, StrangersTextIsShownShortAndInOneLine) {
  EXPECT_EQ(shown("a\n\x1b[2J\xc3\xa9\x7f"), "a??[2J???");
  EXPECT_EQ(shown(std::string(81, 'x')), std::string(80, 'x') + "...");
  EXPECT_EQ(shown(std::string(80, 'x')), std::string(80, 'x'));
}

}  // namespace
}  // namespace esshub::feed
