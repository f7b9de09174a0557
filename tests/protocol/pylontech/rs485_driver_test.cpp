#include "protocol/pylontech/rs485_driver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <set>

#include "model/view.hpp"
#include "protocol/pylontech/rs485_messages.hpp"

namespace esshub::protocol {
namespace {

using namespace pylontech_rs485;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Instant t0{1000s};

Module module_at(double lowest_cell, double coldest) {
  Module module;
  module.cells.assign(15, Volts{lowest_cell + 0.01});
  module.cells[4] = Volts{lowest_cell};
  module.temperatures.assign(5, Celsius{coldest + 1.0});
  module.temperatures[0] = Celsius{40.0};
  module.temperatures[2] = Celsius{coldest};
  module.current = Amperes{-2.5};
  module.voltage = Volts{49.5};
  module.remaining_ah = 25.0;
  module.total_ah = 50.0;
  return module;
}

ModuleAlarms all_clear() {
  ModuleAlarms alarms;
  alarms.cells.assign(15, AlarmLevel::ok);
  alarms.temperatures.assign(5, AlarmLevel::ok);
  alarms.status[1] = 0x0E;
  return alarms;
}

/// A driver, an invented clock, and two modules that answer 30 ms after each request.
class Bench {
 public:
  explicit Bench(PylontechRs485Config config = {.modules = 2})
      : driver(make_pylontech_rs485_driver(config)) {
    modules[2] = module_at(3.30, 20.0);
    modules[3] = module_at(3.28, 22.0);
    alarms[2] = alarms[3] = all_clear();
    take(driver->on_start(now));
  }

  /// Lets time pass until the driver asks something; nothing if it does not before `end`.
  std::optional<Rs485Request> next_request(Instant end) {
    while (sent.empty() && wake && *wake <= end) {
      now = std::max(now, *wake);
      const Instant due = *std::exchange(wake, std::nullopt);
      take(driver->on_timer(now));
      if (wake && *wake <= due) {
        ADD_FAILURE() << "no progress";
        return std::nullopt;
      }
    }
    if (sent.empty()) {
      now = end;
      return std::nullopt;
    }
    EXPECT_EQ(sent.size(), 1u) << "one request in flight";
    frame = sent.front();
    sent.clear();
    const auto request = request_of(decode_frame(frame).value()).value();
    asked.emplace_back(now, request);
    return request;
  }
  Rs485Request next_request() { return next_request(now + 60s).value(); }

  [[nodiscard]] Bytes answer_to(const Rs485Request& request) const {
    if (request.command == CommandCode::analog)
      return encode_response(request, Analog{0, {modules.at(request.address)}});
    return encode_response(request, pylontech_rs485::AlarmInfo{0, {alarms.at(request.address)}});
  }

  void hear(const Bytes& bytes, Duration after = 30ms) {
    now += after;
    take(driver->on_bytes(bytes, now));
  }

  /// Answers everything that is asked until `span` has passed.
  void run(Duration span) {
    for (const Instant end = now + span; now < end;) {
      const auto request = next_request(end);
      if (request && !dead.contains(request->address) && !deaf_to.contains(request->command))
        hear(answer_to(*request));
    }
  }

  [[nodiscard]] std::optional<double> value(Point point, Measure measure) const {
    const auto& reading = snapshot.raw(point, measure);
    return reading ? std::optional(reading->value) : std::nullopt;
  }
  [[nodiscard]] std::size_t count(Point point, Measure measure) const {
    return static_cast<std::size_t>(std::ranges::count_if(samples, [&](const Sample& sample) {
      return sample.channel == Channel{point, measure};
    }));
  }
  [[nodiscard]] std::size_t told(std::string_view name) const {
    return static_cast<std::size_t>(std::ranges::count(events, name, &Event::name));
  }
  [[nodiscard]] std::string detail(std::string_view name) const {
    for (auto it = events.rbegin(); it != events.rend(); ++it)
      if (it->name == name) return it->detail;
    return "(not told)";
  }
  [[nodiscard]] std::optional<Level> level(std::string_view name) const {
    const auto event = std::ranges::find(events, name, &Event::name);
    return event == events.end() ? std::nullopt : std::optional(event->level);
  }
  /// Noise comes every 100 ms; how long until the driver asks something all the same.
  Duration babble() {
    const Instant begin = now;
    sent.clear();
    while (sent.empty() && now < begin + 10s) {
      if (wake && *wake <= now) take(driver->on_timer(now));
      if (sent.empty()) hear(to_bytes("x"), 100ms);
    }
    return now - begin;
  }
  [[nodiscard]] std::uint64_t frames(FrameResult result) const {
    return driver->health().frames[result];
  }
  [[nodiscard]] const DriverHealth& health() const { return driver->health(); }

  void take(const Step& step) {
    sent.insert(sent.end(), step.send.begin(), step.send.end());
    events.insert(events.end(), step.events.begin(), step.events.end());
    for (const auto& sample : step.samples) {
      samples.push_back(sample);
      snapshot.absorb(sample);
    }
    if (!step.wake_at) return;
    EXPECT_GT(*step.wake_at, now) << "a wake-up in the past";
    wake = step.wake_at;
  }

