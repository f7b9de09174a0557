#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <string>

#include "model/snapshot.hpp"
#include "protocol/vebus/driver.hpp"
#include "protocol/vebus/messages.hpp"
#include "sim/plant/device.hpp"

namespace esshub::sim {
namespace {

using namespace protocol;

/// One direction of a 2400 baud line: bytes arrive one by one, a byte time apart.
class Lane {
 public:
  std::function<bool(Bytes&)> pass = [](Bytes&) { return true; };  ///< may change or drop a chunk

  void send(Bytes bytes, Instant now) {
    if (!pass(bytes)) return;
    free_ = std::max(free_, now);
    for (const std::byte b : bytes) bytes_.emplace_back(free_ += mk3::byte_time, b);
  }
  [[nodiscard]] std::optional<Instant> next() const {
    return bytes_.empty() ? std::nullopt : std::optional{bytes_.front().first};
  }
  std::byte take() {
    const std::byte b = bytes_.front().second;
    bytes_.pop_front();
    return b;
  }

 private:
  std::deque<std::pair<Instant, std::byte>> bytes_;
  Instant free_{};
};

/// Driver, 2400 baud line and fake unit in virtual time; the unit follows its setpoint at once.
class World {
 public:
  explicit World(FakeMultiplusOptions options = {}, VebusConfig config = {})
      : driver(make_vebus_driver(config)), device(make_fake_multiplus(truth, command, options)) {
    truth.ac_out = Watts{150.0};
  }

  InverterTruth truth;
  InverterCommand command;
  std::unique_ptr<Driver> driver;
  std::unique_ptr<Device> device;
  Lane to_device;
  Lane to_host;
  Instant now = Instant{} + 1h;
  std::uint32_t host_baud = 2400;
  std::uint32_t device_baud = 2400;
  std::function<std::optional<Setpoint>(Instant)> control;  ///< asked every 100 ms
  std::vector<Sample> samples;
  std::vector<Event> events;
  std::vector<Instant> setpoint_writes;

  void start() {
    take_host(driver->on_start(now));
    take_device(device->on_start(now));
  }

  void run(Duration d) {
    const Instant until = now + d;
    while (true) {
      Instant next = std::min(until, tick_);
      for (const auto& t : {host_wake_, device_wake_, to_device.next(), to_host.next()})
        if (t) next = std::min(next, *t);
      now = std::max(now, next);
      if (now >= until) return;
      step(next);
    }
  }
  /// The hub stands still: unit and wire go on, what arrives waits in the port's buffer.
  void stall(Duration d) {
    const Instant until = now + d;
    while (true) {
      Instant next = until;
      for (const auto& t : {device_wake_, to_device.next()})
        if (t) next = std::min(next, *t);
      if (next >= until) break;
      now = std::max(now, next);
      if (to_device.next() == next) {
        const std::byte b = to_device.take();
        take_device(device->on_bytes(std::span{&b, 1}, now));
      } else {
        device_wake_.reset();
        take_device(device->on_timer(now));
      }
    }
    now = until;
  }
  /// At most `limit`; true once ready.
  bool run_until_ready(Duration limit = 20s) {
    const Instant until = now + limit;
    while (now < until && !driver->health().ready) run(10ms);
    return driver->health().ready;
  }

  [[nodiscard]] std::vector<Sample> of(Point point, Measure measure, Instant from) const {
    std::vector<Sample> out;
    for (const auto& s : samples)
      if (s.channel == Channel{point, measure} && s.at >= from) out.push_back(s);
    return out;
  }
  [[nodiscard]] std::optional<double> newest(Point point, Measure measure) const {
    const auto all = of(point, measure, Instant{});
    return all.empty() ? std::nullopt : std::optional{all.back().value};
  }
  [[nodiscard]] Duration longest_gap(Point point, Measure measure, Instant from) const {
    Duration longest{};
    Instant last = from;
    for (const auto& s : of(point, measure, from)) {
      longest = std::max(longest, s.at - last);
      last = s.at;
    }
    return std::max(longest, now - last);
  }
  [[nodiscard]] long count(std::string_view name) const {
    return std::ranges::count(events, name, &Event::name);
  }
  void give(const Setpoint& setpoint) { take_host(driver->on_setpoint(setpoint, now)); }
  void hold(double watts, InverterMode mode = InverterMode::follow) {
    control = [watts, mode](Instant t) { return Setpoint{Watts{watts}, mode, t + 1s}; };
  }

