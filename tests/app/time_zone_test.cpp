#include "app/time_zone.hpp"

#include <gtest/gtest.h>

namespace esshub::app {
namespace {

TEST(FindTimeZone, AnUnknownOneIsNothing) {
  const auto* london = find_time_zone("Europe/London");
  ASSERT_TRUE(london);
  EXPECT_EQ(london->name(), "Europe/London");
  EXPECT_EQ(find_time_zone("Europe/Nowhere"), nullptr);
}

}  // namespace
}  // namespace esshub::app
