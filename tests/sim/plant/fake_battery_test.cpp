#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>

#include "model/snapshot.hpp"
#include "protocol/pylontech/can_driver.hpp"
#include "protocol/pylontech/slcan.hpp"
#include "sim/plant/device.hpp"

namespace esshub::sim {
namespace {

using protocol::Bytes;
using protocol::u8;
using testing::HasSubstr;

constexpr Instant t0{1000s};

std::string text(const Bytes& bytes) {
  std::string out;
  for (const auto b : bytes) out.push_back(static_cast<char>(u8(b)));
  return out;
}

// ---- the adapter alone -------------------------------------------------------------------------

class Adapter : public testing::Test {
 protected:
  explicit Adapter(FakeBatteryOptions options = {}) : device(make_fake_battery(truth, options)) {
    wake = device->on_start(t0).wake_at;
  }
  std::string say(std::string_view command) {
    std::string out;
    for (const auto& bytes : device->on_bytes(protocol::to_bytes(command), t0).send)
      out += text(bytes);
    return out;
  }
  std::vector<std::string> next_burst() {
    const auto step = device->on_timer(wake.value());
    wake = step.wake_at;
    std::vector<std::string> out;
    for (const auto& bytes : step.send) out.push_back(text(bytes));
    return out;
  }

  BatteryTruth truth;
  std::unique_ptr<Device> device;
  std::optional<Instant> wake;
};

TEST_F(Adapter, ObeysOnlyAtTheRightMoment) {
  EXPECT_EQ(say("C\r"), "\a") << "it is closed";
  EXPECT_EQ(say("t30580000000000000000\r"), "\a") << "no frames before open";
  EXPECT_EQ(say("O\r"), "\a") << "no bit rate yet";
  EXPECT_EQ(say("F\r"), "\a");
  EXPECT_EQ(say("S6\r"), "\r");
  EXPECT_EQ(say("Z0\rM00000000\rmFFFFFFFF\r"), "\r\r\r");
  EXPECT_EQ(say("O\r"), "\r");
  EXPECT_EQ(say("S6\rZ1\rM00000000\rO\rL\r"), "\a\a\a\a\a") << "only while closed";
  EXPECT_EQ(say("F\r"), "F00\r");
  EXPECT_EQ(say("t30580000000000000000\r"), "z\r");
  EXPECT_EQ(say("T000003050\r"), "Z\r");
  EXPECT_EQ(say("t3059000000000000000000\r"), "\a") << "DLC 9";
  EXPECT_EQ(say("C\r"), "\r");
}

TEST_F(Adapter, AnswersWhoItIsAndRefusesTheUnknown) {
  EXPECT_EQ(say("V\r"), "V1013\r");
  EXPECT_THAT(say("N\r"), HasSubstr("N"));
  EXPECT_EQ(say("Q\r"), "\a");
  EXPECT_EQ(say(std::string(5000, 'S') + "\r"), "\a");
  EXPECT_EQ(say("S"), "") << "half a command";
  EXPECT_EQ(say("6\r"), "\r");
}

TEST_F(Adapter, ListenOnlyHearsButDoesNotSpeak) {
  say("S6\rL\r");
  EXPECT_EQ(say("t30580000000000000000\r"), "\a");
  EXPECT_EQ(next_burst().size(), 6u);
}

TEST_F(Adapter, HearsNothingWhileClosed) {
  EXPECT_TRUE(next_burst().empty());
}

TEST_F(Adapter, BurstsInTheOrderOfTheCapture) {
  say("S6\rO\r");
  truth.soc_percent = 88.99;
  truth.soh_percent = 100.0;
  truth.voltage = Volts{50.9};
  truth.current = Amperes{-4.0};
  EXPECT_THAT(next_burst(), testing::ElementsAre("t35970000000002504E\r", "t35181402F401F401C201\r",
                                                 "t355458006400\r", "t3566E213D8FFD200\r",
                                                 "t35C2C000\r", "t35E850594C4F4E202020\r"));
  EXPECT_EQ(*wake, t0 + 1500ms);
  truth.charge_enable = false;
  truth.force_charge_1 = true;
  truth.protections = static_cast<std::uint32_t>(BmsFlag::high_voltage);
  const auto next = next_burst();
  EXPECT_EQ(next[0], "t35970200000002504E\r");
  EXPECT_EQ(next[4], "t35C26000\r");
}

TEST_F(Adapter, StampsFramesWhenTold) {
  say("S6\rZ1\rO\r");
  EXPECT_EQ(next_burst()[4], "t35C2C00001F4\r") << "500 ms";
}

// ---- driver and battery on one wire, in virtual time -------------------------------------------

/// Delivers the bytes of both sides one millisecond later, cut into pieces of `chunk` bytes.
class House : public testing::Test {
 protected:
  void connect(FakeBatteryOptions options = {}, std::size_t chunk = 7) {
    chunk_ = chunk;
    battery = make_fake_battery(truth, options);
    driver = protocol::make_pylontech_driver({});
    take_battery(battery->on_start(now));
  }
  void start_driver() { take_driver(driver->on_start(now)); }

