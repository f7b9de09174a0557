#include "protocol/pylontech/can_driver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "model/view.hpp"
#include "protocol/pylontech/can_frame.hpp"
#include "protocol/pylontech/can_messages.hpp"
#include "protocol/pylontech/slcan.hpp"

namespace esshub::protocol {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Instant t0{1000s};

std::string text(const Bytes& bytes) {
  std::string out;
  for (const auto b : bytes) out.push_back(static_cast<char>(u8(b)));
  return out;
}

/// One burst of 2 x US2000 (reference: pylontech-can#2).
const std::vector<std::string> burst{"359#0000000002504E", "351#1402F401F401C201",
                                     "355#58006400",       "356#E213E001D200",
                                     "35C#C000",           "35E#50594C4F4E202020"};
const std::vector<std::string> burst_13{"351#1402F401F401C201", "355#580064000000",
                                        "356#E213E001D200", "35A#AAAAAAAAAAAAAAAA",
                                        "35F#4C4901033C02AA00"};

/// Of the events whose level does not hang on what they tell.
const std::map<std::string_view, Level> levels{
    {"battery_found", Level::notice}, {"bms_back", Level::notice},
    {"bms_silent", Level::warning},   {"bms_implausible", Level::error},
    {"bms_requests", Level::notice},  {"bms_value_dropped", Level::warning},
    {"can_error", Level::error},      {"can_recovered", Level::notice},
    {"can_trouble", Level::warning},  {"channel_reopened", Level::warning},
    {"soc_jump", Level::warning},     {"other_controller", Level::warning}};

/// A driver and the time; every step's outcome is collected.
class Bench {
 public:
  explicit Bench(CanFraming framing) : Bench(PylontechConfig{.framing = framing}) {}
  explicit Bench(const PylontechConfig& config)
      : framing_(config.framing), driver_(make_pylontech_driver(config)) {}

  void start() { take(driver_->on_start(now)); }
  void feed(const std::vector<std::string>& frames) {
    for (const auto& line : frames) {
      const CanFrame frame = parse_candump(line).value();
      give(framing_ == CanFraming::slcan ? encode_slcan(frame) : encode_record(frame));
    }
  }
  void answer(std::string_view bytes) { give(to_bytes(bytes)); }
  void give(const Bytes& bytes) { take(driver_->on_bytes(bytes, now)); }
  void down() { driver_->on_down(now); }

  /// Fires every wake-up on its way to `end`.
  void run_until(Instant end) {
    while (wake && *wake <= end) {
      ASSERT_GE(*wake, now) << "a wake-up in the past";
      now = *wake;
      const Instant due = *std::exchange(wake, std::nullopt);
      take(driver_->on_timer(now));
      ASSERT_TRUE(!wake || *wake > due) << "no progress";
    }
    now = end;
  }
  void run_for(Duration duration) { run_until(now + duration); }
  /// `count` bursts, one a second.
  void bursts(const std::vector<std::string>& frames, int count) {
    for (int i = 0; i < count; ++i) {
      feed(frames);
      run_for(1s);
    }
  }

  [[nodiscard]] const DriverHealth& health() const { return driver_->health(); }
  [[nodiscard]] std::uint64_t count(FrameResult result) const { return health().frames[result]; }
  [[nodiscard]] int told(std::string_view name) const {
    return static_cast<int>(std::count_if(events.begin(), events.end(),
                                          [&](const Event& event) { return event.name == name; }));
  }
  [[nodiscard]] std::string detail(std::string_view name) const {
    for (auto it = events.rbegin(); it != events.rend(); ++it)
      if (it->name == name) return it->detail;
    return "(not told)";
  }

  Instant now = t0;
  std::optional<Instant> wake;
  std::vector<std::pair<Instant, std::string>> sent;
  std::vector<Event> events;
  std::vector<Sample> samples;
  Snapshot snapshot;
  int reopens = 0;

 private:
  void take(Step step) {
    if (step.wake_at) wake = step.wake_at;
    if (step.reopen) ++reopens;
    for (const auto& bytes : step.send)
      sent.emplace_back(now, framing_ == CanFraming::slcan
                                 ? text(bytes)
                                 : to_text(decode_record(bytes).value()) + "\r");
    for (auto& event : step.events) {
      const auto level = levels.find(event.name);
      if (level != levels.end()) {
        EXPECT_EQ(event.level, level->second) << event.name;
      }
      events.push_back(std::move(event));
    }
    for (const auto& sample : step.samples) {
      snapshot.absorb(sample);
      samples.push_back(sample);
    }
  }