 private:
  void step(Instant next) {
    if (to_device.next() == next) {
      const std::byte b = to_device.take();
      if (host_baud == device_baud) take_device(device->on_bytes(std::span{&b, 1}, now));
    } else if (to_host.next() == next) {
      const std::byte b = to_host.take();
      if (host_baud == device_baud) take_host(driver->on_bytes(std::span{&b, 1}, now));
    } else if (host_wake_ == next) {
      host_wake_.reset();
      take_host(driver->on_timer(now));
    } else if (device_wake_ == next) {
      device_wake_.reset();
      take_device(device->on_timer(now));
    } else if (tick_ == next) {
      tick_ = now + 100ms;
      if (control)
        if (const auto setpoint = control(now)) take_host(driver->on_setpoint(*setpoint, now));
    }
  }
  void take_host(Step s) {
    if (s.baud) host_baud = *s.baud;
    if (s.wake_at) host_wake_ = s.wake_at;
    samples.insert(samples.end(), s.samples.begin(), s.samples.end());
    events.insert(events.end(), s.events.begin(), s.events.end());
    for (auto& bytes : s.send) to_device.send(std::move(bytes), now);
    if (s.reopen) {
      driver->on_down(now);
      take_host(driver->on_start(now));
    }
  }
  void take_device(Step s) {
    if (s.wake_at) device_wake_ = s.wake_at;
    if (s.baud) device_baud = *s.baud;
    for (auto& bytes : s.send) to_host.send(std::move(bytes), now);
    follow();
    if (command.setpoint_writes != writes_) {
      writes_ = command.setpoint_writes;
      setpoint_writes.push_back(now);
    }
  }
  void follow() {
    if (truth.state == VebusState::down || truth.mains_frequency.value() == 0.0) return;
    truth.ac_in = command.setpoint.value_or(truth.ac_out);
    truth.battery_ac = truth.ac_in - truth.ac_out;
    truth.state = command.switch_state == SwitchPosition::off ? VebusState::off
                  : command.setpoint                          ? VebusState::charge
                                                              : VebusState::passthru;
  }

