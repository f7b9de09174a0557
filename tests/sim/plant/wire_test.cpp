#include "sim/plant/wire.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace esshub::sim {
namespace {

using protocol::Bytes;

constexpr Instant start{};

Bytes some(std::size_t n) {
  Bytes bytes;
  for (std::size_t i = 0; i < n; ++i) bytes.push_back(static_cast<std::byte>(i));
  return bytes;
}

TEST(WireModel, BytesArriveOneCharacterTimeApart) {
  Wire wire{{.baud = 9600, .bits_per_character = 10}, 1};
  wire.push(some(8), start);
  // 10 bits at 9600 baud are 1,041,666.67 ns.
  EXPECT_TRUE(wire.pop(start + 1'041'665ns).empty());
  EXPECT_EQ(wire.pop(start + 1'041'666ns).size(), 1u);
  EXPECT_TRUE(wire.pop(start + 2'083'332ns).empty());
  EXPECT_EQ(wire.pop(start + 2'083'333ns).size(), 1u);
  EXPECT_TRUE(wire.pop(start + 3'124'999ns).empty());
  EXPECT_EQ(wire.pop(start + 8'333'332ns).size(), 5u);
  EXPECT_EQ(wire.pop(start + 8'333'333ns).size(), 1u);
}

TEST(WireModel, ElevenBitsTakeLonger) {
  Wire wire{{.baud = 2400, .bits_per_character = 11}, 1};
  wire.push(some(24), start);
  EXPECT_EQ(wire.pop(start + 110ms - 1ns).size(), 23u);
  EXPECT_EQ(wire.pop(start + 110ms).size(), 1u);
}

TEST(WireModel, AtAnotherSpeedThanTheReceiversEverythingIsGarbage) {
  Wire wire{{.baud = 2400}, 1};
  const auto sent = some(200);
  wire.set_speeds(115200, 2400);
  wire.push(sent, start);
  const auto got = wire.pop(start + 1s);
  EXPECT_NE(got.size(), sent.size());
  EXPECT_EQ(std::search(sent.begin(), sent.end(), got.begin(), got.begin() + 4), sent.end());
  wire.set_speeds(2400, 2400);
  wire.push(sent, start + 2s);
  EXPECT_TRUE(wire.pop(start + 2s + 4ms).empty()) << "paced by the sender";
  EXPECT_EQ(wire.pop(start + 4s), sent);
}

TEST(WireModel, LaterBytesWaitForEarlierOnes) {
  Wire wire{{.baud = 2400}, 1};
  wire.push(some(12), start);         // until 50 ms
  wire.push(some(12), start + 10ms);  // until 100 ms
  EXPECT_EQ(wire.pop(start + 100ms - 1ns).size(), 23u);
  EXPECT_EQ(wire.pop(start + 100ms).size(), 1u);
  wire.push(some(12), start + 200ms);  // a silent line starts at once
  EXPECT_EQ(wire.pop(start + 250ms).size(), 12u);
}

TEST(WireModel, UnpacedBytesArriveAtOnce) {
  Wire wire{{.baud = 0}, 1};
  wire.push(some(5), start);
  EXPECT_EQ(wire.next(), start);
  EXPECT_EQ(wire.pop(start), some(5));
  EXPECT_EQ(wire.next(), std::nullopt);
}

TEST(WireModel, AsksToBeReadAtTheEndOfABurstOrWhenTheLatencyTimerRunsOut) {
  Wire wire{{.baud = 2400, .bits_per_character = 12, .latency = 16ms}, 1};  // 5 ms a byte
  wire.push(some(2), start);
  EXPECT_EQ(wire.next(), start + 10ms);
  wire.push(some(6), start);
  EXPECT_EQ(wire.next(), start + 10ms);
  EXPECT_EQ(wire.pop(start + 10ms).size(), 2u);
  EXPECT_EQ(wire.next(), start + 30ms) << "16 ms after the first byte: three more are there";
  EXPECT_EQ(wire.pop(start + 30ms).size(), 4u);
  EXPECT_EQ(wire.next(), start + 40ms);
}

TEST(WireModel, OffLosesWhatIsUnderWayAndWhatComes) {
  Wire wire{{}, 1};
  wire.push(some(8), start);
  wire.set_fault({.kind = FaultKind::off});
  wire.push(some(8), start);
  EXPECT_EQ(wire.next(), std::nullopt);
  wire.set_fault({});
  wire.push(some(8), start + 1s);
  EXPECT_EQ(wire.pop(start + 2s).size(), 8u);
}

TEST(WireModel, DropLosesTheGivenPart) {
  Wire wire{{.baud = 0}, 1};
  wire.set_fault({.kind = FaultKind::drop, .percent = 10.0});
  wire.push(some(10'000), start);
  EXPECT_NEAR(static_cast<double>(wire.pop(start).size()), 9'000.0, 150.0);
}

TEST(WireModel, GarbageReplacesOrInserts) {
  Wire wire{{.baud = 0}, 1};
  wire.set_fault({.kind = FaultKind::garbage, .percent = 20.0});
  wire.push(Bytes(10'000, std::byte{0x55}), start);
  const auto bytes = wire.pop(start);
  EXPECT_NEAR(static_cast<double>(bytes.size()), 11'000.0, 150.0) << "half of them are inserted";
  const auto wrong =
      std::count_if(bytes.begin(), bytes.end(), [](std::byte b) { return b != std::byte{0x55}; });
  EXPECT_NEAR(static_cast<double>(wrong), 2'000.0, 200.0);
}

TEST(WireModel, SlowComesLaterAndInOrder) {
  Wire wire{{.baud = 0}, 1};
  wire.set_fault({.kind = FaultKind::slow, .delay = 400ms});
  wire.push(some(3), start);
  EXPECT_EQ(wire.next(), start + 400ms);
  wire.set_fault({});
  wire.push(some(5), start + 10ms);
  EXPECT_EQ(wire.pop(start + 399ms).size(), 0u);
  EXPECT_EQ(wire.pop(start + 400ms).size(), 8u) << "what was sent later does not overtake";
}

TEST(WireModel, TheSameSeedDamagesTheSameBytes) {
  const auto damage = [](std::uint64_t seed) {
    Wire wire{{.baud = 0}, seed};
    wire.set_fault({.kind = FaultKind::garbage, .percent = 10.0});
    wire.push(some(200), start);
    return wire.pop(start);
  };
  EXPECT_EQ(damage(3), damage(3));
  EXPECT_NE(damage(3), damage(4));
}

}  // namespace
}  // namespace esshub::sim
