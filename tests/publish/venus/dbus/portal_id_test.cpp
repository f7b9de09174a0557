#include "publish/venus/dbus/portal_id.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace esshub::publish {
namespace {

TEST(PortalId, IsTheAddressOfEth0OrTwelveOtherDigits) {
  const auto id = portal_id();
  EXPECT_EQ(id.size(), 12u) << id;
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos) << id;
  EXPECT_EQ(portal_id(), id) << "always the same";
  std::string address;
  if (!(std::ifstream{"/sys/class/net/eth0/address"} >> address)) GTEST_SKIP() << "no eth0 here";
  std::erase(address, ':');
  EXPECT_EQ(id, address);
}

}  // namespace
}  // namespace esshub::publish