  std::optional<Instant> host_wake_;
  std::optional<Instant> device_wake_;
  Instant tick_ = now;
  std::uint64_t writes_ = 0;
};

/// An interface that ignores the wish for long replies.
void stays_compat(World& world) {
  world.to_device.pass = [](Bytes& bytes) {
    const auto frame = mk3::decode(bytes);
    if (!frame) return true;
    auto message = vebus::decode(*frame);
    if (!message) return true;
    if (auto* set = std::get_if<vebus::StateSet>(&*message)) {
      set->ext0 = vebus::StateSet::compat_replies;
      bytes = vebus::encode(*set);
    }
    return true;
  };
}

TEST(FakeMultiplusClosedLoop, BecomesReadyInEveryDialectAndLayoutDespiteChatter) {
  for (const bool long_dialect : {false, true})
    for (const bool compat_only : {false, true})
      for (const int layout : {0, 1, 2})
        for (const std::uint64_t seed : {1u, 2u, 3u}) {
          SCOPED_TRACE(testing::Message() << long_dialect << compat_only << layout << seed);
          World world{{.long_dialect = long_dialect, .ess_layout = layout, .seed = seed}};
          if (compat_only) stays_compat(world);
          world.start();
          ASSERT_TRUE(world.run_until_ready(8s)) << world.driver->health().trouble;
          world.hold(-800.0);
          world.run(3s);
          EXPECT_EQ(world.command.setpoint, Watts{-800.0});
          EXPECT_EQ(world.newest(Point::inverter, Measure::setpoint), -800.0);
          EXPECT_EQ(world.newest(Point::inverter, Measure::power), -800.0);
          EXPECT_EQ(world.newest(Point::inverter, Measure::dc_power), -950.0);
          EXPECT_EQ(world.newest(Point::ac_out, Measure::power), 150.0);
          EXPECT_EQ(world.command.switch_state, SwitchPosition::on);
          world.hold(1200.0);
          world.run(2s);
          EXPECT_EQ(world.command.setpoint, Watts{1200.0});
        }
}

TEST(FakeMultiplusClosedLoop, AnInterfaceThatAppendsItsLedsIsUnderstood) {
  World world;
  unsigned appended = 0;
  world.to_host.pass = [&](Bytes& bytes) {
    if (auto frame = mk3::decode(bytes)) {
      frame->leds = mk3::LedBytes{1, 0};
      bytes = mk3::encode(*frame);
      ++appended;
    }
    return true;
  };
  world.start();
  ASSERT_TRUE(world.run_until_ready()) << world.driver->health().trouble;
  world.hold(-800.0);
  world.run(3s);
  EXPECT_EQ(world.command.setpoint, Watts{-800.0});
  EXPECT_EQ(world.newest(Point::inverter, Measure::power), -800.0);
  EXPECT_EQ(world.newest(Point::inverter, Measure::voltage), 230.0);
  EXPECT_GT(appended, 20u);
}

TEST(FakeMultiplusClosedLoop, WithoutEssNothingIsWritten) {
  World world{{.ess_layout = 3}};
  world.start();
  world.hold(-500.0);
  world.run(40s);
  EXPECT_FALSE(world.driver->health().ready);
  EXPECT_EQ(world.driver->health().faults, FaultFlags{Fault::inverter_lost});
  EXPECT_EQ(world.command.setpoint_writes, 0u);
  EXPECT_EQ(world.count("ess_missing"), 1);
  EXPECT_TRUE(world.newest(Point::inverter, Measure::main_state));
}

struct Rates {
  double power;
  double setpoints;
};

/// One minute of a ready unit under `control`; prints and returns how often things came.
Rates minute(World& world, const char* what) {
  world.run(5s);
  const Instant from = world.now;
  const auto writes = world.setpoint_writes.size();
  world.run(60s);
  const Rates rates{
      static_cast<double>(world.of(Point::inverter, Measure::power, from).size()) / 60.0,
      static_cast<double>(world.setpoint_writes.size() - writes) / 60.0};
  const auto gap = [&](Measure measure) {
    return Seconds{world.longest_gap(Point::inverter, measure, from)}.count();
  };
  std::printf("%s: power %.2f/s (longest gap %.2f s), setpoints %.2f/s, main state gap %.2f s\n",
              what, rates.power, gap(Measure::power), rates.setpoints, gap(Measure::main_state));
  EXPECT_LE(gap(Measure::main_state), 1.3);
  EXPECT_LE(gap(Measure::power), 1.5);
  EXPECT_LE(gap(Measure::alarms), 3.0);
  // None grows stale between two readings.
  Snapshot seen;
  for (const auto& sample : world.samples) {
    const auto& before = seen.raw(sample.channel.point, sample.channel.measure);
    if (before && sample.at >= from) {
      EXPECT_TRUE(fresh(before, sample.at))
          << name(sample.channel.measure) << " after " << Seconds{sample.at - before->at}.count();
    }
    seen.absorb(sample);
  }
  for (const auto slow : {Measure::dc_voltage, Measure::charge_state})
    EXPECT_TRUE(fresh(seen.raw(Point::inverter, slow), world.now)) << name(slow);
  EXPECT_EQ(world.driver->health().frames[FrameResult::timeout], 0u);
  return rates;
}

TEST(FakeMultiplusClosedLoop, ReadingsComeOftenEnoughUnderRestlessSetpoints) {
  for (const bool compat_only : {false, true}) {
    World world;
    if (compat_only) stays_compat(world);
    world.start();
    ASSERT_TRUE(world.run_until_ready());
    double watts = 0.0;
    world.control = [&](Instant t) {
      watts = watts > 1500.0 ? -1500.0 : watts + 37.0;
      return Setpoint{Watts{watts}, InverterMode::follow, t + 1s};
    };
    const auto rates = minute(world, compat_only ? "restless, compat" : "restless, long");
    EXPECT_GE(rates.power, 1.5);
    EXPECT_GE(rates.setpoints, 3.5);
  }
}

TEST(FakeMultiplusClosedLoop, SteadySetpointsLeaveTheWireToReadings) {
  World world;
  world.start();
  ASSERT_TRUE(world.run_until_ready());
  world.hold(-700.0);
  const auto rates = minute(world, "steady, long");
  EXPECT_GE(rates.power, 2.5);
  EXPECT_GE(rates.setpoints, 1.0);
  EXPECT_LE(rates.setpoints, 1.3);
}

TEST(FakeMultiplusClosedLoop, ANewSetpointIsSoonOnTheWireAndAcknowledged) {
  World world;
  world.start();
  ASSERT_TRUE(world.run_until_ready());
  world.run(5s);
  std::vector<double> written;
  std::vector<double> acknowledged;
  std::mt19937 random{5};
  double watts = -100.0;
  for (int i = 0; i < 100; ++i) {
    world.run(1ms * (300 + random() % 700));
    watts -= 15.0;
    const auto writes = world.setpoint_writes.size();
    const Instant told = world.now;
    world.give({Watts{watts}, InverterMode::follow, told + 1s});
    world.run(990ms);
    ASSERT_GT(world.setpoint_writes.size(), writes);
    const auto acks = world.of(Point::inverter, Measure::setpoint, told);
    ASSERT_FALSE(acks.empty());
    EXPECT_EQ(acks.front().value, watts);
    written.push_back(Seconds{world.setpoint_writes[writes] - told}.count() * 1000);
    acknowledged.push_back(Seconds{acks.front().at - told}.count() * 1000);
  }
  const auto report = [](const char* what, std::vector<double> v) {
    std::ranges::sort(v);
    double sum = 0.0;
    for (const double x : v) sum += x;
    std::printf("%s: mean %.0f ms, 90 %% within %.0f ms, all within %.0f ms\n", what,
                sum / static_cast<double>(v.size()), v[v.size() * 9 / 10], v.back());
    return sum / static_cast<double>(v.size());
  };
  EXPECT_LT(report("setpoint wholly on the wire after", written), 150.0);
  EXPECT_LT(report("setpoint acknowledged after", acknowledged), 220.0);
}

TEST(FakeMultiplusClosedLoop, LostFramesCostTimeOnly) {
  World world;
  std::mt19937 random{9};
  const auto lossy = [&](Bytes&) { return random() % 50 != 0; };
  world.to_device.pass = lossy;
  world.to_host.pass = lossy;
  world.start();
  ASSERT_TRUE(world.run_until_ready());
  world.hold(-700.0);
  const Instant from = world.now;
  world.run(60s);
  EXPECT_TRUE(world.driver->health().ready);
  EXPECT_EQ(world.count("inverter_silent"), 0);
  EXPECT_GT(world.driver->health().frames[FrameResult::timeout], 3u);
  EXPECT_LE(world.longest_gap(Point::inverter, Measure::power, from), 3s);
  EXPECT_EQ(world.command.setpoint, Watts{-700.0});
}

TEST(FakeMultiplusClosedLoop, DamagedBytesNeverBecomeReadings) {
  World world;
  std::mt19937 random{4};
  world.to_host.pass = [&](Bytes& bytes) {
    if (random() % 20 == 0)
      bytes[random() % bytes.size()] ^= static_cast<std::byte>(1u << (random() % 8));
    return true;
  };
  world.start();
  ASSERT_TRUE(world.run_until_ready(30s));
  world.hold(-700.0);
  world.run(3s);
  const Instant from = world.now;
  world.run(60s);
  EXPECT_GT(world.driver->health().frames[FrameResult::checksum], 10u);
  for (const auto& s : world.of(Point::inverter, Measure::power, from)) EXPECT_EQ(s.value, -700.0);
  for (const auto& s : world.of(Point::inverter, Measure::voltage, from)) EXPECT_EQ(s.value, 230.0);
}

TEST(FakeMultiplusClosedLoop, SilenceIsNoticedInThreeSecondsAndNothingOldIsReplayed) {
  World world;
  world.start();
  ASSERT_TRUE(world.run_until_ready());
  world.hold(-600.0);
  world.run(5s);
  world.truth.state = VebusState::down;  // the bus feeds the interface: both are gone
  const Instant gone = world.now;
  while (world.driver->health().ready && world.now < gone + 5s) world.run(10ms);
  EXPECT_LE(world.now - gone, 3s);
  EXPECT_EQ(world.driver->health().faults, FaultFlags{Fault::inverter_lost});
  // One last command, alive for an hour, before the inverter comes back; then the hub is quiet.
  world.control = nullptr;
  world.give({Watts{-2000.0}, InverterMode::follow, world.now + 1h});
  world.run(20s);
  const auto writes = world.command.setpoint_writes;
  world.truth.state = VebusState::passthru;
  ASSERT_TRUE(world.run_until_ready(30s));
  world.run(20s);
  EXPECT_EQ(world.command.setpoint_writes, writes);
  EXPECT_FALSE(world.command.setpoint);
  EXPECT_EQ(world.count("inverter_silent"), 1);
  EXPECT_EQ(world.count("inverter_back"), 1);
  world.hold(-300.0);
  world.run(2s);
  EXPECT_EQ(world.command.setpoint, Watts{-300.0});
}

TEST(FakeMultiplusClosedLoop, AResetInterfaceIsSeenInThreeSecondsAndSetUpAgain) {
  World world;
  world.start();
  ASSERT_TRUE(world.run_until_ready());
  world.hold(-600.0);
  world.run(5s);
  // Power of the bus fails for a moment too short to miss an answer.
  world.truth.state = VebusState::down;
  (void)world.device->on_timer(world.now);
  world.truth.state = VebusState::passthru;
  const Instant at = world.now;
  while (world.driver->health().ready && world.now < at + 5s) world.run(10ms);
  EXPECT_LE(world.now - at, 3s);
  EXPECT_TRUE(world.run_until_ready(10s));
  world.run(2s);
  EXPECT_EQ(world.newest(Point::inverter, Measure::power), -600.0);
}

/// What the hub puts on the wire.
std::vector<vebus::Message> messages_in(const std::vector<Bytes>& chunks) {
  std::vector<vebus::Message> messages;
  for (const auto& chunk : chunks) {
    mk3::Parser parser;
    FrameCounters counters;
    parser.push(chunk);
    while (const auto frame = parser.next(counters))
      messages.push_back(vebus::decode(*frame).value());
  }
  return messages;
}

std::optional<int> setpoint_in(const vebus::Message& message) {
  const auto* winmon = std::get_if<vebus::Winmon>(&message);
  if (winmon == nullptr || winmon->code != vebus::Code::write_by_id) return std::nullopt;
  return read_s16_le(winmon->data, 2);
}

/// A hub that has stood still, at different moments of the poll cycle.
class Stalled : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    world.start();
    ASSERT_TRUE(world.run_until_ready());
    world.hold(-600.0);
    world.run(5s + GetParam() * 17ms);
    ASSERT_EQ(world.command.setpoint, Watts{-600.0});
    world.to_device.pass = [this](Bytes& bytes) {
      sent.push_back(bytes);
      return true;
    };
  }
  [[nodiscard]] std::vector<int> words() const {
    std::vector<int> words;
    for (const auto& message : messages_in(sent))
      if (const auto word = setpoint_in(message)) words.push_back(*word);
    return words;
  }
  World world;
  std::vector<Bytes> sent;  ///< since the stall
};
INSTANTIATE_TEST_SUITE_P(InThePollCycle, Stalled, testing::Range(0, 20));

