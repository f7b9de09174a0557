#include "json/parse.hpp"

#include <gtest/gtest.h>

namespace esshub {
namespace {

using nlohmann::json;

bool flat(int depth, json::parse_event_t, const json&) {
  return depth <= 1;
}

TEST(ParseJson, ThrowsWhereItIsNone) {
  EXPECT_EQ(parse_json(R"({"a": 1})"), (json{{"a", 1}}));
  EXPECT_THROW(static_cast<void>(parse_json("{")), json::exception);
  EXPECT_THROW(static_cast<void>(parse_json("1e999")), json::exception);
}

TEST(ParseJson, IsDiscardedWhereAsked) {
  EXPECT_EQ(json_or_discarded("[1]"), json::array({1}));
  EXPECT_TRUE(json_or_discarded("{").is_discarded());
  EXPECT_TRUE(json_or_discarded("1e999").is_discarded());
}

TEST(ParseJson, LeavesOutWhatTheFilterRefuses) {
  constexpr auto text = R"({"a": 1, "b": [[2]]})";
  EXPECT_EQ(parse_json(text, flat), (json{{"a", 1}, {"b", json::array()}}));
  EXPECT_EQ(json_or_discarded(text, flat), (json{{"a", 1}, {"b", json::array()}}));
}

}  // namespace
}  // namespace esshub