  CanFraming framing_;
  std::unique_ptr<Driver> driver_;
};

struct Socket : Bench {
  Socket() : Bench(CanFraming::socketcan) { start(); }
};
/// An adapter that answered its opening.
struct Adapter : Bench {
  Adapter() : Bench(CanFraming::slcan) {
    start();
    answer("\a");  // C on a closed channel
    answer("\r");
    answer("\r");
  }
};

struct ListeningSocket : Bench {
  ListeningSocket() : Bench({.framing = CanFraming::socketcan, .listen_only = true}) { start(); }
};
struct ListeningAdapter : Bench {
  ListeningAdapter() : Bench({.framing = CanFraming::slcan, .listen_only = true}) { start(); }
};

std::vector<std::string> lines(const Bench& bench) {
  std::vector<std::string> out;
  for (const auto& [at, line] : bench.sent) out.push_back(line);
  return out;
}

// ---- keep-alive --------------------------------------------------------------------------------

TEST(PylontechKeepAlive, GoesOutAtOnceAndEverySecondThoughTheBatteryIsSilent) {
  Socket bench;
  bench.run_for(10s);
  ASSERT_EQ(bench.sent.size(), 11u);
  for (std::size_t i = 0; i < bench.sent.size(); ++i) {
    EXPECT_EQ(bench.sent[i].second, "305#0000000000000000\r");
    EXPECT_EQ(bench.sent[i].first, t0 + i * 1s) << "absolute schedule";
  }
}

TEST(PylontechKeepAlive, MissedOnesAreNotMadeUpForAndDoNotShiftTheSchedule) {
  Socket bench;
  bench.sent.clear();
  bench.now = t0 + 4300ms;  // the timer came late
  bench.give({});
  ASSERT_EQ(bench.sent.size(), 1u);
  bench.run_until(t0 + 5s);
  ASSERT_EQ(bench.sent.size(), 2u);
  EXPECT_EQ(bench.sent[1].first, t0 + 5s);
}

TEST(PylontechKeepAlive, FirstOneFollowsTheOpeningOfTheChannel) {
  Adapter bench;
  EXPECT_THAT(lines(bench), ElementsAre("\rC\r", "S6\r", "O\r", "t30580000000000000000\r"));
  bench.run_until(t0 + 1s);
  EXPECT_EQ(bench.sent.back().first, t0 + 1s);
  EXPECT_EQ(bench.sent.size(), 5u);
}

TEST(PylontechKeepAlive, AnAdapterWithoutAnswersIsOpenAfter300Milliseconds) {
  Bench bench(CanFraming::slcan);
  bench.start();
  bench.run_for(400ms);
  EXPECT_THAT(lines(bench), ElementsAre("\rC\r", "S6\r", "O\r", "t30580000000000000000\r"));
  EXPECT_EQ(bench.sent.back().first, t0 + 300ms);
}

TEST(PylontechKeepAlive, StopsWhenTheLineIsDown) {
  Socket bench;
  bench.down();
  bench.sent.clear();
  bench.run_for(5s);
  EXPECT_THAT(bench.sent, IsEmpty());
  EXPECT_FALSE(bench.health().ready);
  EXPECT_NE(bench.health().trouble, "");
}

// ---- readings ----------------------------------------------------------------------------------

TEST(PylontechDriver, ABurstBecomesSamplesStampedByArrival) {
  Socket bench;
  bench.run_for(700ms);
  bench.feed(burst);
  EXPECT_TRUE(bench.health().ready);
  EXPECT_EQ(bench.health().trouble, "");
  EXPECT_EQ(bench.count(FrameResult::ok), 6u);
  EXPECT_EQ(bench.snapshot.soc()->value, 88.0_soc);
  EXPECT_EQ(bench.snapshot.get<Amperes>(Point::battery, Measure::current)->value, 48.0_A);
  EXPECT_EQ(bench.snapshot.bits(Point::battery, Measure::requests)->value, 3u);
  for (const auto& sample : bench.samples) {
    EXPECT_EQ(sample.at, t0 + 700ms);
    EXPECT_EQ(sample.channel.point, Point::battery);
    EXPECT_NE(sample.channel.measure, Measure::power) << "control multiplies, not the driver";
  }
}

/// Safety contract I10: what a dead BMS said is not published as current past its age.
TEST(PylontechDriver, NothingIsCurrentThreeSecondsAfterTheLastBurst) {
  View view;
  {
    Socket bench;
    bench.feed(burst_13);  // tells the capacity
    bench.bursts(burst, 1);
    bench.run_for(2s);
    view.snapshot = bench.snapshot;
    view.now = bench.now;
  }
  constexpr std::array told{Measure::soc,         Measure::soh,      Measure::voltage,
                            Measure::current,     Measure::cvl,      Measure::ccl,
                            Measure::dcl,         Measure::requests, Measure::temperature,
                            Measure::protections, Measure::warnings, Measure::modules,
                            Measure::capacity};
  for (const auto measure : told)
    EXPECT_TRUE(view.current(Point::battery, measure)) << name(measure);
  view.now += 1ns;
  for (const auto measure : enum_values<Measure>)
    EXPECT_FALSE(view.current(Point::battery, measure)) << name(measure);
}

TEST(PylontechDriver, SlcanAndSocketCanGiveTheSame) {
  Socket socket;
  Adapter adapter;
  socket.feed(burst);
  adapter.feed(burst);
  ASSERT_EQ(socket.samples.size(), adapter.samples.size());
  for (std::size_t i = 0; i < socket.samples.size(); ++i) {
    EXPECT_EQ(socket.samples[i].channel, adapter.samples[i].channel);
    EXPECT_EQ(socket.samples[i].value, adapter.samples[i].value);
  }
}

TEST(PylontechDriver, TheTimeOfTheFramesBothWaysIsCounted) {
  constexpr auto frame = [](int bytes) { return (47 + 8 * bytes) * 2us; };  // at 500 kbit/s
  Socket bench;
  EXPECT_EQ(bench.health().wire_busy, frame(8)) << "our own 0x305";
  bench.feed(burst);
  EXPECT_EQ(bench.health().wire_busy, 3 * frame(8) + frame(7) + frame(6) + frame(4) + frame(2));
  Adapter adapter;
  adapter.feed(burst);
  EXPECT_EQ(adapter.health().wire_busy, bench.health().wire_busy);
}

/// reference: pylontech-can#2.5: bit 1 of byte 0 is a protection, bit 2 of byte 2 a warning.
TEST(PylontechDriver, ProtectionsAndWarningsStandApart) {
  Socket bench;
  bench.feed({"359#0200040002504E"});
  EXPECT_EQ(bench.snapshot.bits(Point::battery, Measure::protections)->value,
            bit(BmsFlag::high_voltage));
  EXPECT_EQ(bench.snapshot.bits(Point::battery, Measure::warnings)->value,
            bit(BmsFlag::low_voltage));
}

TEST(PylontechDriver, WakesWhenTheOldestNeededFrameBecomesOldOrTheSilenceIsToBeTold) {
  ListeningSocket bench;
  EXPECT_EQ(bench.wake, t0 + PylontechConfig{}.silence_limit);
  bench.feed({burst[0]});
  bench.run_for(1s);
  bench.feed(burst_13);
  ASSERT_TRUE(bench.health().ready);
  EXPECT_EQ(bench.wake, bench.now + 3s) << "the alarms came again";
  bench.run_for(500ms);
  bench.feed({burst[1]});
  EXPECT_EQ(bench.wake, bench.now + 2500ms) << "the others did not";
}

TEST(PylontechDriver, Profile13IsReadyWithoutRequests) {
  Socket bench;
  bench.feed(burst_13);
  EXPECT_TRUE(bench.health().ready);
  EXPECT_FALSE(bench.snapshot.bits(Point::battery, Measure::requests)) << "absent, not zero";
  EXPECT_EQ(bench.snapshot.bits(Point::battery, Measure::protections)->value, 0u);
}

TEST(PylontechDriver, IsReadyOnlyWithAllFourAndNamesTheMissing) {
  const std::pair<std::size_t, const char*> rows[] = {{0, "0x359/0x35A (alarms)"},
                                                      {1, "0x351 (limits)"},
                                                      {2, "0x355 (state)"},
                                                      {3, "0x356 (measurement)"}};
  for (const auto& [left_out, missing] : rows) {
    Socket bench;
    auto frames = burst;
    frames.erase(frames.begin() + static_cast<long>(left_out));
    bench.feed(frames);
    EXPECT_FALSE(bench.health().ready) << missing;
    EXPECT_EQ(bench.health().trouble, std::string("missing from the battery: ") + missing);
  }
}

TEST(PylontechDriver, EachFrameHasItsOwnAgeOfThreeSeconds) {
  Socket bench;
  bench.bursts(burst, 3);  // now 1 s after the third
  auto without_state = burst;
  without_state.erase(without_state.begin() + 2);
  bench.feed(without_state);
  bench.run_for(1s);
  bench.feed(without_state);
  bench.run_for(1s - 1ms);
  EXPECT_TRUE(bench.health().ready) << "2.999 s";
  bench.run_for(1ms);
  EXPECT_FALSE(bench.health().ready) << "3 s, found by the driver's own wake-up";
  EXPECT_EQ(bench.health().trouble, "missing from the battery: 0x355 (state)");
}

TEST(PylontechDriver, AValueThatCannotBeIsAFaultWithItsNameAtOnceAndNoSilence) {
  Socket bench;
  bench.bursts(burst, 2);
  ASSERT_TRUE(bench.health().ready);
  auto frames = burst;
  frames[3] = "356#FF7F00004A01";
  for (int i = 0; i < 4; ++i) {
    bench.feed(frames);
    EXPECT_TRUE(bench.health().faults.active(Fault::bms_implausible));
    EXPECT_FALSE(bench.health().ready);
    EXPECT_EQ(bench.health().trouble,
              "the battery sends what cannot be: 0x356 voltage of 327.67, accepted 40 to 60 V");
    bench.run_for(1s);
  }
  EXPECT_EQ(bench.count(FrameResult::content), 4u);
  EXPECT_EQ(bench.snapshot.get<Volts>(Point::battery, Measure::voltage)->value, 50.9_V);
  EXPECT_EQ(bench.told("bms_silent"), 0);
  EXPECT_EQ(bench.told("bms_implausible"), 1) << "not each second";
  bench.feed(burst);
  EXPECT_TRUE(bench.health().ready);
  EXPECT_FALSE(bench.health().faults.any());
  EXPECT_EQ(bench.health().trouble, "");
}

TEST(PylontechDriver, AValueForDisplayIsDroppedAloneAndNamedOnce) {
  Socket bench;
  bench.bursts(burst, 2);
  auto frames = burst;
  frames[3] = "356#E213000052F4";  // -299.0 degC
  for (int i = 0; i < 3; ++i) {
    bench.feed(frames);
    bench.run_for(1s);
  }
  EXPECT_TRUE(bench.health().ready);
  EXPECT_FALSE(bench.health().faults.any());
  EXPECT_EQ(bench.told("bms_value_dropped"), 1);
}

TEST(PylontechDriver, WhatCannotBeAndIsThenSilentIsMissing) {
  Socket bench;
  bench.bursts(burst, 2);
  auto frames = burst;
  frames[2] = "355#82006400";
  bench.feed(frames);
  frames.erase(frames.begin() + 2);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(bench.health().faults.active(Fault::bms_implausible));
    bench.run_for(1s);
    bench.feed(frames);
  }
  EXPECT_FALSE(bench.health().faults.any());
  EXPECT_EQ(bench.health().trouble, "missing from the battery: 0x355 (state)");
}