TEST_P(Stalled, TheFirstFrameIsTheSetpointOfRestAndThenTheHandshakeIsMadeAnew) {
  world.hold(0.0);
  world.stall(5s);
  const Instant resumed = world.now;
  sent.clear();
  while (world.driver->health().ready && world.now < resumed + 1s) world.run(1ms);
  EXPECT_LE(world.now - resumed, 400ms) << "setpoint and its answer";
  EXPECT_EQ(world.command.setpoint, Watts{0.0});
  EXPECT_EQ(world.count("stalled"), 1);
  world.run(50ms);
  const auto messages = messages_in(sent);
  ASSERT_GE(messages.size(), 2u);
  EXPECT_EQ(setpoint_in(messages[0]), 0);
  EXPECT_TRUE(std::holds_alternative<vebus::VersionRequest>(messages[1]));
  EXPECT_TRUE(world.run_until_ready(10s));
  world.hold(-300.0);
  world.run(2s);
  EXPECT_EQ(world.command.setpoint, Watts{-300.0});
  EXPECT_EQ(world.count("stalled"), 1);
}

TEST_P(Stalled, ASetpointFromBeforeIsNotWrittenEvenIfItIsStillValid) {
  world.control = nullptr;
  world.give({Watts{-700.0}, InverterMode::follow, world.now + 1h});
  world.stall(2s);
  sent.clear();
  world.run(400ms);
  EXPECT_TRUE(words().empty());
  world.hold(0.0);
  world.run(300ms);
  EXPECT_EQ(words(), std::vector<int>{0});
}

