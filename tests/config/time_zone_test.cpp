#include "config/time_zone.hpp"

#include <gtest/gtest.h>

namespace esshub::config {
namespace {

TEST(TimeZone, AnUnknownZoneIsAnErrorThatNamesIt) {
  const auto zone = load_time_zone("Europe/Nowhere");
  ASSERT_FALSE(zone);
  EXPECT_NE(zone.error().detail.find("Europe/Nowhere"), std::string::npos);
}

}  // namespace
}  // namespace esshub::config