TEST(PylontechDriver, TheModuleCountBoundsTheCurrents) {
  Socket bench;
  bench.feed({"359#0000000002504E", "356#7013A10F0000"});  // 400.1 A from two modules
  EXPECT_EQ(bench.count(FrameResult::content), 1u);
}

TEST(PylontechDriver, ShortForeignAndUnknownFramesAreCountedApart) {
  Socket bench;
  bench.feed({"355#1A00"});               // too short
  bench.feed({"356#E213E001"});           // usable, without temperature
  bench.feed({"00000351#1402F401F401"});  // 29 bits
  bench.feed({"351#R8"});                 // remote request
  bench.feed({"123#00"});
  EXPECT_EQ(bench.count(FrameResult::length), 2u);
  EXPECT_EQ(bench.count(FrameResult::unknown), 3u);
  EXPECT_EQ(bench.samples.size(), 2u);
  bench.give(Bytes(17));
  EXPECT_EQ(bench.count(FrameResult::length), 3u) << "half a record";
}

TEST(PylontechDriver, RefusedCommandsAndBrokenLinesAreCounted) {
  Adapter bench;
  EXPECT_EQ(bench.count(FrameResult::exception), 0u) << "C on a closed channel is no failure";
  bench.answer("t355458006\rgarbage\r\a");
  EXPECT_EQ(bench.count(FrameResult::length), 1u);
  EXPECT_EQ(bench.count(FrameResult::unknown), 1u);
  EXPECT_EQ(bench.count(FrameResult::exception), 1u);
}

TEST(PylontechDriver, ARefusedSpeedOrOpenIsCounted) {
  Bench bench{CanFraming::slcan};
  bench.start();
  bench.answer("\a");  // C
  EXPECT_EQ(bench.count(FrameResult::exception), 0u);
  bench.answer("\a");  // S6
  bench.answer("\a");  // O
  EXPECT_EQ(bench.count(FrameResult::exception), 2u);
}

TEST(PylontechDriver, BothAlarmFramesCountAndNeitherClearsTheOther) {
  Socket bench;
  bench.feed(burst);
  bench.feed({"35A#0400000000000000"});  // high voltage
  bench.feed({"359#0000000002504E"});
  const auto high = static_cast<std::uint32_t>(BmsFlag::high_voltage);
  EXPECT_EQ(bench.snapshot.bits(Point::battery, Measure::protections)->value, high);
  bench.feed({"35A#0800000000000000"});
  EXPECT_EQ(bench.snapshot.bits(Point::battery, Measure::protections)->value, 0u);
}

TEST(PylontechDriver, FramesAreReadWhileTheChannelIsStillBeingOpened) {
  Bench bench(CanFraming::slcan);
  bench.start();
  bench.feed(burst);  // left open by a crash
  EXPECT_TRUE(bench.health().ready);
  EXPECT_EQ(bench.sent.size(), 1u) << "a frame is no answer";
}

// ---- events ------------------------------------------------------------------------------------

TEST(PylontechEvents, BatteryIsFoundOnceWithItsMaker) {
  Socket bench;
  bench.bursts(burst, 3);
  EXPECT_EQ(bench.told("battery_found"), 1);
  EXPECT_EQ(bench.detail("battery_found"), "maker=\"PYLON\" modules=2");
}

TEST(PylontechEvents, BatteryWithoutMakerIsFoundWithTheSecondBurst) {
  Socket bench;
  bench.feed(burst_13);
  EXPECT_EQ(bench.told("battery_found"), 0);
  bench.run_for(1s);
  bench.feed(burst_13);
  EXPECT_EQ(bench.detail("battery_found"), "maker=\"\" modules=unknown");
}

TEST(PylontechEvents, EveryChangeOfAlarmsAndRequestsIsToldWithItsBytes) {
  Socket bench;
  bench.bursts(burst, 3);
  EXPECT_EQ(bench.told("bms_alarms"), 1) << "from unknown to known";
  EXPECT_EQ(bench.told("bms_requests"), 1);
  bench.feed({"359#0200040002504E", "35C#4000"});
  EXPECT_EQ(bench.detail("bms_alarms"),
            "raw=359#0200040002504E was=0000000002504E protections=high_voltage "
            "warnings=low_voltage");
  EXPECT_EQ(bench.detail("bms_requests"), "raw=35C#4000 was=C000 requests=discharge_enable");
  bench.feed({"359#0200040002504E", "35C#4000"});
  EXPECT_EQ(bench.told("bms_alarms"), 2);
  EXPECT_EQ(bench.told("bms_requests"), 2);
  bench.feed({"35A#AAAAAAAAAAAAAAAA"});
  EXPECT_EQ(bench.told("bms_alarms"), 3) << "0x35A has its own memory";
}

TEST(PylontechEvents, ProtectionIsAWarningItsEndANotice) {
  Socket bench;
  bench.feed({"359#0200000002504E"});
  EXPECT_EQ(bench.events.back().level, Level::warning);
  bench.feed({"359#0000000002504E"});
  EXPECT_EQ(bench.events.back().level, Level::notice);
}

TEST(PylontechEvents, SocJumpOfMoreThanFivePercentIsToldAndTheNewValueUsed) {
  Socket bench;
  bench.feed({"355#1E006400"});
  bench.feed({"355#19006400"});  // 5 %
  EXPECT_EQ(bench.told("soc_jump"), 0);
  bench.feed({"355#00006400"});
  EXPECT_EQ(bench.detail("soc_jump"), "from=25 to=0");
  EXPECT_EQ(bench.snapshot.soc()->value, 0.0_soc);
}

