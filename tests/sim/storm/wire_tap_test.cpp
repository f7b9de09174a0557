#include "sim/storm/wire_tap.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "model/bms.hpp"
#include "protocol/modbus/rtu.hpp"
#include "protocol/pylontech/can_messages.hpp"
#include "protocol/pylontech/slcan.hpp"

namespace esshub::sim::storm {
namespace {

struct Tapped {
  std::vector<MeterReply> meter;
  std::vector<CanWords> bms;
  std::vector<InterfaceFrame> inverter;
  WireTap tap{{.meter = [this](const MeterReply& r) { meter.push_back(r); },
               .bms = [this](const CanWords& f) { bms.push_back(f); },
               .inverter = [this](const InterfaceFrame& f) { inverter.push_back(f); }}};
};

TEST(WireTap, HearsAReplyWithItsRegistersAndNoneThatIsDamaged) {
  const protocol::modbus::RtuRequest request{
      .unit = 1, .function = protocol::modbus::read_input, .start = 12, .count = 4, .data = {}};
  const protocol::Bytes registers{std::byte{0x44}, std::byte{0x7A}, std::byte{0}, std::byte{0},
                                  std::byte{0xC2}, std::byte{0xC8}, std::byte{0}, std::byte{0}};
  auto reply = protocol::modbus::encode_response(request, registers);
  Tapped tapped;
  tapped.tap.on_sent(Bus::meters, protocol::modbus::encode(request));
  tapped.tap.on_received(Bus::meters, std::span(reply).first(5));
  tapped.tap.on_received(Bus::meters, std::span(reply).subspan(5));
  ASSERT_EQ(tapped.meter.size(), 1u);
  EXPECT_EQ(tapped.meter[0].at(12), 1000.0);
  EXPECT_EQ(tapped.meter[0].at(14), -100.0);
  EXPECT_FALSE(tapped.meter[0].at(16));
  reply[6] ^= std::byte{1};
  tapped.tap.on_sent(Bus::meters, protocol::modbus::encode(request));
  tapped.tap.on_received(Bus::meters, reply);
  EXPECT_EQ(tapped.meter.size(), 1u);
}

TEST(WireTap, HearsCanFramesBehindGarbageAndNamesTheirBits) {
  const auto bytes = [](const protocol::pylontech::Alarms& alarms) {
    return protocol::encode_slcan(protocol::pylontech::encode(alarms));
  };
  Tapped tapped;
  tapped.tap.on_received(Bus::battery, protocol::to_bytes("zt"));
  tapped.tap.on_received(Bus::battery, bytes({bit(BmsFlag::low_voltage) | bit(BmsFlag::system),
                                              bit(BmsFlag::internal_communication), 2, false}));
  ASSERT_EQ(tapped.bms.size(), 1u);
  EXPECT_EQ(tapped.bms[0].id, 0x359u);
  EXPECT_EQ(protections(tapped.bms[0]), bit(BmsFlag::low_voltage) | bit(BmsFlag::system));
  EXPECT_EQ(warnings(tapped.bms[0]), bit(BmsFlag::internal_communication));
  tapped.tap.on_received(Bus::battery, protocol::to_bytes("t3592C0\r"));
  EXPECT_EQ(tapped.bms.size(), 1u);
}

TEST(WireTap, NamesTheFramesOfTheInterface) {
  Tapped tapped;
  tapped.tap.on_received(Bus::inverter, protocol::mk3::encode({.payload = {std::byte{'W'}}}));
  tapped.tap.on_received(Bus::inverter, protocol::mk3::encode({.type = protocol::mk3::type_info,
                                                               .payload = protocol::Bytes(14)}));
  ASSERT_EQ(tapped.inverter.size(), 2u);
  EXPECT_EQ(tapped.inverter[0].command, "W");
  EXPECT_EQ(tapped.inverter[1].command, "20");
}

}  // namespace
}  // namespace esshub::sim::storm