  void run_for(Duration duration) {
    const Instant end = now + duration;
    while (true) {
      Instant next = end;
      if (!wire.empty()) next = std::min(next, wire.front().at);
      if (driver_wake) next = std::min(next, *driver_wake);
      if (battery_wake) next = std::min(next, *battery_wake);
      now = std::max(now, next);
      if (!wire.empty() && wire.front().at <= now) {
        const Packet packet = wire.front();
        wire.pop_front();
        if (packet.to_driver) {
          take_driver(driver->on_bytes(packet.bytes, now));
        } else {
          take_battery(battery->on_bytes(packet.bytes, now));
        }
      } else if (driver_wake && *driver_wake <= now) {
        driver_wake.reset();
        take_driver(driver->on_timer(now));
      } else if (battery_wake && *battery_wake <= now) {
        battery_wake.reset();
        take_battery(battery->on_timer(now));
      } else {
        return;
      }
    }
  }

  [[nodiscard]] int told(std::string_view name) const {
    return static_cast<int>(std::count_if(events.begin(), events.end(),
                                          [&](const Event& event) { return event.name == name; }));
  }
  [[nodiscard]] const DriverHealth& health() const { return driver->health(); }
  [[nodiscard]] double value(Measure measure) const {
    return snapshot.raw(Point::battery, measure).value().value;
  }

  BatteryTruth truth;
  Instant now = t0;
  std::unique_ptr<Device> battery;
  std::unique_ptr<protocol::Driver> driver;
  Snapshot snapshot;
  std::vector<Event> events;
  bool cut = false;  ///< the battery's side of the bus is off
  int reopens = 0;
  int keep_alives = 0;

 private:
  struct Packet {
    Instant at;
    bool to_driver;
    Bytes bytes;
  };

  void put(const std::vector<Bytes>& messages, bool to_driver) {
    for (const auto& message : messages)
      for (std::size_t at = 0; at < message.size(); at += chunk_) {
        const auto begin = message.begin() + static_cast<long>(at);
        wire.push_back(
            {now + 1ms, to_driver,
             Bytes(begin, begin + static_cast<long>(std::min(chunk_, message.size() - at)))});
      }
  }
  void take_driver(protocol::Step step) {
    if (step.wake_at) driver_wake = step.wake_at;
    if (step.reopen) ++reopens;
    for (const auto& sample : step.samples) snapshot.absorb(sample);
    for (auto& event : step.events) events.push_back(std::move(event));
    for (const auto& bytes : step.send)
      if (text(bytes).starts_with("t305")) ++keep_alives;
    put(step.send, false);
  }
  void take_battery(protocol::Step step) {
    if (step.wake_at) battery_wake = step.wake_at;
    if (!cut) put(step.send, true);
  }