TEST_P(Stalled, WithoutASetpointTheHandshakeIsMadeAfterHalfASecond) {
  world.control = nullptr;
  world.stall(5s);
  const Instant resumed = world.now;
  sent.clear();
  while (sent.empty() && world.now < resumed + 2s) world.run(1ms);
  EXPECT_GE(world.now - resumed, 500ms);
  EXPECT_LE(world.now - resumed, 510ms);
  EXPECT_TRUE(std::holds_alternative<vebus::VersionRequest>(messages_in(sent).front()));
  EXPECT_TRUE(world.run_until_ready(10s));
  EXPECT_TRUE(words().empty());
}

TEST_P(Stalled, AnInterfaceThatWasResetMeanwhileIsSetUpAgain) {
  world.hold(0.0);
  world.stall(2s);
  world.truth.state = VebusState::down;
  (void)world.device->on_timer(world.now);
  world.truth.state = VebusState::passthru;
  world.stall(3s);
  sent.clear();
  const Instant resumed = world.now;
  while (world.driver->health().ready && world.now < resumed + 5s) world.run(1ms);
  EXPECT_LE(world.now - resumed, 3s);
  EXPECT_TRUE(world.run_until_ready(10s));
  world.run(2s);
  EXPECT_EQ(world.command.setpoint, Watts{0.0});
  for (const int word : words()) EXPECT_EQ(word, 0);
}

TEST_P(Stalled, UpToASecondIsNoStall) {
  world.stall(1s);
  world.run(2s);
  EXPECT_EQ(world.count("stalled"), 0);
  EXPECT_TRUE(world.driver->health().ready);
  EXPECT_EQ(world.command.setpoint, Watts{-600.0});
}

TEST(FakeMultiplusClosedLoop, AnInterfaceLeftAtHighSpeedIsBroughtBack) {
  World world{{.high_speed = true}};
  world.start();
  EXPECT_TRUE(world.run_until_ready(30s)) << world.driver->health().trouble;
}

TEST(FakeMultiplusClosedLoop, ExpiredAndReleasedSetpointsEndInPassthru) {
  World world{{.setpoint_timeout = 10s}};
  world.start();
  ASSERT_TRUE(world.run_until_ready());
  world.hold(-600.0);
  world.run(3s);
  world.control = nullptr;  // the hub's control has died
  const Instant died = world.now;
  world.run(2s);
  ASSERT_FALSE(world.setpoint_writes.empty());
  EXPECT_LE(world.setpoint_writes.back(), died + 1s);
  EXPECT_TRUE(world.command.setpoint);
  world.run(10s);
  EXPECT_FALSE(world.command.setpoint);
  EXPECT_EQ(world.newest(Point::inverter, Measure::main_state), 8.0);

  world.hold(500.0);
  world.run(2s);
  EXPECT_TRUE(world.command.setpoint);
  world.hold(500.0, InverterMode::release);
  world.run(12s);
  EXPECT_FALSE(world.command.setpoint);
  EXPECT_EQ(world.command.switch_state, SwitchPosition::on);
}

TEST(FakeMultiplusClosedLoop, SwitchedOffItStaysAwakeAndComesOnAgain) {
  World world;
  world.start();
  ASSERT_TRUE(world.run_until_ready());
  world.hold(0.0, InverterMode::off);
  world.run(2s);
  EXPECT_EQ(world.command.switch_state, SwitchPosition::off);
  EXPECT_EQ(world.newest(Point::inverter, Measure::main_state), 2.0);
  world.run(60s);
  EXPECT_TRUE(world.driver->health().ready);  // kept awake by the standby flag
  world.hold(-400.0);
  world.run(3s);
  EXPECT_EQ(world.command.switch_state, SwitchPosition::on);
  EXPECT_EQ(world.command.setpoint, Watts{-400.0});
}

/// The hub's process ended with the unit switched off at the cut-off, and a new one starts.
void restart_while_off(World& world) {
  world.start();
  ASSERT_TRUE(world.run_until_ready());
  world.hold(0.0, InverterMode::off);
  world.run(2s);
  ASSERT_EQ(world.command.switch_state, SwitchPosition::off);
  world.control = nullptr;
  world.driver = make_vebus_driver({});
  world.start();
  ASSERT_TRUE(world.run_until_ready());
}

TEST(FakeMultiplusClosedLoop, WhatAnEarlierRunSwitchedOffComesOnWithTheNextCommandToFollow) {
  World world;
  restart_while_off(world);
  world.hold(-400.0);
  world.run(15s);
  EXPECT_EQ(world.command.switch_state, SwitchPosition::on);
  EXPECT_EQ(world.count("inverter_switched"), 2);  // off and on
  world.run(3s);
  EXPECT_EQ(world.command.setpoint, Watts{-400.0});
  EXPECT_EQ(world.newest(Point::inverter, Measure::main_state), 9.0);
}

TEST(FakeMultiplusClosedLoop, WhatAnEarlierRunSwitchedOffStaysOffWithoutACommandToFollow) {
  World world;
  restart_while_off(world);
  world.run(15s);
  EXPECT_EQ(world.command.switch_state, SwitchPosition::off);
  world.hold(0.0, InverterMode::release);
  world.run(25s);
  EXPECT_EQ(world.command.switch_state, SwitchPosition::off);
}