TEST(PylontechDriver, OnlyWhatTheAdaptersTextSaysMustBeSaidTwice) {
  Adapter text;
  text.bursts({"351#140274000E01CC01", "355#1A006400"}, 2);  // CVL 53.2 V, CCL 11.6 A, DCL 27 A
  text.feed({"351#1402E8030E01CC01", "355#5F006400"});       // CCL 100 A, SOC 95 %
  EXPECT_EQ(text.snapshot.raw(Point::battery, Measure::ccl)->value, 11.6);
  EXPECT_EQ(text.snapshot.soc()->value, 26.0_soc);
  text.feed({"351#140200000E01CC01", "355#00006400"});
  EXPECT_EQ(text.snapshot.raw(Point::battery, Measure::ccl)->value, 0.0);
  EXPECT_EQ(text.snapshot.soc()->value, 0.0_soc);

  Socket socket;
  socket.bursts({"351#140274000E01CC01"}, 2);
  socket.feed({"351#1402E8030E01CC01"});
  EXPECT_EQ(socket.snapshot.raw(Point::battery, Measure::ccl)->value, 100.0)
      << "a CAN frame has a checksum";
}

TEST(PylontechEvents, SilenceAndReturnAreToldOnceEach) {
  Socket bench;
  bench.bursts(burst, 2);
  bench.run_for(60s);
  EXPECT_FALSE(bench.health().ready);
  EXPECT_EQ(bench.told("bms_silent"), 1);
  EXPECT_THAT(bench.detail("bms_silent"), HasSubstr("0x351 (limits)"));
  bench.bursts(burst, 5);
  EXPECT_EQ(bench.told("bms_back"), 1);
  EXPECT_EQ(bench.told("battery_found"), 1);
  EXPECT_TRUE(bench.health().ready);
}

TEST(PylontechEvents, ABatteryThatNeverSpokeIsToldAfterFiveSeconds) {
  Socket bench;
  bench.run_for(5s - 1ms);
  EXPECT_EQ(bench.told("bms_silent"), 0);
  bench.run_for(60s);
  EXPECT_EQ(bench.told("bms_silent"), 1);
  EXPECT_THAT(bench.health().trouble, HasSubstr("nothing from the battery"));
  bench.bursts(burst, 2);
  EXPECT_EQ(bench.told("battery_found"), 1);
  EXPECT_EQ(bench.told("bms_back"), 0) << "it was never here before";
}

TEST(PylontechEvents, ASecondControllerOnTheBusIsTold) {
  Socket bench;
  bench.feed({"305#0000000000000000", "305#0000000000000000"});
  EXPECT_EQ(bench.told("other_controller"), 1);
  EXPECT_EQ(bench.detail("other_controller"), "id=305");
  EXPECT_EQ(bench.events.back().level, Level::warning);
  bench.down();
  bench.start();
  bench.feed({"305#0000000000000000"});
  EXPECT_EQ(bench.told("other_controller"), 2) << "of this line";
}

// ---- trouble on the bus ------------------------------------------------------------------------

TEST(PylontechBusErrors, FirstHundredthAndRecoveryAreTold) {
  Socket bench;
  bench.feed(burst);
  bench.feed({"20000040#0000000000000000"});
  EXPECT_EQ(bench.detail("can_error"), "errors=\"bus-off\" count=1");
  for (int i = 0; i < 98; ++i) bench.feed({"20000020#0000000000000000"});
  EXPECT_EQ(bench.told("can_error"), 1);
  bench.feed({"20000020#0000000000000000"});
  EXPECT_EQ(bench.detail("can_error"), "errors=\"no acknowledgement\" count=100");
  EXPECT_EQ(bench.count(FrameResult::exception), 100u);
  bench.bursts(burst, 5);
  EXPECT_EQ(bench.told("can_recovered"), 0) << "not before 5 s without one";
  bench.bursts(burst, 2);
  EXPECT_EQ(bench.told("can_recovered"), 1);
  EXPECT_EQ(bench.detail("can_recovered"), "errors=100");
}

TEST(PylontechBusErrors, AreNoSignOfLifeOfTheBattery) {
  Socket bench;
  bench.feed(burst);
  for (int i = 0; i < 4; ++i) {
    bench.run_for(1s);
    bench.feed({"20000020#0000000000000000"});
  }
  EXPECT_FALSE(bench.health().ready);
}

TEST(PylontechChannel, FiveSecondsOfSilenceOpenItAgain) {
  Adapter bench;
  bench.feed(burst);
  bench.sent.clear();
  bench.run_until(t0 + 5s - 1ms);
  EXPECT_EQ(bench.told("channel_reopened"), 0);
  bench.sent.clear();
  bench.run_until(t0 + 5500ms);
  EXPECT_THAT(lines(bench), ElementsAre("\rC\r", "S6\r", "O\r", "t30580000000000000000\r"));
  EXPECT_EQ(bench.told("channel_reopened"), 1);
}

TEST(PylontechChannel, AfterThreeOpeningsInVainTheLineIsOpenedAgain) {
  Adapter bench;
  bench.run_until(t0 + 20s - 1ms);
  EXPECT_EQ(bench.reopens, 0);
  bench.run_until(t0 + 60s);
  EXPECT_EQ(bench.reopens, 1) << "asked once, done by the owner of the line";
  bench.down();
  bench.start();
  bench.run_for(25s);
  EXPECT_EQ(bench.reopens, 2);
}

TEST(PylontechChannel, ReopeningIsToldFirstAndEveryHundredthTime) {
  Adapter bench;
  bench.run_for(5s * 101);
  EXPECT_EQ(bench.told("channel_reopened"), 2);
  EXPECT_EQ(bench.detail("channel_reopened"), "count=100");
  bench.feed(burst);
  bench.run_for(6s);
  EXPECT_EQ(bench.told("channel_reopened"), 3) << "a new episode";
  EXPECT_EQ(bench.detail("channel_reopened"), "count=1");
}

TEST(PylontechChannel, FramesOfOthersShowThatItIsOpen) {
  Adapter bench;
  for (int i = 0; i < 20; ++i) {
    bench.feed({"123#00"});
    bench.run_for(1s);
  }
  EXPECT_EQ(bench.told("channel_reopened"), 0);
  EXPECT_FALSE(bench.health().ready);
}

TEST(PylontechChannel, SocketCanHasNoChannelToOpen) {
  Socket bench;
  bench.run_for(60s);
  EXPECT_EQ(bench.told("channel_reopened"), 0);
  EXPECT_EQ(bench.reopens, 0);
}

// ---- listening only ----------------------------------------------------------------------------

TEST(PylontechListenOnly, SocketCanNeverSends) {
  ListeningSocket bench;
  bench.bursts(burst, 5);
  EXPECT_TRUE(bench.health().ready);
  EXPECT_EQ(bench.snapshot.soc()->value, 88.0_soc);
  bench.run_for(60s);
  bench.feed({"20000020#0000000000000000"});
  bench.run_for(60s);
  EXPECT_THAT(bench.sent, IsEmpty());
  EXPECT_EQ(bench.told("bms_silent"), 1) << "its own wake-ups go on";
}