  std::size_t chunk_ = 7;
  std::deque<Packet> wire;
  std::optional<Instant> driver_wake;
  std::optional<Instant> battery_wake;
};

TEST_F(House, TheDriverSeesWhatIsTrue) {
  truth.soc_percent = 61.7;
  truth.current = Amperes{-12.3};
  connect();
  start_driver();
  run_for(10s);
  EXPECT_TRUE(health().ready) << health().trouble;
  EXPECT_EQ(value(Measure::soc), 61.0);
  EXPECT_EQ(value(Measure::current), -12.3);
  EXPECT_EQ(value(Measure::voltage), 49.5);
  EXPECT_EQ(value(Measure::temperature), 21.0);
  EXPECT_EQ(value(Measure::modules), 2.0);
  EXPECT_EQ(value(Measure::requests), 3.0);
  EXPECT_EQ(told("battery_found"), 1);
  EXPECT_EQ(told("bms_silent"), 0);
  EXPECT_EQ(keep_alives, 11) << "at once, then every second";
  EXPECT_EQ(health().frames[FrameResult::exception], 0u) << "C on the closed channel is none";
}

TEST_F(House, ChunkingChangesNothing) {
  for (const std::size_t chunk : {1u, 2u, 3u, 22u, 1000u}) {
    connect({}, chunk);
    start_driver();
    const auto before = health().frames[FrameResult::ok];
    run_for(5s);
    EXPECT_TRUE(health().ready) << chunk;
    EXPECT_EQ(health().frames[FrameResult::ok] - before, 30u) << chunk;
  }
}

TEST_F(House, Profile13GivesEverythingButRequests) {
  truth.protections = static_cast<std::uint32_t>(BmsFlag::cell_imbalance);
  connect({.profile_13 = true});
  start_driver();
  run_for(3s);
  EXPECT_TRUE(health().ready) << health().trouble;
  EXPECT_FALSE(snapshot.raw(Point::battery, Measure::requests));
  EXPECT_EQ(value(Measure::protections), static_cast<double>(BmsFlag::cell_imbalance));
  EXPECT_EQ(value(Measure::capacity), 50.0);
}

TEST_F(House, ABatteryThatWaitsForTheKeepAliveGetsIt) {
  connect({.needs_keep_alive = true});
  start_driver();
  run_for(3s);
  EXPECT_TRUE(health().ready) << health().trouble;
}

TEST_F(House, ABatteryThatWaitsSaysLittleToOneWhoOnlyListens) {
  connect({.needs_keep_alive = true});
  std::vector<std::string> heard;
  (void)battery->on_bytes(protocol::to_bytes("S6\rL\r"), now);
  std::optional<Instant> wake = now + 500ms;
  for (int i = 0; i < 4; ++i) {
    const auto step = battery->on_timer(*wake);
    for (const auto& bytes : step.send) heard.push_back(text(bytes));
    ASSERT_TRUE(step.wake_at);
    EXPECT_EQ(*step.wake_at - *wake, 1500ms);
    wake = step.wake_at;
  }
  EXPECT_THAT(heard, testing::Each("t35970000000002504E\r"));
  EXPECT_EQ(heard.size(), 4u);
}

TEST_F(House, AnAdapterThatAnswersNothingWorksTheSame) {
  connect({.transmit_ack = false});
  start_driver();
  run_for(3s);
  EXPECT_TRUE(health().ready) << health().trouble;
  EXPECT_EQ(health().frames[FrameResult::exception], 0u);
  EXPECT_EQ(keep_alives, 4);
}

TEST_F(House, AChannelLeftOpenByACrashIsTakenOver) {
  connect();
  (void)battery->on_bytes(protocol::to_bytes("S6\rO\rt30580000"), now);  // cut off in mid-command
  run_for(10s);                                                          // frames nobody listens to
  start_driver();
  run_for(3s);
  EXPECT_TRUE(health().ready) << health().trouble;
  EXPECT_EQ(health().frames[FrameResult::exception], 0u) << "nothing of ours was refused";
}

TEST_F(House, SilenceIsNoticedAndRecoveryFollowsByItself) {
  connect();
  start_driver();
  run_for(5s);
  cut = true;
  run_for(4s);
  EXPECT_FALSE(health().ready);
  EXPECT_EQ(told("bms_silent"), 1);
  run_for(30s);
  EXPECT_GE(told("channel_reopened"), 1);
  EXPECT_GE(reopens, 1);
  cut = false;
  run_for(3s);
  EXPECT_TRUE(health().ready) << health().trouble;
  EXPECT_EQ(told("bms_back"), 1);
}

TEST_F(House, AnUnpluggedAdapterIsFoundAgain) {
  connect();
  start_driver();
  run_for(5s);
  driver->on_down(now);
  EXPECT_FALSE(health().ready);
  run_for(10s);
  start_driver();
  run_for(3s);
  EXPECT_TRUE(health().ready) << health().trouble;
}

TEST_F(House, AnHourRunsWithoutAMissedFrame) {
  connect({}, 1000);
  start_driver();
  run_for(1h);
  EXPECT_TRUE(health().ready);
  EXPECT_EQ(keep_alives, 3601);
  EXPECT_EQ(health().frames[FrameResult::ok], 6u * 3600u);
  EXPECT_EQ(told("bms_silent"), 0);
}

}  // namespace
}  // namespace esshub::sim