TEST(FakeMultiplusClosedLoop, WhatAnEarlierRunSwitchedOffStaysOffInAPowerCut) {
  World world;
  restart_while_off(world);
  world.truth.mains_voltage = Volts{};
  world.truth.mains_frequency = Hertz{};
  world.hold(-400.0);
  world.run(40s);
  EXPECT_EQ(world.command.switch_state, SwitchPosition::off);
  world.truth.mains_voltage = Volts{230.0};
  world.truth.mains_frequency = Hertz{50.0};
  world.run(15s);
  EXPECT_EQ(world.command.switch_state, SwitchPosition::on);
}

TEST(FakeMultiplusClosedLoop, TheFrontSwitchIsNeverArguedWith) {
  World world{{.front_switch = false}};
  world.truth.state = VebusState::off;
  world.start();
  ASSERT_TRUE(world.run_until_ready());
  world.hold(-400.0);
  world.run(60s);
  EXPECT_EQ(world.newest(Point::inverter, Measure::main_state), 2.0);
  EXPECT_EQ(world.count("inverter_switched"), 0);
}

TEST(FakeMultiplusClosedLoop, SeveralUnitsAreRefusedWithAClearFault) {
  for (const auto& options : {FakeMultiplusOptions{.phases = 3}, FakeMultiplusOptions{.phases = 2},
                              FakeMultiplusOptions{.parallel = 2}}) {
    SCOPED_TRACE(testing::Message() << options.phases << options.parallel);
    World world{options};
    world.start();
    world.hold(-500.0);
    world.run(40s);
    EXPECT_FALSE(world.driver->health().ready);
    EXPECT_EQ(world.driver->health().faults, FaultFlags{Fault::inverter_lost});
    EXPECT_NE(world.driver->health().trouble.find("only a single unit is supported"),
              std::string::npos);
    EXPECT_EQ(world.count("inverter_unusable"), 1);
    EXPECT_EQ(world.command.setpoint_writes, 0u);
    EXPECT_TRUE(world.newest(Point::inverter, Measure::main_state));  // still watched
  }
}

TEST(FakeMultiplusClosedLoop, TruncatedRepliesToWHurtNothingBecauseItIsNotUsed) {
  World world{{.truncates_w = true}};
  world.start();
  ASSERT_TRUE(world.run_until_ready());
  world.hold(-500.0);
  world.run(10s);
  EXPECT_EQ(world.command.setpoint, Watts{-500.0});
  EXPECT_EQ(world.driver->health().frames[FrameResult::length], 0u);
}

TEST(FakeMultiplusClosedLoop, MainsLossIsSeenWithinASecond) {
  World world;
  world.start();
  ASSERT_TRUE(world.run_until_ready());
  world.hold(-600.0);
  world.run(5s);
  world.truth.mains_frequency = Hertz{0.0};
  world.truth.mains_voltage = Volts{0.0};
  world.truth.state = VebusState::invert_full;
  world.run(1100ms);
  EXPECT_EQ(world.newest(Point::inverter, Measure::main_state), 4.0);
  EXPECT_EQ(world.newest(Point::inverter, Measure::voltage), 0.0);
  const Instant from = world.now;
  world.run(5s);
  EXPECT_TRUE(world.of(Point::inverter, Measure::frequency, from).empty());
}

// ---- the device on its own ----------------------------------------------------------------------

/// Sends one message and returns what comes back within a second.
class Bench {
 public:
  explicit Bench(FakeMultiplusOptions options)
      : device_(make_fake_multiplus(truth, command, options)) {
    (void)device_->on_start(now);
  }
  InverterTruth truth;
  InverterCommand command;
  Instant now = Instant{} + 1h;

  std::vector<vebus::Message> ask(const vebus::Message& message, Duration wait = 900ms) {
    return run(device_->on_bytes(vebus::encode(message), now), wait);
  }
  std::vector<vebus::Message> idle(Duration wait) { return run(device_->on_timer(now), wait); }
  vebus::Winmon winmon(const vebus::Winmon& request) {
    const auto answers = ask(request);
    EXPECT_EQ(answers.size(), 1u);
    return answers.empty() ? vebus::Winmon{} : std::get<vebus::Winmon>(answers.front());
  }

 private:
  std::vector<vebus::Message> run(Step step, Duration wait) {
    const Instant until = now + wait;
    std::vector<vebus::Message> out;
    while (true) {
      for (const auto& bytes : step.send)
        if (const auto frame = mk3::decode(bytes)) out.push_back(vebus::decode(*frame).value());
      if (!step.wake_at || *step.wake_at > until) break;
      now = *step.wake_at;
      step = device_->on_timer(now);
    }
    now = until;
    return out;
  }
  std::unique_ptr<Device> device_;
};

TEST(FakeMultiplus, BroadcastsItsVersionWhenIdleWithTheModeByte) {
  Bench bench{{.chatter = false}};
  auto heard = bench.idle(3500ms);
  ASSERT_EQ(heard.size(), 3u);
  EXPECT_EQ(std::get<vebus::Version>(heard[0]).mode, 'B');
  bench.ask(vebus::Address{true, 0});
  heard = bench.idle(1500ms);
  ASSERT_FALSE(heard.empty());
  EXPECT_EQ(std::get<vebus::Version>(heard[0]).mode, 0);
  bench.ask(vebus::Reset{});
  heard = bench.idle(3s);
  ASSERT_FALSE(heard.empty());
  EXPECT_EQ(std::get<vebus::Version>(heard[0]).mode, 'B');
}

