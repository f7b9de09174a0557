#include "model/event.hpp"

#include <gtest/gtest.h>

namespace esshub {
namespace {

TEST(LogQuoted, NothingInsideEndsTheValueOrTheLine) {
  EXPECT_EQ(log_quoted("say \"hi\"\nthere\x7f\x1b[2J"), "\"say 'hi' there  [2J\"");
  EXPECT_EQ(log_quoted("21 °C"), "\"21 °C\"");
  EXPECT_EQ(log_quoted("\x01\x1f\x20\x21\x7e\x7f"), "\"   !~ \"");
  EXPECT_EQ(log_quoted(""), "\"\"");
}

TEST(LogQuoted, ALongTextIsCut) {
  EXPECT_EQ(log_quoted(std::string(256, 'a')), '"' + std::string(256, 'a') + '"');
  EXPECT_EQ(log_quoted(std::string(257, 'a')), '"' + std::string(256, 'a') + "...\"");
}

}  // namespace
}  // namespace esshub