  std::unique_ptr<Driver> driver;
  Instant now = t0;
  std::optional<Instant> wake;
  std::vector<Bytes> sent;
  Bytes frame;  // the last one
  std::vector<std::pair<Instant, Rs485Request>> asked;
  std::vector<Sample> samples;
  std::vector<Event> events;
  Snapshot snapshot;
  std::map<std::uint8_t, Module> modules;
  std::map<std::uint8_t, ModuleAlarms> alarms;
  std::set<std::uint8_t> dead;
  std::set<CommandCode> deaf_to;
};

// ---- asking ------------------------------------------------------------------------------------

TEST(Rs485Sweep, AsksEachModuleForItsCellsThenItsAlarms) {
  Bench bench;
  bench.run(4s);
  std::vector<Rs485Request> asked;
  for (const auto& [at, request] : bench.asked) asked.push_back(request);
  EXPECT_THAT(
      asked,
      ElementsAre(Rs485Request{CommandCode::analog, 2}, Rs485Request{CommandCode::alarms, 2},
                  Rs485Request{CommandCode::analog, 3}, Rs485Request{CommandCode::alarms, 3}));
}

TEST(Rs485Sweep, KeepsTheGapAfterEachAnswer) {
  Bench bench;
  bench.run(4s);
  EXPECT_EQ(bench.asked[0].first, t0 + 250ms);
  for (std::size_t i = 1; i < bench.asked.size(); ++i)
    EXPECT_EQ(bench.asked[i].first - bench.asked[i - 1].first, 280ms);
}

TEST(Rs485Sweep, BeginsOnAnAbsoluteSchedule) {
  Bench bench;
  bench.run(59s);
  ASSERT_EQ(bench.asked.size(), 48u);
  for (std::size_t sweep = 1; sweep < 12; ++sweep)
    EXPECT_EQ(bench.asked[4 * sweep].first, t0 + sweep * 5s);
}

TEST(Rs485Sweep, ThatIsMissedIsNotMadeUpFor) {
  Bench bench;
  bench.run(4s);
  bench.asked.clear();
  bench.now = t0 + 18s;  // the timer came late
  bench.run(10s);
  EXPECT_EQ(bench.asked[0].first, t0 + 18s);
  EXPECT_EQ(bench.asked[4].first, t0 + 20s);
  EXPECT_EQ(bench.asked.size(), 12u) << "at 18, 20 and 25 s";
}

TEST(Rs485Sweep, LongerThanItsPeriodFollowsTheOneBefore) {
  Bench bench({.modules = 2, .sweep_period = 1s});
  bench.run(30s);
  EXPECT_GT(bench.asked.size(), 100u);
  for (std::size_t i = 1; i < bench.asked.size(); ++i)
    EXPECT_EQ(bench.asked[i].first - bench.asked[i - 1].first, 280ms);
}

TEST(Rs485Sweep, OfAGroupStartsAtItsMaster) {
  Bench bench({.first_address = 0x12, .modules = 1});
  bench.modules[0x12] = module_at(3.3, 20.0);
  bench.alarms[0x12] = all_clear();
  bench.run(2s);
  EXPECT_THAT(bench.asked,
              ElementsAre(testing::Pair(testing::_, Rs485Request{CommandCode::analog, 0x12}),
                          testing::Pair(testing::_, Rs485Request{CommandCode::alarms, 0x12})));
  EXPECT_TRUE(bench.health().ready);
}

TEST(Rs485Sweep, NeverHasMoreModulesThanThereArePoints) {
  Bench bench({.modules = 200});
  for (int i = 0; i < 200; ++i) EXPECT_LT(bench.next_request().address, 2 + max_modules);
}

TEST(Rs485Sweep, OnlyEverReads) {
  Bench bench;
  bench.dead = {3};
  bench.run(300s);
  for (const auto& [at, request] : bench.asked)
    EXPECT_TRUE(request.command == CommandCode::analog || request.command == CommandCode::alarms);
}

// ---- values ------------------------------------------------------------------------------------

TEST(Rs485Driver, ModulesAndStackBecomeSamples) {
  Bench bench;
  bench.run(4s);
  EXPECT_TRUE(bench.health().ready) << bench.health().trouble;
  EXPECT_EQ(bench.frames(FrameResult::ok), 4u);
  EXPECT_EQ(bench.value(battery_module(0), Measure::voltage), 49.5);
  EXPECT_EQ(bench.value(battery_module(0), Measure::current), -2.5);
  EXPECT_EQ(bench.value(battery_module(0), Measure::cell_voltage_min), 3.30);
  EXPECT_EQ(bench.value(battery_module(1), Measure::cell_voltage_min), 3.28);
  EXPECT_EQ(bench.value(battery_module(1), Measure::temperature), 22.75);
  EXPECT_EQ(bench.value(Point::battery, Measure::cell_voltage_min), 3.28);
  EXPECT_EQ(bench.value(Point::battery, Measure::cell_voltage_max), 3.31);
  EXPECT_EQ(bench.value(Point::battery, Measure::cell_temperature_min), 20.0);
  EXPECT_EQ(bench.value(Point::battery, Measure::cell_temperature_max), 23.0);
}

/// A reading lives until the one after the next, and no longer: also where the line makes the
/// sweeps slower than they are meant to be.
TEST(Rs485Driver, ReadingsAreCurrentFromOneSweepToTheNext) {
  for (const bool slow : {false, true}) {
    SCOPED_TRACE(slow);
    Bench bench({.baud = slow ? 9600u : 115200u,
                 .modules = 2,
                 .sweep_period = slow ? 1s : 5s,
                 .response_timeout = 700ms});
    const Duration sweep = slow ? 2 * 2 * 500ms : 5s;
    View view;
    const auto shown = [&](Point point) {
      view.snapshot = bench.snapshot;
      view.now = bench.now;
      return view.current(point, Measure::cell_voltage_min).has_value();
    };
    bench.run(2 * sweep);
    for (int i = 0; i < 200; ++i) {
      bench.run(100ms);
      EXPECT_TRUE(shown(battery_module(0)));
      EXPECT_TRUE(shown(Point::battery));
    }
    bench.dead = {2, 3};
    bench.run(sweep);
    EXPECT_TRUE(shown(battery_module(0)));
    bench.run(2 * sweep);
    EXPECT_FALSE(shown(battery_module(0)));
    bench.run(sweep);
    EXPECT_FALSE(shown(Point::battery));
  }
}

TEST(Rs485Driver, TellsTheBatteryNothingThatControlUses) {
  Bench bench;
  bench.run(60s);
  for (const auto& sample : bench.samples) {
    const bool cells = sample.channel.measure >= Measure::cell_voltage_min;
    EXPECT_TRUE(cells || sample.channel.point >= battery_module(0))
        << name(sample.channel.point) << " " << name(sample.channel.measure);
  }
}

TEST(Rs485Driver, StampsTheStackWithItsOldestModule) {
  Bench bench;
  bench.run(4s);
  const auto first = bench.snapshot.raw(battery_module(0), Measure::voltage)->at;
  const auto second = bench.snapshot.raw(battery_module(1), Measure::voltage)->at;
  EXPECT_EQ(first, t0 + 280ms);
  EXPECT_EQ(second, t0 + 840ms);
  EXPECT_EQ(bench.snapshot.raw(Point::battery, Measure::cell_voltage_min)->at, first);
}

/// Found by the fuzzer: where wake-ups come late a sweep takes long.
TEST(Rs485Driver, AStackToldOverMoreThanAMinuteIsUnknown) {
  Duration sweep{};  // from the first module's answer to the last one
  const auto stack_told = [&sweep](Duration stall) {
    Bench bench;
    while (true) {
      const Rs485Request request = bench.next_request();
      if (request.address == 3 && request.command == CommandCode::analog) break;
      bench.hear(bench.answer_to(request));
    }
    bench.now += stall;
    bench.take(bench.driver->on_timer(bench.now));
    while (bench.asked.back().second.command != CommandCode::alarms ||
           bench.asked.back().second.address != 3)
      bench.hear(bench.answer_to(bench.next_request()));
    sweep = bench.now - bench.samples.front().at;
    return bench.count(Point::battery, Measure::cell_voltage_min);
  };
  EXPECT_EQ(stack_told(50s), 1u);
  const Duration stall = 50s + (60s - sweep);
  EXPECT_EQ(stack_told(stall), 1u);
  EXPECT_EQ(sweep, 60s);
  EXPECT_EQ(stack_told(stall + 1ns), 0u);
}

/// A reading lives for two sweeps and a half; the stack's is a sweep old when it comes.
TEST(Rs485Driver, TheMaximumAgeIsThatOfTheSweep) {
  const auto ages = [](const PylontechRs485Config& config) {
    Bench bench(config);
    bench.run(10s);
    std::map<Point, Duration> found;
    for (const auto& sample : bench.samples) found[sample.channel.point] = sample.max_age;
    return found;
  };
  auto found = ages({.modules = 2, .sweep_period = 5s});
  EXPECT_EQ(found[battery_module(0)], 12500ms);
  EXPECT_EQ(found[Point::battery], 17500ms);
  // 200 characters of 10 bits and a gap of 250 ms, for each of two requests to two modules.
  const double sweep = 4 * (0.25 + 2000.0 / 9600);
  found = ages({.baud = 9600, .modules = 2, .sweep_period = 1s});
  EXPECT_NEAR(Seconds(found[battery_module(1)]).count(), 2.5 * sweep, 1e-6);
  EXPECT_NEAR(Seconds(found[Point::battery]).count(), 3.5 * sweep, 1e-6);
}

TEST(Rs485Driver, AStackWithAMissingModuleIsUnknown) {
  Bench bench;
  bench.dead = {3};
  bench.run(60s);
  EXPECT_GT(bench.count(battery_module(0), Measure::cell_voltage_min), 10u);
  EXPECT_EQ(bench.count(Point::battery, Measure::cell_voltage_min), 0u);
  bench.dead.clear();
  bench.run(20s);
  EXPECT_GT(bench.count(Point::battery, Measure::cell_voltage_min), 0u);
}

// ---- trouble -----------------------------------------------------------------------------------

TEST(Rs485Driver, ASilentModuleIsTriedAgainThenLostAndBackedOff) {
  Bench bench;
  bench.run(5s);
  bench.dead = {3};
  bench.asked.clear();
  bench.run(5s);
  const auto asked_3 = std::ranges::count_if(
      bench.asked, [](const auto& asked) { return asked.second.address == 3; });
  EXPECT_EQ(asked_3, 3) << "two retries, and then no question for its alarms";
  EXPECT_EQ(bench.frames(FrameResult::timeout), 3u);
  EXPECT_EQ(bench.told("module_lost"), 1u);
  EXPECT_THAT(bench.detail("module_lost"), HasSubstr("module=2 address=3"));
  EXPECT_FALSE(bench.health().ready);
  EXPECT_THAT(bench.health().trouble, HasSubstr("module 2 (address 3) does not answer"));
}

TEST(Rs485Driver, ADeadModuleCostsOneAnswerLimitInTenSeconds) {
  Bench bench;
  bench.dead = {3};
  bench.run(60s);
  bench.asked.clear();
  const auto fine = bench.count(battery_module(0), Measure::voltage);
  bench.run(100s);
  const auto asked_3 = std::ranges::count_if(
      bench.asked, [](const auto& asked) { return asked.second.address == 3; });
  EXPECT_LE(asked_3, 10);
  EXPECT_GE(asked_3, 6);
  EXPECT_EQ(bench.count(battery_module(0), Measure::voltage) - fine, 20u) << "not one sweep lost";
}

TEST(Rs485Driver, ALostModuleIsProbedOnceAfterOneSecondDoublingToTen) {
  Bench bench({.modules = 1, .sweep_period = 100ms, .response_timeout = 200ms});
  for (int losses = 0; losses < 2; ++losses) {
    bench.dead = {2};
    bench.run(44s);
    std::vector<int> seconds;
    for (std::size_t i = 1; i < bench.asked.size(); ++i) {
      const auto gap = bench.asked[i].first - bench.asked[i - 1].first;
      if (gap > 1s) seconds.push_back(static_cast<int>(gap / 1s));
    }
    EXPECT_THAT(seconds, ElementsAre(1, 2, 4, 8, 10, 10));
    bench.dead.clear();
    bench.run(15s);
    EXPECT_TRUE(bench.health().ready) << "and it begins anew";
    bench.asked.clear();
  }
}

TEST(Rs485Driver, AnAnswerCountsUpToTheDeadline) {
  for (const Duration late : {0ns, 1ns}) {
    Bench bench;
    const auto request = bench.next_request();
    bench.hear(bench.answer_to(request), *bench.wake - bench.now + late);
    EXPECT_EQ(bench.frames(FrameResult::ok), late == 0ns ? 1u : 0u);
    EXPECT_EQ(bench.frames(FrameResult::late), late == 0ns ? 0u : 1u);
    EXPECT_EQ(bench.frames(FrameResult::timeout), late == 0ns ? 0u : 1u);
  }
}

TEST(Rs485Driver, OnlyTheFirstEchoIsOne) {
  Bench bench;
  bench.next_request();
  bench.hear(bench.frame, 2ms);
  bench.hear(bench.frame, 2ms);
  EXPECT_EQ(bench.frames(FrameResult::unknown), 1u) << "a request of somebody else";
}

TEST(Rs485Driver, WhatComesWithoutARequestIsCountedAsWhatItIs) {
  Bench bench;
  bench.run(3s);
  auto answer = bench.answer_to({CommandCode::analog, 2});
  bench.hear(answer);
  EXPECT_EQ(bench.frames(FrameResult::unknown), 1u);
  answer[20] ^= std::byte{1};
  bench.hear(answer);
  EXPECT_EQ(bench.frames(FrameResult::checksum), 1u);
  EXPECT_EQ(bench.frames(FrameResult::ok), 4u);
}

TEST(Rs485Driver, AModuleThatComesBackIsTold) {
  Bench bench;
  bench.run(5s);
  bench.dead = {2, 3};
  bench.run(60s);
  EXPECT_EQ(bench.told("module_lost"), 2u);
  EXPECT_EQ(bench.level("module_lost"), Level::warning);
  bench.dead.clear();
  bench.run(15s);
  EXPECT_EQ(bench.told("module_back"), 2u);
  EXPECT_EQ(bench.level("module_back"), Level::notice);
  EXPECT_TRUE(bench.health().ready) << bench.health().trouble;
}

TEST(Rs485Driver, LossIsToldFirstAndEveryHundredthTime) {
  Bench bench({.modules = 1});
  bench.dead = {2};
  bench.run(3010s);
  EXPECT_EQ(bench.told("module_lost"), 3u);
}

TEST(Rs485Driver, ARefusalIsNotTriedAgain) {
  Bench bench;
  bench.next_request();
  bench.hear(encode_return_code(2, ReturnCode::internal));
  EXPECT_EQ(bench.frames(FrameResult::exception), 1u);
  EXPECT_EQ(bench.next_request().address, 3);
  EXPECT_THAT(bench.health().trouble, HasSubstr("internal communication error"));
}

TEST(Rs485Driver, ARefusalIsARoundTripToo) {
  Bench bench;
  bench.next_request();
  bench.hear(encode_return_code(2, ReturnCode::internal), 40ms);
  EXPECT_EQ(bench.health().round_trip.count(), 1u);
  EXPECT_NEAR(bench.health().round_trip.sum_seconds, 0.04, 1e-9);
}

TEST(Rs485Driver, ATimerBeforeItsTimeGivesNothingUp) {
  Bench bench;
  const auto request = bench.next_request();
  bench.now += 1ms;
  bench.take(bench.driver->on_timer(bench.now));
  EXPECT_EQ(bench.frames(FrameResult::timeout), 0u);
  bench.hear(bench.answer_to(request));
  EXPECT_EQ(bench.frames(FrameResult::ok), 1u);
}

TEST(Rs485Driver, AsksAtOnceWhenTheLineIsBack) {
  Bench bench;
  bench.run(2s);  // both modules have answered; the next sweep is 3 s away
  EXPECT_FALSE(bench.next_request(bench.now + 1s));
  bench.driver->on_down(bench.now);
  bench.take(bench.driver->on_start(bench.now));
  EXPECT_TRUE(bench.next_request(bench.now + 500ms));
}

TEST(Rs485Driver, UnreadAlarmsDoNotHideTheCells) {
  Bench bench;
  bench.deaf_to = {CommandCode::alarms};
  bench.run(60s);
  EXPECT_TRUE(bench.health().ready) << bench.health().trouble;
  EXPECT_GE(bench.count(Point::battery, Measure::cell_voltage_min), 10u);
  EXPECT_EQ(bench.told("alarms_unread"), 2u);
  EXPECT_EQ(bench.told("module_lost"), 0u);
  bench.deaf_to.clear();
  bench.run(15s);
  EXPECT_EQ(bench.told("alarms_read"), 2u);
}

TEST(Rs485Driver, AnImpossibleCellIsNoReading) {
  Bench bench;
  bench.modules[2].cells[3] = Volts{9.0};
  bench.run(20s);
  EXPECT_EQ(bench.count(battery_module(0), Measure::voltage), 0u);
  EXPECT_GT(bench.count(battery_module(1), Measure::voltage), 0u);
  EXPECT_GE(bench.frames(FrameResult::content), 3u);
  EXPECT_THAT(bench.health().trouble, HasSubstr("answers what cannot be (cell voltage"));
}

TEST(Rs485Driver, ADamagedAnswerIsAskedForAgain) {
  Bench bench;
  const auto request = bench.next_request();
  Bytes damaged = bench.answer_to(request);
  damaged[20] ^= std::byte{1};
  bench.hear(damaged);
  EXPECT_EQ(bench.frames(FrameResult::checksum), 1u);
  EXPECT_THAT(bench.samples, IsEmpty());
  EXPECT_EQ(bench.next_request(), request);
  bench.hear(bench.answer_to(request));
  EXPECT_EQ(bench.count(battery_module(0), Measure::voltage), 1u);
}

TEST(Rs485Driver, AnAnswerCutShortIsALengthError) {
  Bench bench;
  const auto request = bench.next_request();
  Bytes half = bench.answer_to(request);
  half.resize(half.size() / 2);
  bench.hear(half);
  EXPECT_EQ(bench.next_request(), request);
  EXPECT_EQ(bench.frames(FrameResult::length), 1u);
  EXPECT_EQ(bench.frames(FrameResult::timeout), 0u);
}

TEST(Rs485Driver, ALateAnswerIsRecognisedAndDropped) {
  Bench bench;
  const auto request = bench.next_request();
  bench.take(bench.driver->on_timer(bench.now = *bench.wake));
  EXPECT_EQ(bench.frames(FrameResult::timeout), 1u);
  bench.hear(bench.answer_to(request));
  EXPECT_EQ(bench.frames(FrameResult::late), 1u);
  EXPECT_THAT(bench.samples, IsEmpty());
}

TEST(Rs485Driver, AnswersThatComeTooLateAreToldWithWhatToRaise) {
  Bench bench({.modules = 1, .response_timeout = 400ms});
  constexpr auto advice = "answers come 30 ms late: raise response_timeout (now 400 ms)";
  const auto answer_late = [&] {
    const auto request = bench.next_request();
    bench.hear(bench.answer_to(request), *bench.wake - bench.now + 30ms);
  };
  answer_late();
  EXPECT_EQ(bench.told("response_late"), 1u);
  EXPECT_EQ(bench.level("response_late"), Level::warning);
  EXPECT_EQ(bench.detail("response_late"),
            std::string("module=1 address=2 advice=\"") + advice + "\" count=1");
  for (int i = 0; i < 2; ++i) answer_late();
  EXPECT_EQ(bench.told("module_lost"), 1u);
  EXPECT_THAT(bench.driver->health().trouble, HasSubstr(advice));
  for (int i = 3; i < 100; ++i) answer_late();
  EXPECT_EQ(bench.told("response_late"), 2u) << "the first and the hundredth";
  bench.run(30s);
  EXPECT_EQ(bench.driver->health().trouble, "");
  bench.dead.insert(2);
  bench.run(60s);
  EXPECT_THAT(bench.driver->health().trouble, HasSubstr("does not answer"));
}

TEST(Rs485Driver, HowLateIsNotSaidWhereTheResponseMayBeThatOfTheRetry) {
  Bench bench;
  const auto request = bench.next_request();
  EXPECT_EQ(bench.next_request(), request) << "asked again";
  bench.hear(bench.answer_to(request));
  bench.hear(bench.answer_to(request), 10ms);
  EXPECT_EQ(bench.frames(FrameResult::late), 1u);
  EXPECT_EQ(bench.told("response_late"), 0u);
}

TEST(Rs485Driver, AnotherModulesAnswerIsNotTaken) {
  Bench bench;
  const auto request = bench.next_request();
  bench.hear(bench.answer_to({CommandCode::analog, 3}));
  EXPECT_EQ(bench.frames(FrameResult::unknown), 1u);
  EXPECT_THAT(bench.samples, IsEmpty());
  bench.hear(bench.answer_to(request));
  EXPECT_EQ(bench.count(battery_module(0), Measure::voltage), 1u) << "it still waits for its own";
}

TEST(Rs485Driver, TheEchoOfItsOwnRequestIsNoAnswer) {
  Bench bench;
  for (int i = 0; i < 4; ++i) {
    const auto request = bench.next_request();
    bench.hear(bench.frame, 2ms);
    bench.hear(bench.answer_to(request));
  }
  EXPECT_EQ(bench.frames(FrameResult::ok), 4u);
  EXPECT_EQ(bench.frames(FrameResult::unknown), 0u);
  EXPECT_TRUE(bench.health().ready);
  bench.next_request();
  bench.hear(bench.frame, 2ms);
  bench.next_request();
  EXPECT_EQ(bench.frames(FrameResult::timeout), 1u) << "an echo alone is silence";
}

TEST(Rs485Driver, RoundTripsAndTheTimeOfTheBytesAreCounted) {
  for (const bool echo : {false, true}) {
    Bench bench({.baud = 9600, .modules = 2});
    std::size_t bytes = 0;
    for (int i = 0; i < 4; ++i) {
      const auto request = bench.next_request();
      if (echo) bench.hear(bench.frame, 20ms);
      bytes += bench.frame.size() + bench.answer_to(request).size();
      bench.hear(bench.answer_to(request), echo ? 180ms : 200ms);
    }
    EXPECT_EQ(bench.health().round_trip.count(), 4u);
    EXPECT_NEAR(bench.health().round_trip.sum_seconds, 0.8, 1e-6);
    EXPECT_NEAR(Seconds(bench.health().wire_busy).count(), static_cast<double>(bytes) * 10 / 9600,
                1e-6);
  }
}

TEST(Rs485Driver, EveryChunkingGivesTheSame) {
  for (std::size_t chunk = 1; chunk <= 140; chunk += 3) {
    Bench bench;
    for (int i = 0; i < 4; ++i) {
      const Bytes whole = bench.answer_to(bench.next_request());
      for (std::size_t at = 0; at < whole.size(); at += chunk) {
        const auto part = ByteView(whole).subspan(at, std::min(chunk, whole.size() - at));
        bench.hear(Bytes(part.begin(), part.end()), 1ms);
      }
    }
    EXPECT_EQ(bench.frames(FrameResult::ok), 4u) << chunk;
    EXPECT_EQ(bench.value(Point::battery, Measure::cell_voltage_min), 3.28) << chunk;
  }
}

TEST(Rs485Driver, NoiseDelaysARequestByASecondAndNoLonger) {
  Bench bench;
  EXPECT_EQ(bench.babble(), 1s) << "the first one";
  EXPECT_EQ(bench.frames(FrameResult::resync), 1u) << "one run";
  bench.hear(bench.answer_to(bench.next_request()));
  EXPECT_EQ(bench.babble(), 1s) << "after an answer";
  while (const auto request = bench.next_request(bench.now + 1s))
    bench.hear(bench.answer_to(*request));
  bench.next_request(*bench.wake - 100ms);
  EXPECT_EQ(bench.babble(), 1100ms) << "after the time it was due";
}

// ---- alarms ------------------------------------------------------------------------------------

TEST(Rs485Alarms, AreToldWhenTheyChange) {
  Bench bench;
  bench.run(20s);
  EXPECT_EQ(bench.told("module_alarms"), 0u) << "nothing is wrong";
  bench.alarms[3].cells[7] = AlarmLevel::high;
  bench.alarms[3].status[0] = 0x01;
  bench.alarms[3].status[1] = 0x0C;
  bench.run(20s);
  EXPECT_EQ(bench.told("module_alarms"), 1u);
  EXPECT_EQ(bench.detail("module_alarms"),
            "module=2 address=3 protections=high_voltage warnings=high_voltage charge_switch=off "
            "discharge_switch=on status=010C000000");
  EXPECT_EQ(bench.events.back().level, Level::warning);
  bench.alarms[3] = all_clear();
  bench.run(20s);
  EXPECT_EQ(bench.told("module_alarms"), 2u);
  EXPECT_EQ(bench.events.back().level, Level::notice);
}

// ---- the line ----------------------------------------------------------------------------------

TEST(Rs485Driver, TroubleNamesEachModuleAndWhy) {
  Bench bench;
  EXPECT_EQ(bench.health().trouble,
            "module 1 (address 2) has not answered yet; module 2 (address 3) has not answered yet");
  bench.run(3s);
  EXPECT_TRUE(bench.health().ready);
  EXPECT_EQ(bench.health().trouble, "");
  bench.dead = {2, 3};
  bench.run(20s);
  EXPECT_EQ(bench.health().trouble,
            "module 1 (address 2) does not answer: check that the battery is on, that the cable is "
            "in the RS485 port of the master with A and B the right way round, and that its DIP "
            "switch 1 (read when it is switched on) is set to 115200 baud; module 2 (address 3) "
            "does not answer: check that it is on, its link cable and its number");
  EXPECT_EQ(bench.detail("module_lost"), "module=2 address=3");
  bench.driver->on_down(bench.now);
  EXPECT_FALSE(bench.health().ready);
  EXPECT_EQ(bench.health().trouble, "the line is down");
}

TEST(Rs485Driver, ARequestIsGivenUpAfterTheLimitAndItsWireTime) {
  Bench bench({.baud = 9600, .modules = 1, .gap = 100ms, .response_timeout = 300ms, .retries = 1});
  (void)bench.next_request();
  const Instant asked = bench.now;
  EXPECT_EQ(asked - t0, 100ms) << "the gap";
  (void)bench.next_request();
  // 20 characters of the request and 200 of the longest answer, 10 bits each, then the gap.
  const Duration on_wire = Duration{1s} * (220 * 10) / 9600;
  EXPECT_GE(bench.now - asked, on_wire + 300ms + 100ms - 1us);
  EXPECT_LE(bench.now - asked, on_wire + 300ms + 100ms + 1us);
  EXPECT_EQ(bench.frames(FrameResult::timeout), 1u);
  EXPECT_EQ(bench.told("module_lost"), 0u) << "tried once more";
  (void)bench.next_request();
  EXPECT_EQ(bench.told("module_lost"), 1u);
}

TEST(Rs485Driver, AsksNothingWhileTheLineIsDown) {
  Bench bench;
  bench.run(4s);
  bench.driver->on_down(bench.now);
  EXPECT_FALSE(bench.health().ready);
  EXPECT_EQ(bench.health().trouble, "the line is down");
  bench.sent.clear();
  bench.take(bench.driver->on_timer(bench.now + 60s));
  bench.take(bench.driver->on_bytes(to_bytes("~2002\r"), bench.now + 60s));
  EXPECT_THAT(bench.sent, IsEmpty());
  bench.take(bench.driver->on_start(bench.now));
  EXPECT_FALSE(bench.health().ready) << "all is unknown again";
  bench.run(4s);
  EXPECT_TRUE(bench.health().ready);
}

TEST(Rs485Driver, WithoutModulesSaysSo) {
  Bench bench({.modules = 0});
  bench.run(20s);
  EXPECT_THAT(bench.asked, IsEmpty());
  EXPECT_EQ(bench.health().trouble, "no module is configured on this bus");
}

TEST(Rs485Driver, RandomBytesNeverBecomeSamplesNorStopIt) {
  std::mt19937 random(9);
  constexpr std::string_view alphabet = "~\r0123456789ABCDEF20024600";
  Bench bench;
  for (int i = 0; i < 5000; ++i) {
    Bytes junk(random() % 30);
    for (auto& b : junk)
      b = random() % 4 == 0 ? static_cast<std::byte>(random() & 0xFFu)
                            : static_cast<std::byte>(alphabet[random() % alphabet.size()]);
    if (bench.wake && *bench.wake <= bench.now) bench.take(bench.driver->on_timer(bench.now));
    bench.hear(junk, std::chrono::milliseconds(random() % 200));
  }
  EXPECT_THAT(bench.samples, IsEmpty());
  EXPECT_GT(bench.sent.size(), 10u);
  bench.sent.clear();
  bench.run(30s);
  EXPECT_TRUE(bench.health().ready) << bench.health().trouble;
}

TEST(Rs485Driver, IsSetAsAStackOfOneModuleIsDelivered) {
  const PylontechRs485Config config;
  EXPECT_EQ(config.baud, 115200u);
  EXPECT_EQ(config.first_address, 2);
  EXPECT_EQ(config.modules, 1u);
  EXPECT_EQ(config.sweep_period, 5s);
  EXPECT_EQ(config.gap, 250ms);
  EXPECT_EQ(config.response_timeout, 500ms);
  EXPECT_EQ(config.retries, 2u);
}

// ---- exact instants, and what a reopening forgets ----------------------------------------------

TEST(Rs485Driver, BeforeTheLineIsOpenItIsDownAndAsksNothing) {
  const auto driver = make_pylontech_rs485_driver({.modules = 1});
  EXPECT_FALSE(driver->health().ready);
  EXPECT_EQ(driver->health().trouble, "the line is down");
  for (const Step& step : {driver->on_timer(t0), driver->on_bytes(to_bytes("x"), t0)}) {
    EXPECT_TRUE(step.send.empty());
    EXPECT_FALSE(step.wake_at);
  }
  EXPECT_EQ(driver->health().frames[FrameResult::resync], 0u);
}

TEST(Rs485Driver, AReopenedLineKnowsNothingOfTheOneBefore) {
  const auto reopen = [](Bench& bench) {
    bench.driver->on_down(bench.now);
    bench.take(bench.driver->on_start(bench.now));
  };
  Bench waiting;
  (void)waiting.next_request();
  reopen(waiting);
  const Instant begun = waiting.now;
  EXPECT_TRUE(waiting.next_request(begun + 250ms)) << "the request under way went with the line";
  EXPECT_EQ(waiting.frames(FrameResult::timeout), 0u);

  Bench half;
  const Bytes whole = half.answer_to({CommandCode::analog, 2});
  half.hear(Bytes(whole.begin(), whole.begin() + 20), 1ms);
  reopen(half);
  half.hear(Bytes(whole.begin() + 20, whole.end()), 1ms);
  EXPECT_EQ(half.frames(FrameResult::resync), 1u) << "the end of nothing";
  EXPECT_EQ(half.frames(FrameResult::unknown), 0u);

  Bench given_up;
  const auto request = given_up.next_request();
  given_up.take(given_up.driver->on_timer(given_up.now = *given_up.wake));
  reopen(given_up);
  given_up.hear(given_up.answer_to(request), 1ms);
  EXPECT_EQ(given_up.frames(FrameResult::late), 0u);
  EXPECT_EQ(given_up.frames(FrameResult::unknown), 1u);
  EXPECT_EQ(given_up.told("response_late"), 0u);
}

TEST(Rs485Driver, NoiseDelaysARequestByTheGap) {
  Bench bench({.modules = 2, .response_timeout = 600ms});
  bench.hear(to_bytes("x"), 50ms);
  EXPECT_EQ(bench.wake, t0 + 300ms);
  (void)bench.next_request();
  EXPECT_EQ(bench.now, t0 + 300ms);
}

TEST(Rs485Driver, EachRunOfNoiseIsCountedAlsoSeveralInOneRead) {
  Bench bench;
  bench.hear(to_bytes("xx~20\rxx"), 1ms);
  EXPECT_EQ(bench.frames(FrameResult::resync), 2u);
  bench.hear(to_bytes("~20\rxx"), 1ms);
  EXPECT_EQ(bench.frames(FrameResult::resync), 3u);
}

TEST(Rs485Driver, WhatWasHalfHeardBeforeARequestIsNoPartOfItsAnswer) {
  Bench bench;
  bench.hear(to_bytes("~20"), 50ms);
  const auto request = bench.next_request();
  bench.hear(bench.answer_to(request));
  EXPECT_EQ(bench.frames(FrameResult::ok), 1u);
  EXPECT_EQ(bench.frames(FrameResult::resync), 0u);
}

/// A wake-up may come early, and what comes meanwhile changes nothing of when the next is due.
TEST(Rs485Driver, WhileARequestIsUnderWayItsDeadlineIsTheWakeUp) {
  Bench bench;
  (void)bench.next_request();
  const Instant deadline = *bench.wake;
  bench.now += 10ms;
  EXPECT_EQ(bench.driver->on_timer(bench.now).wake_at, deadline);
  EXPECT_EQ(bench.driver->on_bytes(to_bytes("~20"), bench.now).wake_at, deadline);
}

TEST(Rs485Driver, ALostModuleIsAskedAgainAtTheEndOfItsRest) {
  // 220 characters of 10 bits: one second; given up at 2 s, to be asked again at 3 s.
  Bench bench({.baud = 2200,
               .modules = 1,
               .sweep_period = 1s,
               .gap = 250ms,
               .response_timeout = 750ms,
               .retries = 0});
  bench.dead = {2};
  bench.run(10s);
  ASSERT_GE(bench.asked.size(), 2u);
  EXPECT_EQ(bench.asked[0].first, t0 + 250ms);
  EXPECT_EQ(bench.asked[1].first, t0 + 3s);
}

TEST(Rs485Driver, ARateOfZeroIsOneBaud) {
  Bench bench({.baud = 0, .modules = 1});
  (void)bench.next_request();
  EXPECT_EQ(*bench.wake - bench.now, 2200s + 500ms);
}

TEST(Rs485Driver, AStackWhoseModuleFallsSilentIsUnknownInThatSweep) {
  Bench bench;
  bench.run(5s);
  EXPECT_EQ(bench.count(Point::battery, Measure::cell_voltage_min), 1u);
  bench.dead = {3};
  bench.run(10s);
  EXPECT_EQ(bench.count(Point::battery, Measure::cell_voltage_min), 1u);
}

TEST(Rs485Driver, TheStackIsToldWithTheLastAnswerOrTheLastTimeOut) {
  Bench bench({.modules = 1, .retries = 0});
  bench.hear(bench.answer_to(bench.next_request()));
  EXPECT_EQ(bench.count(Point::battery, Measure::cell_voltage_min), 0u);
  (void)bench.next_request();
  bench.take(bench.driver->on_timer(bench.now = *bench.wake));
  EXPECT_EQ(bench.count(Point::battery, Measure::cell_voltage_min), 1u);
}

TEST(Rs485Driver, OnlyTheAnswerThatWasGivenUpIsLate) {
  Bench bench;
  const auto request = bench.next_request();
  bench.take(bench.driver->on_timer(bench.now = *bench.wake));
  bench.hear(bench.answer_to({CommandCode::analog, 3}), 10ms);
  bench.hear(bench.answer_to({CommandCode::alarms, 2}), 10ms);
  EXPECT_EQ(bench.frames(FrameResult::late), 0u);
  EXPECT_EQ(bench.frames(FrameResult::unknown), 2u);
  bench.hear(bench.answer_to(request), 10ms);
  EXPECT_EQ(bench.frames(FrameResult::late), 1u);
  EXPECT_EQ(bench.detail("response_late"),
            "module=1 address=2 advice=\"answers come 30 ms late: raise response_timeout (now 500 "
            "ms)\" count=1");
  for (int i = 0; i < 120; ++i) bench.hear(bench.answer_to(request), 1ms);
  EXPECT_EQ(bench.frames(FrameResult::late), 121u);
  EXPECT_EQ(bench.told("response_late"), 1u) << "one answer was owed";
}

TEST(Rs485Driver, ADamagedAnswerIsNotALateOne) {
  Bench bench;
  const auto request = bench.next_request();
  Bytes damaged = bench.answer_to(request);
  damaged[20] ^= std::byte{1};
  bench.hear(damaged);
  bench.hear(bench.answer_to(request), 10ms);
  EXPECT_EQ(bench.frames(FrameResult::late), 1u);
  EXPECT_EQ(bench.told("response_late"), 0u) << "the limit was kept";
}

TEST(Rs485Driver, AsSoonAsALateAnswerComesTheTroubleSaysSo) {
  Bench bench({.modules = 1, .retries = 0});
  const auto request = bench.next_request();
  bench.take(bench.driver->on_timer(bench.now = *bench.wake));
  EXPECT_THAT(bench.health().trouble, HasSubstr("does not answer"));
  bench.hear(bench.answer_to(request));
  EXPECT_EQ(bench.health().trouble,
            "module 1 (address 2) answers come 30 ms late: raise response_timeout (now 500 ms)");
}

TEST(Rs485Driver, AnythingHeardBeyondAnEchoIsNoSilence) {
  for (const bool echo : {false, true}) {
    Bench bench;
    (void)bench.next_request();
    if (echo) bench.hear(bench.frame, 2ms);
    bench.hear(to_bytes("~"), 2ms);
    bench.take(bench.driver->on_timer(bench.now = *bench.wake));
    EXPECT_EQ(bench.frames(FrameResult::length), 1u) << echo;
    EXPECT_EQ(bench.frames(FrameResult::timeout), 0u) << echo;
  }
}

TEST(Rs485Driver, AModuleThatRefusesIsProbedOnceAsOneThatIsSilent) {
  Bench bench({.modules = 1});
  (void)bench.next_request();
  bench.hear(encode_return_code(2, ReturnCode::internal));
  EXPECT_EQ(bench.detail("module_lost"),
            "module=1 address=2 reason=\"refuses the question (internal communication error)\"");
  const Instant refused = bench.now;
  (void)bench.next_request();
  EXPECT_GE(bench.now - refused, 1s);
  const Instant probed = bench.now;
  (void)bench.next_request();
  EXPECT_GE(bench.now - probed, 2s) << "silent: not tried again at once";
}

TEST(Rs485Alarms, AWarningAloneIsANoticeAndAProtectionIsNamedAsOne) {
  Bench bench;
  bench.run(5s);
  bench.alarms[3].cells[7] = AlarmLevel::high;
  bench.run(5s);
  EXPECT_EQ(bench.events.back().level, Level::notice);
  EXPECT_EQ(bench.detail("module_alarms"),
            "module=2 address=3 protections= warnings=high_voltage charge_switch=on "
            "discharge_switch=on status=000E000000");
  bench.alarms[3].status[0] = 0x02;
  bench.run(5s);
  EXPECT_EQ(bench.events.back().level, Level::warning);
  EXPECT_EQ(bench.detail("module_alarms"),
            "module=2 address=3 protections=low_voltage warnings=high_voltage charge_switch=on "
            "discharge_switch=on status=020E000000");
  bench.alarms[3].cells[7] = AlarmLevel::ok;
  bench.run(5s);
  EXPECT_EQ(bench.events.back().level, Level::warning);
  EXPECT_EQ(bench.detail("module_alarms"),
            "module=2 address=3 protections=low_voltage warnings= charge_switch=on "
            "discharge_switch=on status=020E000000");
}

TEST(Rs485DriverDeathTest, ASweepWithoutAPeriodIsAMistake) {
  EXPECT_DEBUG_DEATH((void)make_pylontech_rs485_driver({.sweep_period = 0s}), "sweep_period");
}

}  // namespace
}  // namespace esshub::protocol