TEST(FakeMultiplus, CompatDialectTakesTheTwoStepWriteAndLongRefusesIt) {
  using vebus::Code;
  using vebus::Letter;
  for (const bool long_dialect : {false, true}) {
    Bench bench{{.long_dialect = long_dialect, .ess_layout = 1, .chatter = false}};
    bench.ask(vebus::Address{true, 0});
    const vebus::Winmon select{Letter::w, Code::select_ram, from_hex("8100").value()};
    const vebus::Winmon data{Letter::w, Code::write_data, from_hex("7201").value()};
    if (long_dialect) {
      EXPECT_EQ(bench.winmon(select).code, Code::unknown_command);
      EXPECT_EQ(bench.winmon(data).code, Code::unknown_command);
      EXPECT_FALSE(bench.command.setpoint);
    } else {
      EXPECT_TRUE(bench.ask(select).empty());
      const auto ack = bench.winmon(data);
      EXPECT_EQ(ack.code, Code::ram_written);
      EXPECT_EQ(to_hex(ack.data), "0000");
      EXPECT_EQ(bench.command.setpoint, Watts{-370.0});
    }
  }
}

TEST(FakeMultiplus, AnswersInTheDialectsForms) {
  using vebus::Code;
  using vebus::Letter;
  Bench compat{{.chatter = false}};
  compat.ask(vebus::Address{true, 0});
  EXPECT_EQ(to_hex(compat.winmon(vebus::ram_info(Letter::x, 0)).data), "9C7F8F0000");
  EXPECT_EQ(to_hex(compat.winmon(vebus::write_ram(Letter::x, 131, 5)).data), "0000");
  EXPECT_TRUE(vebus::decode_setting_info(compat.winmon(vebus::setting_info(Letter::x, 6))));
  EXPECT_FALSE(vebus::decode_setting_info(compat.winmon(vebus::setting_info(Letter::x, 99))));
  EXPECT_EQ(compat.winmon(vebus::firmware_low(Letter::x)).data.size(), 2u);

  Bench plain{{.long_dialect = true, .chatter = false}};
  plain.ask(vebus::Address{true, 0});
  EXPECT_EQ(to_hex(plain.winmon(vebus::ram_info(Letter::x, 0)).data), "9C7F0000");
  EXPECT_EQ(to_hex(plain.winmon(vebus::ram_info(Letter::x, 10)).data), "");
  EXPECT_EQ(to_hex(plain.winmon(vebus::write_ram(Letter::x, 131, 5)).data), "");
  EXPECT_TRUE(vebus::decode_setting_info(plain.winmon(vebus::setting_info(Letter::x, 6))));
  EXPECT_TRUE(vebus::decode_firmware(plain.winmon(vebus::firmware_low(Letter::x)))->whole);
}

TEST(FakeMultiplus, RefusesWhatItDoesNotKnow) {
  using vebus::Code;
  using vebus::Letter;
  Bench bench{{.chatter = false}};
  bench.ask(vebus::Address{true, 0});
  EXPECT_EQ(bench.winmon({Letter::x, static_cast<Code>(0x55), {}}).code, Code::unknown_command);
  EXPECT_EQ(bench.winmon(vebus::read_ram(Letter::x, {100, 0})).code, Code::ram_unsupported);
  EXPECT_EQ(bench.winmon(vebus::read_setting(Letter::x, 99)).code, Code::setting_unsupported);
  EXPECT_EQ(bench.winmon({Letter::x, Code::write_by_id, from_hex("010B0000").value()}).code,
            Code::access_denied);
  EXPECT_EQ(bench.winmon({Letter::x, Code::write_by_id, from_hex("03400100").value()}).code,
            Code::setting_written);
}

TEST(FakeMultiplus, ASnapshotIsFrozenAndReadOnce) {
  using vebus::Letter;
  Bench bench{{.chatter = false}};
  bench.ask(vebus::Address{true, 0});
  bench.truth.ac_in = Watts{-370.0};
  EXPECT_TRUE(bench.ask(vebus::SnapshotRequest{{15}}).empty());
  bench.truth.ac_in = Watts{100.0};
  const auto first = vebus::words(bench.winmon(vebus::read_snapshot(Letter::x))).value();
  EXPECT_EQ(first, std::vector<std::uint16_t>{370});
  EXPECT_TRUE(vebus::words(bench.winmon(vebus::read_snapshot(Letter::y)))->empty());
}

TEST(FakeMultiplus, TheSetpointDoesNotReadBackAndTimesOut) {
  using vebus::Letter;
  Bench bench{{.chatter = false}};
  bench.ask(vebus::Address{true, 0});
  bench.winmon(vebus::write_ram(Letter::x, 131, 370));
  EXPECT_EQ(bench.command.setpoint, Watts{-370.0});
  EXPECT_NE(vebus::words(bench.winmon(vebus::read_ram(Letter::x, {131, 0})))->front(), 370);
  bench.idle(12s);
  EXPECT_TRUE(bench.command.setpoint);
  bench.idle(3s);
  EXPECT_FALSE(bench.command.setpoint);
}