TEST(PylontechListenOnly, SlcanOpensWithLAndSendsNoFrame) {
  ListeningAdapter bench;
  bench.answer("\a\r\r");
  bench.bursts(burst, 5);
  EXPECT_TRUE(bench.health().ready);
  EXPECT_THAT(lines(bench), ElementsAre("\rC\r", "S6\r", "L\r"));
  bench.run_for(60s);  // silence: asked and opened again and again
  for (const auto& line : lines(bench)) {
    EXPECT_NE(line.front(), 't') << line;
    EXPECT_NE(line.front(), 'O') << line;
  }
  EXPECT_GT(bench.told("channel_reopened"), 0);
}

TEST(PylontechListenOnly, AnAdapterThatCannotIsNotOpenedNormally) {
  ListeningAdapter bench;
  bench.answer("\a\r\a");
  EXPECT_THAT(lines(bench), ElementsAre("\rC\r", "S6\r", "L\r"));
  EXPECT_THAT(bench.health().trouble, HasSubstr("does it know L"));
  EXPECT_EQ(bench.told("can_trouble"), 1);
}

TEST(PylontechListenOnly, TheOtherControllerIsNoWarning) {
  ListeningSocket bench;
  bench.feed({"305#0000000000000000"});
  EXPECT_EQ(bench.told("other_controller"), 0);
}

TEST(PylontechListenOnly, AFrameThatNobodyAcknowledgesIsTroubleAndClearsWithTheNext) {
  ListeningSocket bench;
  for (int i = 0; i < 200; ++i) {
    bench.feed({"359#0000000002504E"});
    bench.run_for(1ms);
  }
  EXPECT_THAT(bench.health().trouble, HasSubstr("nobody acknowledges it"));
  EXPECT_EQ(bench.told("can_trouble"), 1);
  bench.feed({"351#1402F401F401C201"});
  EXPECT_EQ(bench.health().trouble, "missing from the battery: 0x355 (state),0x356 (measurement)");
}

TEST(PylontechListenOnly, TheSameFrameEverySecondIsNoRepetition) {
  ListeningSocket bench;
  for (int i = 0; i < 200; ++i) {
    bench.feed({"359#0000000002504E"});
    bench.run_for(1500ms);  // a stack that waits for 0x305
  }
  EXPECT_EQ(bench.told("can_trouble"), 0);
}

TEST(PylontechListenOnly, SilenceAsksForTheInverter) {
  ListeningSocket bench;
  EXPECT_THAT(bench.health().trouble, HasSubstr("only listening"));
}

// ---- alone on the bus --------------------------------------------------------------------------

TEST(PylontechAlone, MissingAcknowledgementsAreToldPlainlyUntilABatteryIsHeard) {
  for (const auto* error : {"20000020#0000000000000000", "20000004#0020000000000000"}) {
    Socket bench;
    for (int i = 0; i < 10; ++i) {
      bench.feed({error});
      bench.run_for(1s);
    }
    EXPECT_THAT(bench.health().trouble, HasSubstr("nobody acknowledges our frames")) << error;
    EXPECT_EQ(bench.told("can_trouble"), 1);
    EXPECT_THAT(bench.detail("can_trouble"), HasSubstr("nobody acknowledges our frames"));
    bench.feed({"355#58006400"});
    EXPECT_THAT(bench.health().trouble, HasSubstr("missing from the battery"));
  }
}

TEST(PylontechAlone, ABusThatComesAndGoesIsNotToldEachTime) {
  Socket bench;
  for (int i = 0; i < 100; ++i) {
    bench.feed({"20000020#0000000000000000"});
    bench.feed(burst);
    bench.run_for(1s);
  }
  EXPECT_EQ(bench.told("can_trouble"), 1);
  bench.bursts(burst, 5);
  bench.feed({"20000020#0000000000000000"});
  EXPECT_EQ(bench.told("can_trouble"), 2) << "a new episode";
}

TEST(PylontechAlone, BusOffIsNamedAndARestartEndsIt) {
  Socket bench;
  bench.feed({"20000040#0000000000000000"});
  EXPECT_THAT(bench.health().trouble, HasSubstr("bus-off"));
  bench.feed({"20000100#0000000000000000"});
  EXPECT_THAT(bench.health().trouble, HasSubstr("nothing from the battery"));
}

TEST(PylontechAlone, FramesThatTheAdapterRefusesMeanAFullQueue) {
  Adapter bench;
  bench.answer("\a");
  EXPECT_THAT(bench.health().trouble, HasSubstr("nothing from the battery")) << "one may be late";
  bench.run_for(1s);
  bench.answer("z\r");
  bench.run_for(1s);
  bench.answer("\a");
  EXPECT_THAT(bench.health().trouble, HasSubstr("nothing from the battery")) << "not in a row";
  bench.run_for(1s);
  bench.answer("\a");
  EXPECT_THAT(bench.health().trouble, HasSubstr("nobody acknowledges our frames"));
}

TEST(PylontechAlone, AnAdapterIsAskedForItsStatusOnceInEachSilence) {
  Adapter bench;
  bench.run_until(t0 + 5s - 1ms);
  EXPECT_EQ(std::ranges::count(lines(bench), "F\r"), 1);
  bench.answer("F24\r");
  EXPECT_THAT(bench.health().trouble, HasSubstr("F24 (LAWICEL: error warning, error passive)"));
  EXPECT_EQ(bench.told("can_trouble"), 1);
  bench.run_until(t0 + 11s);
  EXPECT_EQ(std::ranges::count(lines(bench), "F\r"), 2);
  bench.answer("F24\r");
  EXPECT_EQ(bench.told("can_trouble"), 1);
}

TEST(PylontechAlone, AnAdapterWithoutErrorsOrStatusIsNotBlamed) {
  for (const auto* answer : {"F00\r", "\a", ""}) {
    Adapter bench;
    bench.run_until(t0 + 4500ms);
    bench.answer(answer);
    EXPECT_EQ(bench.told("can_trouble"), 0) << answer;
    EXPECT_THAT(bench.health().trouble, HasSubstr("nothing from the battery"));
  }
}

TEST(PylontechAlone, ABatteryThatTalksIsNotAskedOfItsAdapter) {
  Adapter bench;
  bench.bursts(burst, 20);
  EXPECT_EQ(std::ranges::count(lines(bench), "F\r"), 0);
}

// ---- limits and texts --------------------------------------------------------------------------

TEST(PylontechEvents, ASocJumpBeginsOverFivePercentInEitherDirection) {
  Socket bench;
  const auto soc = [&](const char* frame) {
    bench.feed({frame});
    return bench.told("soc_jump");
  };
  EXPECT_EQ(soc("355#32006400"), 0);
  EXPECT_EQ(soc("355#37006400"), 0) << "50 to 55";
  EXPECT_EQ(soc("355#3D006400"), 1) << "55 to 61";
  EXPECT_EQ(bench.detail("soc_jump"), "from=55 to=61");
  EXPECT_EQ(soc("355#38006400"), 1) << "61 to 56";
  EXPECT_EQ(soc("355#32006400"), 2) << "56 to 50";
}

