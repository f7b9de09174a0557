#include "transport/speed.hpp"

#include <gtest/gtest.h>

namespace esshub::transport {
namespace {

TEST(Speed, IsATermiosConstantAndBack) {
  EXPECT_EQ(speed_of(2400), speed_t{B2400});
  EXPECT_EQ(speed_of(115200), speed_t{B115200});
  EXPECT_EQ(baud_of(B9600), 9600u);
  EXPECT_EQ(speed_of(2401), std::nullopt);
  EXPECT_EQ(speed_of(0), std::nullopt);
  EXPECT_EQ(baud_of(B0), std::nullopt) << "hung up";
}

}  // namespace
}  // namespace esshub::transport
