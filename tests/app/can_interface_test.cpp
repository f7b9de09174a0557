#include "app/can_interface.hpp"

#include <gtest/gtest.h>
#include <linux/can/netlink.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <vector>

namespace esshub::app {
namespace {

using Bytes = std::vector<std::byte>;

/// Attributes behind each other, as the kernel writes them.
void put(Bytes& out, unsigned type, const void* payload, std::size_t size) {
  const rtattr head{static_cast<unsigned short>(RTA_LENGTH(size)),
                    static_cast<unsigned short>(type)};
  const auto at = out.size();
  out.resize(at + RTA_SPACE(size));
  std::memcpy(out.data() + at, &head, sizeof head);
  if (size > 0) std::memcpy(out.data() + at + sizeof head, payload, size);
}
template <class T>
void put(Bytes& out, unsigned type, const T& value) {
  put(out, type, &value, sizeof value);
}

/// Of an interface as `ip -details link` shows it: an odd attribute first, then the CAN ones.
Bytes link(const Bytes& data) {
  Bytes info;
  put(info, IFLA_INFO_KIND, "can", 4);
  put(info, IFLA_INFO_DATA, data.data(), data.size());
  Bytes out;
  put(out, IFLA_IFNAME, "can0", 5);
  put(out, IFLA_LINKINFO | 0x8000u, info.data(), info.size());
  return out;
}

can_bittiming timing(std::uint32_t bit_rate) {
  can_bittiming out{};
  out.bitrate = bit_rate;
  return out;
}

TEST(CanInterface, BitRateStateModeAndCountersAreRead) {
  Bytes data;
  put(data, IFLA_CAN_BITTIMING, timing(250'000));
  put(data, IFLA_CAN_STATE, std::uint32_t{2});
  put(data, IFLA_CAN_CTRLMODE, can_ctrlmode{.mask = 0xFF, .flags = CAN_CTRLMODE_LISTENONLY});
  put(data, IFLA_CAN_BERR_COUNTER, can_berr_counter{.txerr = 128, .rxerr = 3});
  const auto facts = can_facts(link(data));
  EXPECT_EQ(facts.bit_rate, 250'000u);
  EXPECT_EQ(facts.state, "error passive");
  EXPECT_TRUE(facts.listen_only);
  EXPECT_EQ(facts.transmit_errors, 128u);
  EXPECT_EQ(facts.receive_errors, 3u);
}

TEST(CanInterface, WhatIsNotToldIsLeftOpen) {
  for (const auto& bytes : {Bytes{}, link({})}) {
    const auto facts = can_facts(bytes);
    EXPECT_FALSE(facts.bit_rate);
    EXPECT_FALSE(facts.listen_only);
    EXPECT_EQ(facts.state, "");
    EXPECT_FALSE(facts.transmit_errors);
  }
  Bytes data;
  put(data, IFLA_CAN_BITTIMING, timing(0));
  put(data, IFLA_CAN_STATE, std::uint32_t{99});
  EXPECT_FALSE(can_facts(link(data)).bit_rate) << "0: not set";
  EXPECT_EQ(can_facts(link(data)).state, "");
}

TEST(CanInterface, WhatIsCutShortIsNotReadPastItsEnd) {
  Bytes data;
  put(data, IFLA_CAN_BITTIMING, timing(500'000));
  const auto whole = link(data);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(can_facts(std::span{whole}.first(size)).bit_rate) << size;
}

TEST(CanInterface, OneThatIsNotThereTellsNothing) {
  EXPECT_FALSE(look_at_can("no-such-can"));
  const auto loopback = look_at_can("lo");
  if (loopback) {
    EXPECT_FALSE(loopback->bit_rate);
  }
}

}  // namespace
}  // namespace esshub::app
