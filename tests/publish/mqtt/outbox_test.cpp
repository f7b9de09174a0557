#include "publish/mqtt/outbox.hpp"

#include <gtest/gtest.h>

namespace esshub::publish {
namespace {

TEST(Outbox, OfATopicOnlyTheNewestWaits) {
  Outbox box{10};
  box.push({"a", "1"});
  box.push({"b", "1"});
  box.push({"a", "2"});
  EXPECT_EQ(box.size(), 2u);
  EXPECT_EQ(box.pop(), (MqttMessage{"b", "1"}));
  EXPECT_EQ(box.pop(), (MqttMessage{"a", "2"}));
  EXPECT_EQ(box.pop(), std::nullopt);
  EXPECT_EQ(box.dropped(), 0u);
}

TEST(Outbox, OfTooManyTheOldestIsLost) {
  Outbox box{2};
  for (const auto* topic : {"a", "b", "c"}) box.push({topic, ""});
  EXPECT_EQ(box.size(), 2u);
  EXPECT_EQ(box.dropped(), 1u);
  EXPECT_EQ(box.pop()->topic, "b");
  box.push({"b", "again"});
  EXPECT_EQ(box.pop()->topic, "c");
  EXPECT_EQ(box.pop()->payload, "again");
}

}  // namespace
}  // namespace esshub::publish
