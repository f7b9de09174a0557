#include "model/feed.hpp"

#include <gtest/gtest.h>

namespace esshub {
namespace {

TEST(Feed, AMessageIsAsLongAsTheDocumentsSay) {
  EXPECT_EQ(feed_message_bytes, 65536u);
}

}  // namespace
}  // namespace esshub