TEST(PylontechListenOnly, TwentyRepetitionsInQuickSuccessionAreAFrameWithoutEnd) {
  for (const bool quick : {true, false}) {
    ListeningSocket bench;
    bench.bursts(burst, 2);
    const auto again = [&] {
      bench.run_for(quick ? 100ms - 1ns : 100ms);
      bench.feed({"359#0000000002504E"});
    };
    bench.feed({"359#0000000002504E"});
    for (int i = 0; i < 19; ++i) again();
    EXPECT_EQ(bench.told("can_trouble"), 0);
    again();
    EXPECT_EQ(bench.told("can_trouble"), quick ? 1 : 0);
    if (!quick) continue;
    EXPECT_EQ(bench.detail("can_trouble"),
              "reason=\"the battery repeats one frame without end, nobody acknowledges it: the "
              "inverter that controls it must be on the bus, or listen_only must be off\"");
    again();
    EXPECT_EQ(bench.told("can_trouble"), 1);
  }
}

TEST(PylontechDriver, TroubleSaysWhatIsKnown) {
  Socket silent;
  EXPECT_FALSE(silent.health().ready);
  EXPECT_EQ(silent.health().trouble,
            "nothing from the battery: is it on, wired, and both ends terminated at 500 kbit/s?");
  ListeningSocket listening;
  EXPECT_EQ(listening.health().trouble,
            "nothing heard while only listening: is the inverter on that wakes the battery, the "
            "cable whole and the bit rate 500 kbit/s?");
  Bench opening(CanFraming::slcan);
  opening.start();
  EXPECT_EQ(opening.health().trouble, "opening the adapter's channel");
  Socket partly;
  partly.feed({"351#1402F401F401C201"});
  EXPECT_EQ(partly.health().trouble,
            "missing from the battery: 0x355 (state),0x356 (measurement),0x359/0x35A (alarms)");
  partly.feed({"355#58006400", "356#E213E001D200", "359#0000000002504E", "35E#50594C4F4E202020"});
  EXPECT_TRUE(partly.health().ready);
  EXPECT_EQ(partly.health().trouble, "");
  partly.run_for(3s - 1ns);
  EXPECT_TRUE(partly.health().ready);
  partly.run_for(1ns);
  EXPECT_FALSE(partly.health().ready);
  EXPECT_EQ(partly.detail("bms_silent"),
            "missing=\"0x351 (limits),0x355 (state),0x356 (measurement),0x359/0x35A (alarms)\"");
  partly.down();
  EXPECT_EQ(partly.health().trouble, "the line is down");
  Socket off;
  off.feed({"20000040#0000000000000000"});
  EXPECT_EQ(off.health().trouble,
            "the CAN controller is bus-off: is the bit rate 500 kbit/s and the cable whole? "
            "Without restart-ms it stays off");
  EXPECT_EQ(off.detail("can_error"), "errors=\"bus-off\" count=1");
}

TEST(PylontechEvents, AlarmsAndRequestsAreToldInFull) {
  Socket bench;
  bench.feed({"359#0200080002504E"});
  EXPECT_EQ(bench.events.back().level, Level::warning);
  EXPECT_EQ(bench.detail("bms_alarms"),
            "raw=359#0200080002504E was= protections=high_voltage warnings=high_temperature");
  bench.feed({"359#0000080002504E"});
  EXPECT_EQ(bench.events.back().level, Level::notice) << "a warning alone";
  EXPECT_EQ(bench.detail("bms_alarms"),
            "raw=359#0000080002504E was=0200080002504E protections= warnings=high_temperature");
  bench.feed({"35C#C800"});
  EXPECT_EQ(bench.events.back().level, Level::notice);
  EXPECT_EQ(bench.detail("bms_requests"),
            "raw=35C#C800 was= requests=charge_enable,discharge_enable,full_charge");
  const auto events = bench.events.size();
  bench.feed({"35C#C800", "359#0000080002504E"});
  EXPECT_EQ(bench.events.size(), events) << "as before";
  bench.feed({"35A#AAAAAAAAAAAAAAAA"});
  EXPECT_EQ(bench.detail("bms_alarms").substr(0, 29), "raw=35A#AAAAAAAAAAAAAAAA was=") << "its own";
}

TEST(PylontechKeepAlive, ItsPeriodAndTheSilenceAreConfigured) {
  Bench bench({.framing = CanFraming::slcan, .keep_alive = 400ms, .silence_limit = 10s});
  bench.start();
  bench.answer("\a");
  bench.answer("\r");
  bench.answer("\r");
  bench.sent.clear();
  bench.run_until(t0 + 8s - 1ms);
  EXPECT_EQ(bench.sent.size(), 19u) << "every 400 ms";
  bench.run_until(t0 + 8s);
  EXPECT_THAT(lines(bench), testing::Contains("F\r")) << "asked a fifth before the end";
  EXPECT_THAT(lines(bench), testing::Not(testing::Contains("\rC\r")));
  bench.run_until(t0 + 10s);
  EXPECT_THAT(lines(bench), testing::Contains("\rC\r"));
  EXPECT_EQ(bench.told("channel_reopened"), 1);
  EXPECT_EQ(bench.detail("channel_reopened"), "count=1");
}

TEST(PylontechBusErrors, ARecoveryNeedsAnErrorFreeSilenceLimit) {
  Socket bench;
  bench.feed({"20000002#0000000000000000"});
  EXPECT_EQ(bench.count(FrameResult::exception), 1u);
  bench.run_for(5s - 1ns);
  bench.feed(burst);
  EXPECT_EQ(bench.told("can_recovered"), 0);
  bench.run_for(1ns);
  bench.feed(burst);
  EXPECT_EQ(bench.told("can_recovered"), 1);
  EXPECT_EQ(bench.detail("can_recovered"), "errors=1");
  bench.feed(burst);
  EXPECT_EQ(bench.told("can_recovered"), 1);
  bench.feed({"20000002#0000000000000000"});
  EXPECT_EQ(bench.detail("can_error"), "errors=\"lost arbitration\" count=1") << "counted anew";
}

TEST(PylontechDriver, AlarmsOfTheOtherProfileCountForThreeSeconds) {
  for (const bool old : {false, true}) {
    Socket bench;
    bench.feed({"359#0200020002504E"});
    bench.run_for(old ? 3s + 1ns : Duration{3s});
    bench.samples.clear();
    bench.feed({"35A#AAAAAAAAAAAAAAAA"});
    const double flag = old ? 0.0 : static_cast<double>(bit(BmsFlag::high_voltage));
    EXPECT_EQ(bench.samples.at(0).value, flag) << "protections";
    EXPECT_EQ(bench.samples.at(1).value, flag) << "warnings";
  }
}

TEST(PylontechDriver, ForgetsTheBatteryWhenTheLineWasLost) {
  Adapter bench;
  bench.feed(burst);
  bench.answer("t3518");  // cut in half
  bench.down();
  EXPECT_FALSE(bench.health().ready);
  bench.run_for(1s);
  bench.start();
  EXPECT_FALSE(bench.health().ready);
  EXPECT_EQ(bench.health().trouble, "opening the adapter's channel");
  bench.feed(burst);
  EXPECT_TRUE(bench.health().ready);
  EXPECT_EQ(bench.count(FrameResult::length), 0u) << "the half line went with the old life";
}

TEST(PylontechDriver, BytesAfterTheLineIsDownAreIgnored) {
  Socket bench;
  bench.down();
  bench.feed(burst);
  EXPECT_THAT(bench.samples, IsEmpty());
}

