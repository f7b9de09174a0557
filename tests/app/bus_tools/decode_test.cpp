#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "tests/app/child.hpp"

namespace esshub::tests {
namespace {

using testing::IsEmpty;

TEST(CommandLine, DecodeAnswersEveryLineAtOnce) {
  struct Row {
    const char* kind;
    const char* frame;
  };
  for (const auto& [kind, frame] :
       {Row{"modbus", "01 04 00 00 00 02 71 CB"}, Row{"can", "can0 355#32006300"},
        Row{"mk3", "07 FF 56 2C 1E 11 00 42 07"}, Row{"pylontech-rs485", "~20024692E00202FD2E"}}) {
    Child child{{"decode", "--kind", kind}};
    child.type("# a comment\n\n   \n" + std::string{frame} + "\r\n");
    const auto answer = nlohmann::json::parse(child.line(), nullptr, false);
    EXPECT_TRUE(answer.is_object() && !answer.contains("error")) << answer;
    child.type("certainly no frame \xff\n");
    const auto error = nlohmann::json::parse(child.line(), nullptr, false);
    EXPECT_TRUE(error.is_object() && error.contains("error")) << kind;
    child.end_input();
    EXPECT_THAT(child.rest(), IsEmpty());
    EXPECT_EQ(child.status(), 0) << kind;
  }
}

TEST(CommandLine, DecodeTakesTheCellsOfABatteryOnCanAlone) {
  Child can{{"decode", "--kind", "can", "--cells", "16"}};
  can.type("351#3A02F401F401C201\n");
  EXPECT_FALSE(nlohmann::json::parse(can.line()).contains("error"));
  can.end_input();
  EXPECT_EQ(can.status(), 0);
  for (const auto& [kind, cells] :
       {std::pair{"can", "14"}, std::pair{"can", "17"}, std::pair{"mk3", "16"}}) {
    Child child{{"decode", "--kind", kind, "--cells", cells}};
    child.end_input();
    EXPECT_EQ(child.status(), 64) << kind << ' ' << cells;
  }
}

}  // namespace
}  // namespace esshub::tests
