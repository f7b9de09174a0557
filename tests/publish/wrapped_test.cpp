#include "publish/wrapped.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace esshub::publish {
namespace {

using testing::ElementsAre;

TEST(Wrapped, BreaksAtTheLastSpaceThatFits) {
  EXPECT_THAT(wrapped("one two three", 7), ElementsAre("one two", "three"));
  EXPECT_THAT(wrapped("one two three", 6), ElementsAre("one", "two", "three"));
  EXPECT_THAT(wrapped("one two three", 13), ElementsAre("one two three"));
}

TEST(Wrapped, ALongWordHasALineOfItsOwn) {
  EXPECT_THAT(wrapped("at /dev/serial/by-id now", 4),
              ElementsAre("at", "/dev/serial/by-id", "now"));
}

TEST(Wrapped, SpacesWithinALineStay) {
  EXPECT_THAT(wrapped("  20 W  imported", 20), ElementsAre("  20 W  imported"));
  EXPECT_THAT(wrapped("", 20), ElementsAre(""));
}

TEST(Wrapped, CountsCharactersNotBytes) {
  EXPECT_THAT(wrapped("ä ö ü ß", 7), ElementsAre("ä ö ü ß"));
  EXPECT_THAT(wrapped("ä ö ü ß", 6), ElementsAre("ä ö ü", "ß"));
}

}  // namespace
}  // namespace esshub::publish