TEST(PylontechDriver, AnyBytesAreSurvivedAndWakeUpsGoOn) {
  std::mt19937 random(4);
  for (const auto framing : {CanFraming::slcan, CanFraming::socketcan}) {
    Bench bench(framing);
    bench.start();
    const std::string alphabet = "tTrR0123456789ABCDEF35z\r\r\a";
    for (int i = 0; i < 2000; ++i) {
      Bytes bytes;
      for (auto n = random() % 48; n > 0; --n) {
        const auto any = static_cast<std::uint8_t>(random());
        put_u8(bytes, framing == CanFraming::slcan && any < 250
                          ? static_cast<std::uint8_t>(alphabet[any % alphabet.size()])
                          : any);
      }
      bench.give(bytes);
      bench.run_for(std::chrono::milliseconds(random() % 400));
      if (testing::Test::HasFatalFailure()) return;
      ASSERT_TRUE(bench.wake);
    }
    EXPECT_FALSE(bench.health().ready);
  }
}

// ---- exact instants, and what a reopening forgets ----------------------------------------------

/// reference: pylontech-can#7: three openings in vain, and with the fourth the line itself.
TEST(PylontechChannel, TheLineIsOpenedAgainWithTheFourthOpeningAndCountsFromTheLastFrame) {
  Adapter bench;
  bench.run_until(t0 + 20s - 1ns);
  EXPECT_EQ(bench.reopens, 0);
  bench.run_until(t0 + 20s);
  EXPECT_EQ(bench.reopens, 1);
  bench.down();
  bench.start();  // all of it anew
  bench.run_until(t0 + 40s - 1ns);
  EXPECT_EQ(bench.reopens, 1);
  bench.run_until(t0 + 40s);
  EXPECT_EQ(bench.reopens, 2);

  Adapter heard;
  heard.run_until(t0 + 16s);  // three in vain
  heard.feed({"123#00"});
  heard.run_until(t0 + 36s - 1ns);
  EXPECT_EQ(heard.reopens, 0);
  heard.run_until(t0 + 36s);
  EXPECT_EQ(heard.reopens, 1);
}

TEST(PylontechChannel, AnotherControllerDoesNotKeepTheLineFromBeingOpenedAgain) {
  Adapter bench;
  bench.feed({"305#0000000000000000"});
  bench.run_for(30s);
  EXPECT_EQ(bench.told("other_controller"), 1);
  EXPECT_EQ(bench.reopens, 1);
}

TEST(PylontechChannel, IsNotOpenedAgainWhileItIsBeingOpened) {
  Bench bench({.framing = CanFraming::slcan, .silence_limit = 200ms});
  bench.start();
  bench.run_until(t0 + 300ms - 1ns);
  EXPECT_THAT(lines(bench), ElementsAre("\rC\r", "S6\r", "O\r"));
}

/// Only an accepted or refused command is an answer to the opening.
TEST(PylontechChannel, WhatIsNoAnswerToACommandDoesNotOpenIt) {
  Bench bench(CanFraming::slcan);
  bench.start();
  bench.answer("z\rV1013\rNE550\rF00\r");
  EXPECT_THAT(lines(bench), ElementsAre("\rC\r"));
}

TEST(PylontechAlone, TheAdapterIsAskedAFifthBeforeTheEndOfEachSilence) {
  ListeningAdapter bench;
  bench.answer("\a\r\r");
  const auto asked = [&] { return std::ranges::count(lines(bench), "F\r"); };
  EXPECT_EQ(bench.wake, t0 + 4s);
  bench.run_until(t0 + 4s - 1ns);
  EXPECT_EQ(asked(), 0);
  bench.run_until(t0 + 4s);
  EXPECT_EQ(asked(), 1);
  EXPECT_EQ(bench.wake, t0 + 5s);
  bench.feed({"123#00"});
  EXPECT_EQ(bench.wake, t0 + 5s) << "silence since the start is to be told";
  bench.run_until(t0 + 8s - 1ns);
  EXPECT_EQ(asked(), 1);
  bench.run_until(t0 + 8s);
  EXPECT_EQ(asked(), 2) << "another silence";
  bench.down();
  bench.start();
  bench.answer("\a\r\r");
  bench.run_until(t0 + 12s);
  EXPECT_EQ(asked(), 3) << "of another line";
}

TEST(PylontechAlone, TwoRefusedInARowAreAFullQueueAndWhatIsBetweenBreaksTheRow) {
  const auto blamed_after = [](std::initializer_list<const char*> answers) {
    Bench bench(CanFraming::slcan);
    bench.start();
    bench.run_for(300ms);  // open without an answer
    for (const auto* answer : answers) bench.answer(answer);
    return bench.told("can_trouble") > 0;
  };
  EXPECT_FALSE(blamed_after({"\a"}));
  EXPECT_TRUE(blamed_after({"\a", "\a"}));
  EXPECT_TRUE(blamed_after({"\a", "V1013\r", "\a"})) << "says nothing of the queue";
  EXPECT_FALSE(blamed_after({"\a", "\r", "\a"}));
  EXPECT_FALSE(blamed_after({"\a", "z\r", "\a"}));
  EXPECT_FALSE(blamed_after({"\a", "t123100\r", "\a"})) << "a frame was heard";
  EXPECT_TRUE(blamed_after({"\a", "t123100\r", "\a", "\a"}));

  Bench anew(CanFraming::slcan);
  anew.start();
  anew.run_for(300ms);
  anew.answer("\a");
  anew.down();
  anew.start();
  anew.run_for(300ms);
  anew.answer("\a");
  EXPECT_EQ(anew.told("can_trouble"), 0) << "of another line";
  anew.answer("\a");
  EXPECT_EQ(anew.told("can_trouble"), 1);

  Bench opening(CanFraming::slcan);
  opening.start();
  opening.answer("\a\a");  // C and S6
  opening.run_for(100ms);  // O is not answered
  opening.answer("\a");
  EXPECT_EQ(opening.told("can_trouble"), 0) << "S6 was none of our frames";

  Adapter asked;
  asked.run_until(t0 + 4500ms);
  asked.answer("\a\a");  // F is not known
  EXPECT_EQ(asked.told("can_trouble"), 0);
}

TEST(PylontechAlone, TheReasonsAreToldInFull) {
  Adapter adapter;
  adapter.answer("F24\r");
  EXPECT_EQ(adapter.detail("can_trouble"),
            "reason=\"the adapter reports F24 (LAWICEL: error warning, error passive): does nobody "
            "acknowledge our frames?\"");
  ListeningAdapter listening;
  listening.answer("\a\r\r");
  listening.answer("F24\r");
  EXPECT_EQ(listening.detail("can_trouble"),
            "reason=\"the adapter reports F24 (LAWICEL: error warning, error passive)\"");
  Bench refused(CanFraming::slcan);
  refused.start();
  refused.answer("\a\r\a");
  EXPECT_EQ(refused.detail("can_trouble"), "reason=\"the adapter refuses to open its channel\"");
}

TEST(PylontechAlone, TroubleIsNewsAgainAfterTheSilenceLimit) {
  for (const bool later : {false, true}) {
    Socket bench;
    bench.feed({"20000020#0000000000000000", "355#58006400"});
    bench.run_for(later ? 5s : 5s - 1ns);
    bench.feed({"20000020#0000000000000000"});
    EXPECT_EQ(bench.told("can_trouble"), later ? 2 : 1);
  }
}

