#include "app/probe/listening.hpp"

#include <gtest/gtest.h>

#include "protocol/bytes.hpp"
#include "protocol/modbus/rtu.hpp"
#include "protocol/vebus/messages.hpp"

namespace esshub::app {
namespace {

using protocol::Bytes;
using protocol::to_bytes;
namespace modbus = protocol::modbus;
namespace vebus = protocol::vebus;

constexpr Instant begin{1h};

Talker heard(const Bytes& bytes) {
  Listening listening{3s};
  EXPECT_TRUE(listening.on_start(begin).empty());
  EXPECT_TRUE(listening.on_bytes(bytes, begin + 1s).empty());
  EXPECT_TRUE(listening.on_timer(begin + 3s).empty());
  EXPECT_TRUE(listening.over());
  return listening.talker();
}

TEST(Listening, TellsWhoTalks) {
  EXPECT_EQ(heard({}), Talker::nobody);
  EXPECT_EQ(heard(vebus::encode(vebus::Version{1170212, 'B'})), Talker::mk3);
  EXPECT_EQ(heard(to_bytes("t35140011\rt3552AABB\r")), Talker::slcan) << "begins amid a line";
  EXPECT_EQ(heard(modbus::encode({.unit = 1, .function = 4, .start = 0, .count = 2, .data = {}})),
            Talker::other_master);
}

TEST(Listening, AnyOtherByteIsSomebodyUnknown) {
  EXPECT_EQ(heard(Bytes{std::byte{0}}), Talker::unknown)
      << "as a request at twelve times the speed";
  EXPECT_EQ(heard(to_bytes("\r\nlogin: ")), Talker::unknown);
  EXPECT_EQ(heard(vebus::encode(vebus::VersionRequest{})), Talker::unknown)
      << "another master of an MK3";
}

TEST(Listening, ItLastsAsLongAsTold) {
  Listening listening{3s};
  (void)listening.on_start(begin);
  (void)listening.on_bytes(to_bytes("?"), begin + 1s);
  (void)listening.on_timer(begin + 2999ms);
  EXPECT_FALSE(listening.over());
  (void)listening.on_timer(begin + 3s);
  EXPECT_TRUE(listening.over());
}

TEST(Listening, AKnownDeviceNeedsNoMore) {
  Listening listening{3s};
  (void)listening.on_start(begin);
  (void)listening.on_bytes(to_bytes("t3552AABB\r"), begin + 1s);
  EXPECT_TRUE(listening.over());
}

}  // namespace
}  // namespace esshub::app
