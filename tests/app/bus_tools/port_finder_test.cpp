#include "app/bus_tools/port_finder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "protocol/modbus/rtu.hpp"
#include "protocol/vebus/messages.hpp"

namespace esshub::app {
namespace {

using protocol::Bytes;
using Verdict = PortFinder::Verdict;
namespace modbus = protocol::modbus;
namespace vebus = protocol::vebus;

/// A bus as it is heard: clean at its own setting, noise at any other.
class Bus {
 public:
  Bus(PortSetting own, Bytes traffic, Duration period)
      : own_(own), traffic_(std::move(traffic)), period_(period) {}

  [[nodiscard]] Bytes heard(PortSetting setting) {
    Bytes bytes = traffic_;
    if (setting == own_) return bytes;
    for (auto& b : bytes) b = static_cast<std::byte>(random_() & 0xFFu);
    return bytes;
  }
  [[nodiscard]] Duration period() const { return period_; }

 private:
  PortSetting own_;
  Bytes traffic_;
  Duration period_;
  std::mt19937 random_{7};
};

struct Search {
  std::vector<PortSetting> tried;
  std::optional<PortFinder::Found> found;
};
Search search(PortFinder& finder, Bus& bus, Duration limit) {
  Search result{{finder.setting()}, {}};
  Instant now{};
  Instant next = now + bus.period();
  for (; now < Instant{} + limit; now += 50ms) {
    if (now >= next) {
      finder.on_bytes(bus.heard(finder.setting()), now);
      next += bus.period();
    }
    const auto verdict = finder.on_timer(now);
    if (verdict == Verdict::found) {
      result.found = finder.take();
      return result;
    }
    if (verdict == Verdict::move_on) {
      finder.next(now);
      result.tried.push_back(finder.setting());
    }
  }
  return result;
}

Bytes transaction() {
  const modbus::RtuRequest ask{.unit = 1, .start = 52, .count = 2, .data = {}};
  Bytes bytes = modbus::encode(ask);
  const auto answer = modbus::encode_response(ask, Bytes(4));
  bytes.insert(bytes.end(), answer.begin(), answer.end());
  return bytes;
}

TEST(PortFinder, FindsEverySpeedAndParityOfModbus) {
  for (const std::uint32_t baud : {9600u, 2400u, 19200u, 38400u, 4800u, 1200u, 115200u}) {
    for (const char parity : {'N', 'E'}) {
      Bus bus{{baud, parity}, transaction(), 1s};
      PortFinder finder{std::nullopt, std::nullopt, Instant{}};
      const auto result = search(finder, bus, 60s);
      ASSERT_TRUE(result.found) << baud << parity;
      EXPECT_EQ(result.found->kind, SniffKind::modbus);
      EXPECT_EQ(result.tried.back(), (PortSetting{baud, parity}));
      EXPECT_GE(result.found->heard.transactions.size(), 2u) << "what proved it is not lost";
    }
  }
}

TEST(PortFinder, TriesThe9600BaudOfMostMetersFirst) {
  PortFinder finder{std::nullopt, std::nullopt, Instant{}};
  EXPECT_EQ(finder.setting(), (PortSetting{9600, 'N'}));
  EXPECT_EQ(to_text(finder.setting()), "9600 8N1");
}

TEST(PortFinder, TellsKindsApart) {
  Bytes mk3;
  for (const auto& part :
       {vebus::encode(vebus::LedRequest{}), vebus::encode(vebus::Leds{.on = 1, .blink = 0})})
    mk3.insert(mk3.end(), part.begin(), part.end());
  Bus inverter{{2400, 'N'}, mk3, 500ms};
  Bus battery{{115200, 'N'}, protocol::to_bytes("t355454006300\rt305800000000000000000\r"), 1s};
  for (auto* bus : {&inverter, &battery}) {
    PortFinder finder{std::nullopt, std::nullopt, Instant{}};
    const auto result = search(finder, *bus, 60s);
    ASSERT_TRUE(result.found);
    EXPECT_EQ(result.found->kind, bus == &inverter ? SniffKind::mk3 : SniffKind::slcan);
  }
}

TEST(PortFinder, TriesNothingThatIsKnown) {
  Bus bus{{19200, 'E'}, transaction(), 1s};
  PortFinder finder{SniffKind::modbus, 19200, Instant{}};
  EXPECT_THAT(search(finder, bus, 30s).tried,
              testing::ElementsAre(PortSetting{19200, 'N'}, PortSetting{19200, 'E'}));
  PortFinder known{SniffKind::mk3, std::nullopt, Instant{}};
  EXPECT_EQ(known.setting(), (PortSetting{2400, 'N'}));
  EXPECT_EQ(known.on_timer(Instant{}), Verdict::found);
}

TEST(PortFinder, NoiseIsNoBusHoweverLongItLasts) {
  Bus bus{{300, 'N'}, Bytes(40), 200ms};
  PortFinder finder{std::nullopt, std::nullopt, Instant{}};
  const auto result = search(finder, bus, 600s);
  EXPECT_FALSE(result.found);
  EXPECT_GT(result.tried.size(), 100u);
}

TEST(PortFinder, NoiseIsLeftSoonAndSilenceLate) {
  PortFinder finder{SniffKind::modbus, std::nullopt, Instant{}};
  EXPECT_EQ(finder.progress(), "nothing heard");
  EXPECT_EQ(finder.on_timer(Instant{} + 9s), Verdict::stay);
  EXPECT_EQ(finder.on_timer(Instant{} + 10s), Verdict::move_on);
  finder.next(Instant{} + 10s);
  finder.on_bytes(Bytes(20), Instant{} + 11s);
  EXPECT_EQ(finder.progress(), "nothing valid, 20 bytes");
  EXPECT_EQ(finder.on_timer(Instant{} + 11900ms), Verdict::stay);
  EXPECT_EQ(finder.on_timer(Instant{} + 12s), Verdict::move_on);
}

TEST(PortFinder, OneValidFrameIsHopeButNoProof) {
  PortFinder finder{SniffKind::modbus, std::nullopt, Instant{}};
  finder.on_bytes(transaction(), Instant{} + 1s);
  EXPECT_EQ(finder.progress(), "2 valid modbus frames, 17 bytes");
  EXPECT_EQ(finder.on_timer(Instant{} + 15s), Verdict::stay);
  finder.on_bytes(transaction(), Instant{} + 16s);
  EXPECT_EQ(finder.on_timer(Instant{} + 16s), Verdict::found);
}

}  // namespace
}  // namespace esshub::app