TEST(PylontechListenOnly, WhatIsRepeatedWithoutEndIsBlamedOnce) {
  ListeningSocket bench;
  const auto repeat = [&](int times) {
    for (int i = 0; i < times; ++i) {
      bench.run_for(50ms);
      bench.feed({"359#0000000002504E"});
    }
  };
  repeat(21 + 120);
  EXPECT_EQ(bench.told("can_trouble"), 1);
  bench.feed({"351#1402F401F401C201"});
  repeat(21);
  EXPECT_EQ(bench.told("can_trouble"), 2) << "more than the silence limit after the first";

  ListeningSocket anew;
  for (int i = 0; i < 20; ++i) anew.feed({"359#0000000002504E"});
  anew.down();
  anew.start();
  for (int i = 0; i < 20; ++i) anew.feed({"359#0000000002504E"});
  EXPECT_EQ(anew.told("can_trouble"), 0) << "counted on each line by itself";
  anew.feed({"359#0000000002504E"});
  EXPECT_EQ(anew.told("can_trouble"), 1);

  Socket sending;
  for (int i = 0; i < 50; ++i) sending.feed({"359#0000000002504E"});
  EXPECT_EQ(sending.told("can_trouble"), 0) << "we acknowledge it ourselves";
}

TEST(PylontechDriver, AReopenedLineIsBelievedAndServedAnew) {
  Adapter text;
  text.bursts({"355#1A006400"}, 2);
  text.down();
  text.start();
  text.samples.clear();
  text.feed({"355#5F006400"});
  ASSERT_FALSE(text.samples.empty());
  EXPECT_EQ(text.samples.front().value, 95.0) << "no jump from another life";

  Socket socket;
  socket.run_for(300ms);
  socket.feed({"20000040#0000000000000000"});
  socket.down();
  socket.start();
  ASSERT_EQ(socket.sent.size(), 2u);
  EXPECT_EQ(socket.sent[1].first, t0 + 300ms) << "0x305 at once";
  EXPECT_THAT(socket.health().trouble, HasSubstr("nothing from the battery"));
  socket.run_until(t0 + 1300ms);
  ASSERT_EQ(socket.sent.size(), 3u);
  EXPECT_EQ(socket.sent[2].first, t0 + 1300ms);
}

TEST(PylontechDriver, ARecordThatCannotBeIsCountedAndTheNextOneRead) {
  Socket bench;
  Bytes records = encode_record(parse_candump("355#58006400").value());
  records[4] = std::byte{9};
  const Bytes good = encode_record(parse_candump("355#58006400").value());
  records.insert(records.end(), good.begin(), good.end());
  bench.give(records);
  EXPECT_EQ(bench.count(FrameResult::content), 1u);
  EXPECT_EQ(bench.count(FrameResult::ok), 1u);
  EXPECT_EQ(bench.samples.size(), 2u);
}

TEST(PylontechDriver, WhatCannotBeIsToldWithEveryFieldAndFrame) {
  Socket bench;
  bench.feed({burst[0], "351#00020000F4FF", burst[2], "356#FF7F00004A01", burst[4], burst[5]});
  EXPECT_EQ(bench.detail("bms_implausible"),
            "id=0x356 reason=\"voltage of 327.67, accepted 40 to 60 V\"");
  EXPECT_EQ(bench.health().trouble,
            "the battery sends what cannot be: 0x356 voltage of 327.67, accepted 40 to 60 V");
  bench.feed({"351#E803FF7FF401"});
  EXPECT_EQ(bench.detail("bms_implausible"),
            "id=0x351 reason=\"charge voltage limit of 100.00, accepted 48 to 56 V of 15 cells; "
            "charge current limit of 3276.70, accepted -400 to 400 A\"");
  EXPECT_EQ(bench.health().trouble,
            "the battery sends what cannot be: 0x351 charge voltage limit of 100.00, accepted 48 "
            "to 56 V of 15 cells; charge current limit of 3276.70, accepted -400 to 400 A; 0x356 "
            "voltage of "
            "327.67, accepted 40 to 60 V");
  EXPECT_EQ(bench.told("battery_found"), 0) << "not while it is not believed";
  bench.bursts(burst, 2);
  EXPECT_EQ(bench.told("battery_found"), 1);
}

TEST(PylontechDriver, TheModuleCountStaysWhereTheOtherAlarmFrameHasNone) {
  Socket bench;
  bench.feed({"359#0000000002504E", "35A#AAAAAAAAAAAAAAAA", "356#7013A10F0000"});
  EXPECT_EQ(bench.count(FrameResult::content), 1u) << "400.1 A from two modules";
}

TEST(PylontechDriver, BothAlarmFramesAddUp) {
  for (const bool pairs_last : {false, true}) {
    Socket bench;
    // 0x359: protection high voltage, warning low voltage; 0x35A: high temperature, and in the
    // second half high voltage.
    std::vector<std::string> frames{"359#0200040002504E", "35A#4000000004000000"};
    if (!pairs_last) std::swap(frames[0], frames[1]);
    bench.feed(frames);
    const auto own = std::get<pylontech::Alarms>(
        pylontech::decode(parse_candump("35A#4000000004000000").value()).value());
    ASSERT_NE(own.protections, own.warnings);
    EXPECT_EQ(bench.snapshot.bits(Point::battery, Measure::protections)->value,
              own.protections | bit(BmsFlag::high_voltage));
    EXPECT_EQ(bench.snapshot.bits(Point::battery, Measure::warnings)->value,
              own.warnings | bit(BmsFlag::low_voltage));
  }
}

TEST(PylontechEvents, EachOfTheThreeFramesHasItsOwnMemory) {
  Socket bench;
  for (int i = 0; i < 3; ++i)
    bench.feed({"359#0000000002504E", "35A#AAAAAAAAAAAAAAAA", "35C#C000"});
  EXPECT_EQ(bench.told("bms_alarms"), 2);
  EXPECT_EQ(bench.told("bms_requests"), 1);
}

/// The clock of a computer begins with 0 when it is switched on.
TEST(PylontechDriver, NothingWasHeardBeforeTheFirstFrameHoweverYoungTheClockIs) {
  Bench bench(CanFraming::socketcan);
  bench.now = Instant{} + 1s;
  bench.start();
  bench.feed({burst[1]});
  EXPECT_FALSE(bench.health().ready);
  EXPECT_EQ(bench.health().trouble,
            "missing from the battery: 0x355 (state),0x356 (measurement),0x359/0x35A (alarms)");
}

TEST(PylontechDriver, IsSetForAnAdapterOfText) {
  const PylontechConfig config;
  EXPECT_EQ(config.framing, CanFraming::slcan);
  EXPECT_EQ(config.keep_alive, 1s);
  EXPECT_EQ(config.silence_limit, 5s);
  EXPECT_FALSE(config.listen_only);
}

TEST(PylontechDriverDeathTest, AKeepAliveWithoutAPeriodIsAMistake) {
  EXPECT_DEBUG_DEATH((void)make_pylontech_driver({.keep_alive = 0s}), "keep_alive");
}

}  // namespace
}  // namespace esshub::protocol