TEST(FakeMultiplus, AppendsLedsWhenAsked) {
  InverterTruth truth;
  InverterCommand command;
  const auto device = make_fake_multiplus(truth, command, {.chatter = false});
  const Instant now = Instant{} + 1h;
  (void)device->on_start(now);
  (void)device->on_bytes(vebus::encode(vebus::StateSet{.flags = 0x92, .ext0 = std::uint8_t{0}}),
                         now);
  const auto step = device->on_timer(now + 100ms);
  ASSERT_FALSE(step.send.empty());
  EXPECT_EQ(mk3::decode(step.send[0])->leds, (mk3::LedBytes{0x05, 0x00}));
}

TEST(FakeMultiplus, CutsRepliesToWWhereItIsToldSo) {
  Bench bench{{.truncates_w = true, .chatter = false}};
  bench.ask(vebus::Address{true, 0});
  bench.ask(vebus::StateSet{.flags = 0x90, .ext0 = std::uint8_t{0}});
  for (const auto letter : {vebus::Letter::w, vebus::Letter::x}) {
    const auto reply = bench.winmon(vebus::read_ram(letter, {14, 15, 16}));
    EXPECT_EQ(reply.data.size(), letter == vebus::Letter::w ? 4u : 6u);
  }
}

TEST(FakeMultiplus, OffWithoutStandbySleepsUntilMainsReturn) {
  Bench bench{{.chatter = false}};
  bench.ask(vebus::Address{true, 0});
  bench.ask(vebus::StateSet{.switch_state = 4, .ext0 = std::uint8_t{0}});
  EXPECT_EQ(bench.command.switch_state, SwitchPosition::off);
  EXPECT_TRUE(bench.ask(vebus::VersionRequest{}).empty());
  bench.truth.mains_frequency = Hertz{0.0};
  EXPECT_TRUE(bench.idle(2s).empty());
  bench.truth.mains_frequency = Hertz{50.0};
  bench.idle(2s);
  const auto heard = bench.ask(vebus::VersionRequest{});
  ASSERT_FALSE(heard.empty());
  EXPECT_EQ(std::get<vebus::Version>(heard[0]).mode, 'B');
}

TEST(FakeMultiplus, TheRawFramesSwitchItAndTheOneForSleepTakesTheInterfaceWithIt) {
  using Flags = vebus::HardwareFlags;
  Bench bench{{.chatter = false}};
  bench.ask(vebus::Address{true, 0});
  bench.ask(Flags{Flags::panel_detect | Flags::standby});
  const auto raw = [&](unsigned word) {
    vebus::Forwarded frame{0x3F, Bytes(4, std::byte{0})};
    frame.payload[0] = static_cast<std::byte>(word);
    EXPECT_TRUE(bench.ask(frame).empty()) << "there is no reply";
    return bench.command.switch_state;
  };
  // The captured wake frame (reference: vebus-mk3#3.5).
  EXPECT_EQ(to_hex(vebus::encode(vebus::Forwarded{0x3F, from_hex("07000000").value()})),
            "053F07000000C2");
  EXPECT_EQ(raw(5), SwitchPosition::charger_only);
  EXPECT_EQ(raw(6), SwitchPosition::inverter_only);
  EXPECT_EQ(raw(4), SwitchPosition::off);
  EXPECT_FALSE(bench.ask(vebus::VersionRequest{}).empty()) << "the standby line is held";
  EXPECT_EQ(raw(7), SwitchPosition::on);
  EXPECT_EQ(raw(1), SwitchPosition::on) << "another housekeeping frame is no switch";

  bench.ask(Flags{Flags::panel_detect});
  EXPECT_EQ(raw(4), SwitchPosition::off);
  EXPECT_TRUE(bench.ask(vebus::VersionRequest{}).empty()) << "asleep";
  EXPECT_EQ(raw(7), SwitchPosition::off) << "nobody is there to hear it";
}

TEST(FakeMultiplus, Ram13IsTheChargeInHalfPercents) {
  Bench bench{{.chatter = false}};
  bench.ask(vebus::Address{true, 0});
  for (const auto& [percent, raw] : {std::pair{100.0, 200}, {62.5, 125}, {0.0, 0}}) {
    bench.truth.soc_percent = percent;
    EXPECT_EQ(vebus::words(bench.winmon(vebus::read_ram(vebus::Letter::x, {13, 0})))->front(), raw);
  }
}

TEST(FakeMultiplus, RandomBytesNeverCrashIt) {
  InverterTruth truth;
  InverterCommand command;
  const auto device = make_fake_multiplus(truth, command, {});
  std::mt19937 random{2};
  const auto draw = [&](unsigned n) { return static_cast<unsigned>(random()) % n; };
  Instant now = Instant{} + 1h;
  (void)device->on_start(now);
  (void)device->on_bytes(vebus::encode(vebus::Address{true, 0}), now);
  for (int i = 0; i < 5000; ++i) {
    mk3::Frame frame{mk3::type_interface, {}, {}};
    put_u8(frame.payload, static_cast<unsigned>(std::string_view{"VALFSHXYZXYZ"}[draw(12)]));
    put_u8(frame.payload, draw(0x40));
    for (unsigned n = draw(9); n > 0; --n) put_u8(frame.payload, draw(256));
    now += 1ms * draw(200);
    (void)device->on_bytes(mk3::encode(frame), now);
    (void)device->on_timer(now);
  }
  EXPECT_GT(device->health().frames[FrameResult::ok], 4000u);
}

}  // namespace
}  // namespace esshub::sim
