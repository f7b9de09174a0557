#include "protocol/modbus/driver.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <random>
#include <set>
#include <utility>

#include "protocol/modbus/rtu.hpp"

namespace esshub::protocol {
namespace {

using modbus::RtuRequest;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint8_t main_unit = 1;
constexpr std::uint8_t battery_unit = 244;

MeterConfig main_meter() {
  return {.name = "main",
          .model = MeterModel::sdm630,
          .unit = main_unit,
          .channels = {{.phase = 1, .point = Point::grid, .invert = false},
                       {.phase = 2, .point = Point::solar, .invert = true}}};
}
MeterConfig battery_meter() {
  return {.name = "battery",
          .model = MeterModel::sdm120,
          .unit = battery_unit,
          .channels = {{.phase = 1, .point = Point::battery_meter, .invert = false}}};
}
ModbusConfig both() {
  ModbusConfig config;
  config.other_master_wait = 0s;
  config.meters = {main_meter(), battery_meter()};
  return config;
}
ModbusConfig only(MeterConfig meter) {
  ModbusConfig config;
  config.other_master_wait = 0s;
  config.meters = {std::move(meter)};
  return config;
}

/// A driver, an invented clock, and meters that answer from a table of floats.
class Bench {
 public:
  explicit Bench(ModbusConfig config) : driver(make_modbus_driver(std::move(config))) {
    for (const auto unit : {main_unit, battery_unit}) {
      set(unit, 0x0000, 230.0f);
      set(unit, 0x0002, 230.0f);
      set(unit, 0x0046, 50.0f);
    }
    holding[0x000A] = 3.0f;
    take(driver->on_start(now));
  }

  void set(std::uint8_t unit, std::uint16_t address, float value) {
    registers[{unit, address}] = value;
  }

  /// Lets time pass until the driver asks something.
  RtuRequest next_request() {
    for (int i = 0; i < 100 && sent.empty(); ++i) {
      if (!wake) break;
      now = std::max(now, *wake);
      take(driver->on_timer(now));
    }
    EXPECT_EQ(sent.size(), 1u) << "one request in flight";
    if (sent.empty()) return {};
    frame = sent.front();
    sent.clear();
    asked_at = now;
    const auto request = modbus::decode_request(frame);
    EXPECT_TRUE(request);
    return request.value_or(RtuRequest{});
  }

  [[nodiscard]] Bytes answer_to(const RtuRequest& request) const {
    Bytes data;
    for (std::uint16_t i = 0; i < request.count; i = static_cast<std::uint16_t>(i + 2)) {
      const auto address = static_cast<std::uint16_t>(request.start + i);
      float value = 0.0f;
      if (request.function == modbus::read_holding) {
        if (const auto it = holding.find(address); it != holding.end()) value = it->second;
      } else if (const auto it = registers.find({request.unit, address}); it != registers.end()) {
        value = it->second;
      }
      const auto bits = std::bit_cast<std::uint32_t>(value);
      put_u32_be(data, swapped ? std::rotl(bits, 16) : bits);
    }
    return modbus::encode_response(request, data);
  }

  void hear(ByteView bytes, Duration after = 50ms) {
    now += after;
    take(driver->on_bytes(bytes, now));
  }

  /// One transaction; a fast grid or battery reading never stands still.
  RtuRequest transact() {
    const auto request = next_request();
    if (dead.contains(request.unit)) return request;
    if (lively) registers[{request.unit, 0}] += 0.01f;
    hear(answer_to(request));
    return request;
  }
  void run(Duration span) {
    for (const Instant end = now + span; now < end;) transact();
  }

  [[nodiscard]] std::optional<double> last(Point point, Measure measure) const {
    for (auto it = samples.rbegin(); it != samples.rend(); ++it)
      if (it->channel == Channel{point, measure}) return it->value;
    return std::nullopt;
  }
  [[nodiscard]] std::size_t count(Point point, Measure measure) const {
    return static_cast<std::size_t>(std::ranges::count_if(samples, [&](const Sample& sample) {
      return sample.channel == Channel{point, measure};
    }));
  }
  [[nodiscard]] std::size_t events_named(std::string_view name) const {
    return static_cast<std::size_t>(std::ranges::count(events, name, &Event::name));
  }
  [[nodiscard]] std::uint64_t frames(FrameResult result) const {
    return driver->health().frames[result];
  }

  void take(Step step) {
    samples.insert(samples.end(), step.samples.begin(), step.samples.end());
    sent.insert(sent.end(), step.send.begin(), step.send.end());
    events.insert(events.end(), step.events.begin(), step.events.end());
    if (step.wake_at) wake = step.wake_at;
  }

  std::unique_ptr<Driver> driver;
  Instant now{1000s};
  Instant asked_at{};
  std::optional<Instant> wake;
  std::vector<Bytes> sent;
  Bytes frame;
  std::vector<Sample> samples;
  std::vector<Event> events;
  std::map<std::pair<std::uint8_t, std::uint16_t>, float> registers;
  std::map<std::uint16_t, float> holding;
  std::set<std::uint8_t> dead;
  bool swapped = false;
  bool lively = true;
};

bool is_fast(const RtuRequest& request) {
  return request.function == modbus::read_input &&
         request.start == (request.unit == main_unit ? 0x0000 : 0x000C);
}

/// "main fast", "main type", "main 0046" ...; the battery's meter is any other unit.
std::string name_of(const RtuRequest& request) {
  const std::string unit = request.unit == main_unit ? "main " : "battery ";
  if (request.function == modbus::read_holding) return unit + "type";
  if (is_fast(request)) return unit + "fast";
  return unit + to_hex(Bytes{std::byte(request.start >> 8), std::byte(request.start & 0xFFu)});
}

TEST(ModbusDriver, SamplesCarryOurSignsUnitsAndTheMomentOfTheLastByte) {
  Bench bench(both());
  bench.set(main_unit, 0x0006, 4.3f);
  bench.set(main_unit, 0x000C, 1000.0f);
  bench.set(main_unit, 0x000E, -2500.0f);
  bench.set(main_unit, 0x015A, 12.5f);
  bench.set(main_unit, 0x0160, 3.0f);
  bench.set(main_unit, 0x015C, 0.5f);
  bench.set(main_unit, 0x0162, 900.0f);
  bench.set(battery_unit, 0x000C, -800.0f);
  bench.set(battery_unit, 0x0048, 7.0f);
  bench.run(5s);
  EXPECT_EQ(bench.last(Point::grid, Measure::power), 1000.0);
  EXPECT_EQ(bench.last(Point::solar, Measure::power), 2500.0) << "inverted";
  EXPECT_EQ(bench.last(Point::battery_meter, Measure::power), -800.0);
  EXPECT_NEAR(bench.last(Point::grid, Measure::voltage).value_or(0), 230.0, 1.0);
  EXPECT_NEAR(bench.last(Point::grid, Measure::current).value_or(0), 4.3, 1e-6);
  EXPECT_EQ(bench.last(Point::grid, Measure::frequency), 50.0);
  EXPECT_EQ(bench.last(Point::battery_meter, Measure::frequency), 50.0);
  EXPECT_FALSE(bench.last(Point::solar, Measure::frequency)) << "only at the first channel";
  bench.run(10s);  // energies are read twice before they are believed
  EXPECT_EQ(bench.last(Point::grid, Measure::energy_forward), 12500.0);
  EXPECT_EQ(bench.last(Point::grid, Measure::energy_reverse), 3000.0);
  EXPECT_EQ(bench.last(Point::solar, Measure::energy_forward), 900000.0) << "swapped";
  EXPECT_EQ(bench.last(Point::solar, Measure::energy_reverse), 500.0);
  EXPECT_EQ(bench.last(Point::battery_meter, Measure::energy_forward), 7000.0);

  const auto before = bench.samples.size();
  bench.transact();
  ASSERT_GT(bench.samples.size(), before);
  EXPECT_EQ(bench.samples.back().at, bench.now);
}

TEST(ModbusDriver, ItNeverWritesAndReadsOnlyWhatThePlanNames) {
  Bench bench(both());
  for (int i = 0; i < 200; ++i) {
    const auto request = bench.transact();
    EXPECT_TRUE(request.function == modbus::read_input || request.function == modbus::read_holding);
  }
}

TEST(ModbusDriver, KeepsTheGapBetweenTransactions) {
  Bench bench(both());
  for (int i = 0; i < 20; ++i) {
    const Instant end = bench.now;
    bench.next_request();
    EXPECT_GE(bench.asked_at - end, 60ms);
    // A timer that comes early or twice changes nothing.
    bench.take(bench.driver->on_timer(bench.now));
    EXPECT_TRUE(bench.sent.empty());
    bench.hear(bench.answer_to(*modbus::decode_request(bench.frame)));
    bench.take(bench.driver->on_timer(bench.now + 1ms));
    EXPECT_TRUE(bench.sent.empty());
  }
}

TEST(ModbusDriver, TheGapIsNeverShorterThanThreeAndAHalfCharacters) {
  auto config = both();
  config.gap = 0ms;
  config.baud = 2400;
  Bench bench(config);
  bench.transact();
  const Instant end = bench.now;
  bench.next_request();
  EXPECT_EQ(std::chrono::round<std::chrono::microseconds>(bench.asked_at - end), 14583us);
}

TEST(ModbusDriver, FastReadsOfTheGridWaitForAtMostOneExtraBlock) {
  Bench bench(both());
  bench.run(3s);
  int others = 0;
  int slow_in_a_row = 0;
  for (int i = 0; i < 400; ++i) {
    const auto request = bench.transact();
    const bool grid = is_fast(request) && request.unit == main_unit;
    others = grid ? 0 : others + 1;
    slow_in_a_row = is_fast(request) ? 0 : slow_in_a_row + 1;
    EXPECT_LE(others, 2);
    EXPECT_LE(slow_in_a_row, 1);
  }
}

TEST(ModbusDriver, TheGridIsReadThreeTimesBetweenTwoOthers) {
  Bench bench(both());
  bench.run(5s);
  int grid_reads = 0;
  int others = 0;
  for (int i = 0; i < 400; ++i) {
    const auto request = bench.transact();
    const bool grid = is_fast(request) && request.unit == main_unit;
    ++(grid ? grid_reads : others);
  }
  EXPECT_NEAR(grid_reads, 300, 2);
  EXPECT_GT(bench.count(Point::battery_meter, Measure::power), 20u) << "the others have their turn";
}

/// Also where another meter stands before it in the configuration.
TEST(ModbusDriver, TheGridIsReadMostOftenWhereverItStands) {
  auto config = both();
  std::swap(config.meters[0], config.meters[1]);
  Bench bench(config);
  bench.run(5s);
  int grid_reads = 0;
  for (int i = 0; i < 400; ++i) {
    const auto request = bench.transact();
    grid_reads += is_fast(request) && request.unit == main_unit ? 1 : 0;
  }
  EXPECT_NEAR(grid_reads, 300, 2);
}

TEST(ModbusDriver, ATimerBeforeItsTimeGivesNothingUp) {
  Bench bench(both());
  const auto request = bench.next_request();
  bench.now += 1ms;
  const Step early = bench.driver->on_timer(bench.now);
  EXPECT_EQ(early.wake_at, bench.wake) << "the same time again";
  EXPECT_FALSE(early.setpoint_written);
  EXPECT_EQ(bench.frames(FrameResult::timeout), 0u);
  bench.hear(bench.answer_to(request));
  EXPECT_EQ(bench.frames(FrameResult::ok), 1u);
}

/// The main meter, and `count` more from unit 100 on.
ModbusConfig with_others(std::uint8_t count) {
  ModbusConfig config = only(main_meter());
  MeterConfig other = battery_meter();
  for (other.unit = 100; other.unit < 100 + count; ++other.unit) config.meters.push_back(other);
  return config;
}

void set_others(Bench& bench, std::uint8_t count) {
  for (int unit = 100; unit < 100 + count; ++unit)
    bench.set(static_cast<std::uint8_t>(unit), 0x0000, 230.0f);
}

TEST(ModbusDriver, WhereManyMetersShareTheLineNoneWaitsLongerThanTwoSeconds) {
  constexpr std::uint8_t others = 12;
  Bench bench(with_others(others));
  set_others(bench, others);
  bench.run(10s);
  std::map<std::uint8_t, Instant> asked;
  Duration longest{};
  for (const Instant end = bench.now + 60s; bench.now < end;) {
    const auto request = bench.transact();
    if (!is_fast(request)) continue;
    const auto [before, first] = asked.try_emplace(request.unit, bench.now);
    if (!first) longest = std::max<Duration>(longest, bench.now - before->second);
    before->second = bench.now;
  }
  EXPECT_EQ(asked.size(), 1u + others);
  EXPECT_LE(longest, 2300ms);
}

TEST(ModbusDriver, WhereAllWaitTooLongTheGridHasItsTurnLikeTheOthers) {
  constexpr std::uint8_t others = 40;
  Bench bench(with_others(others));
  set_others(bench, others);
  bench.run(20s);
  std::map<std::uint8_t, int> asked;
  for (const Instant end = bench.now + 60s; bench.now < end;) {
    const auto request = bench.transact();
    if (is_fast(request)) ++asked[request.unit];
  }
  EXPECT_GT(asked[main_unit], 5);
  EXPECT_NEAR(asked[main_unit], asked[100], 1);
}

TEST(ModbusDriver, SlowBlocksComeInTheirPeriod) {
  Bench bench(both());
  bench.run(3s);
  bench.samples.clear();
  bench.run(60s);
  EXPECT_NEAR(static_cast<double>(bench.count(Point::grid, Measure::frequency)), 26, 3);
  EXPECT_NEAR(static_cast<double>(bench.count(Point::grid, Measure::energy_forward)), 6, 1);
  EXPECT_NEAR(static_cast<double>(bench.count(Point::battery_meter, Measure::voltage)), 26, 3);
}

TEST(ModbusDriver, TheAnswerLimitCountsFromTheLastBitAndLeavesTimeForTheAnswer) {
  auto config = only(main_meter());
  config.baud = 2400;
  Bench bench(config);
  const auto request = bench.next_request();
  ASSERT_EQ(request.count, 18);
  // 8 + 41 characters of 10 bits at 2400 baud, and 300 ms.
  const Instant deadline = bench.asked_at + 300ms + as_duration(Seconds(49 * 10 / 2400.0));
  ASSERT_TRUE(bench.wake);
  EXPECT_LE(std::chrono::abs(*bench.wake - deadline), 1us);
  bench.hear(bench.answer_to(request), deadline - bench.now - 1us);
  EXPECT_EQ(bench.frames(FrameResult::ok), 1u);
  EXPECT_EQ(bench.frames(FrameResult::timeout), 0u);
}

TEST(ModbusDriver, AnAnswerInPiecesIsWhole) {
  Bench bench(both());
  const auto answer = bench.answer_to(bench.next_request());
  for (const std::byte b : answer) bench.hear(ByteView(&b, 1), 1ms);
  EXPECT_EQ(bench.frames(FrameResult::ok), 1u);
  EXPECT_EQ(bench.frames(FrameResult::resync), 0u);
}

TEST(ModbusDriver, ReadyOnlyWhenEveryMeterHasAnswered) {
  Bench bench(both());
  EXPECT_FALSE(bench.driver->health().ready);
  EXPECT_NE(bench.driver->health().trouble.find("'main' (unit 1) has not answered"),
            std::string::npos);
  bench.dead.insert(battery_unit);
  bench.run(1s);
  EXPECT_FALSE(bench.driver->health().ready);
  EXPECT_GT(bench.count(Point::grid, Measure::power), 0u);
  bench.dead.clear();
  bench.run(5s);
  EXPECT_TRUE(bench.driver->health().ready);
  EXPECT_EQ(bench.driver->health().trouble, "");
}

TEST(ModbusDriver, ADamagedAnswerIsCountedAndAskedAgain) {
  Bench bench(only(main_meter()));
  const auto request = bench.next_request();
  auto answer = bench.answer_to(request);
  answer[10] ^= std::byte{0x10};
  bench.hear(answer);
  EXPECT_EQ(bench.frames(FrameResult::checksum), 1u);
  const Instant heard = bench.now;
  EXPECT_EQ(bench.next_request(), request);
  EXPECT_EQ(bench.asked_at - heard, 60ms) << "at once";
  EXPECT_EQ(bench.frames(FrameResult::timeout), 0u);
  EXPECT_EQ(bench.frames(FrameResult::length), 0u);
}

TEST(ModbusDriver, ACutAnswerIsALengthError) {
  Bench bench(only(main_meter()));
  const auto answer = bench.answer_to(bench.next_request());
  bench.hear(ByteView(answer).first(12));
  bench.next_request();
  EXPECT_EQ(bench.frames(FrameResult::length), 1u);
  bench.hear(ByteView(answer).first(1));
  bench.next_request();
  EXPECT_EQ(bench.frames(FrameResult::length), 2u) << "of one byte too";
  EXPECT_EQ(bench.frames(FrameResult::timeout), 0u);
}

TEST(ModbusDriver, AnAnswerFromAnotherUnitIsNotTaken) {
  Bench bench(only(main_meter()));
  auto request = bench.next_request();
  request.unit = 7;
  bench.hear(bench.answer_to(request));
  EXPECT_EQ(bench.frames(FrameResult::unknown), 1u);
  EXPECT_EQ(bench.frames(FrameResult::ok), 0u);
}

TEST(ModbusDriver, ALateAnswerIsRecognisedAndDropped) {
  Bench bench(both());
  bench.run(2s);
  RtuRequest abandoned;
  while (!is_fast(abandoned = bench.next_request()) || abandoned.unit != main_unit) {
    bench.hear(bench.answer_to(abandoned));
  }
  bench.set(main_unit, 0x000C, 7777.0f);
  const auto late = bench.answer_to(abandoned);
  bench.set(main_unit, 0x000C, 100.0f);

  // In the gap: nothing is pending.
  bench.now = *bench.wake;
  bench.take(bench.driver->on_timer(bench.now));
  EXPECT_EQ(bench.frames(FrameResult::timeout), 1u);
  ASSERT_TRUE(bench.sent.empty());
  bench.hear(late, 10ms);
  EXPECT_EQ(bench.frames(FrameResult::late), 1u);

  // While another meter is asked.
  auto other = bench.next_request();
  for (int i = 0; i < 4 && other.unit != battery_unit; ++i) {
    bench.hear(bench.answer_to(other));
    other = bench.next_request();
  }
  ASSERT_EQ(other.unit, battery_unit);
  bench.hear(late, 10ms);
  EXPECT_EQ(bench.frames(FrameResult::late), 2u);
  const auto ok = bench.frames(FrameResult::ok);
  bench.hear(bench.answer_to(other));
  EXPECT_EQ(bench.frames(FrameResult::ok), ok + 1);
  EXPECT_NE(bench.last(Point::grid, Measure::power), 7777.0);
}

TEST(ModbusDriver, ALateAnswerNeverPassesForAnotherBlock) {
  Bench bench(only(main_meter()));
  bench.run(3s);
  RtuRequest fast;
  RtuRequest request;
  while (!is_fast(fast)) fast = bench.transact();
  while (is_fast(request = bench.next_request())) bench.hear(bench.answer_to(request));
  ASSERT_FALSE(is_fast(request));
  const auto before = bench.samples.size();
  bench.hear(bench.answer_to(fast));
  EXPECT_EQ(bench.samples.size(), before);
}

TEST(ModbusDriver, AnAnswerJustAfterItsDeadlineIsLateEvenIfTheTimerIsSlow) {
  Bench bench(only(main_meter()));
  const auto request = bench.next_request();
  bench.hear(bench.answer_to(request), *bench.wake - bench.now + 1ms);
  EXPECT_EQ(bench.frames(FrameResult::timeout), 1u);
  EXPECT_EQ(bench.frames(FrameResult::late), 1u);
  EXPECT_EQ(bench.frames(FrameResult::ok), 0u);
}

Duration wire_time(const RtuRequest& request);
void transact(Bench& bench, Duration turnaround);

/// Answers after the driver gave up.
void answer_late(Bench& bench, Duration by) {
  const auto request = bench.next_request();
  bench.hear(bench.answer_to(request), *bench.wake - bench.now + by);
}

TEST(ModbusDriver, AnswersThatComeTooLateAreToldWithWhatToRaise) {
  Bench bench(only(main_meter()));
  constexpr auto advice = "answers come 20 ms late: raise response_timeout (now 300 ms)";
  answer_late(bench, 20ms);
  ASSERT_EQ(bench.events_named("response_late"), 1u);
  EXPECT_EQ(bench.events.back().level, Level::warning);
  EXPECT_EQ(bench.events.back().detail,
            "meter=\"main\" unit=1 advice=\"" + std::string(advice) + "\" count=1");
  EXPECT_THAT(bench.driver->health().trouble, Not(HasSubstr("late"))) << "it may be once";
  for (int i = 0; i < 2; ++i) answer_late(bench, 20ms);
  EXPECT_EQ(bench.events_named("meter_lost"), 1u);
  EXPECT_THAT(bench.driver->health().trouble, HasSubstr(advice));
  EXPECT_THAT(bench.driver->health().trouble, Not(HasSubstr("does not answer")));
  for (int i = 3; i < 100; ++i) answer_late(bench, 20ms);
  EXPECT_EQ(bench.events_named("response_late"), 2u) << "the first and the hundredth";
  EXPECT_THAT(
      std::ranges::find(bench.events.rbegin(), bench.events.rend(), "response_late", &Event::name)
          ->detail,
      HasSubstr(" count=100"));
  answer_late(bench, 41500us);
  EXPECT_THAT(bench.driver->health().trouble, HasSubstr("answers come 42 ms late"));
  bench.run(30s);
  EXPECT_EQ(bench.driver->health().trouble, "");
}

TEST(ModbusDriver, AMeterThatWasLateAndIsSilentNowIsSaidToBeSilent) {
  Bench bench(only(main_meter()));
  answer_late(bench, 20ms);
  bench.run(1s);
  bench.dead.insert(main_unit);
  bench.run(5s);
  EXPECT_THAT(bench.driver->health().trouble, HasSubstr("does not answer"));
}

TEST(ModbusDriver, WhatIsLateByTheLearnedLimitAloneIsNotBlamedOnTheSetting) {
  Bench bench(only(main_meter()));
  for (int i = 0; i < 40; ++i) transact(bench, 45ms);
  const auto late = bench.frames(FrameResult::late);
  answer_late(bench, 20ms);
  EXPECT_EQ(bench.frames(FrameResult::late), late + 1);
  EXPECT_EQ(bench.events_named("response_late"), 0u);
}

TEST(ModbusDriver, HowLateIsNotSaidWhereTheResponseMayBeThatOfTheRetry) {
  Bench bench(only(main_meter()));
  const auto request = bench.next_request();
  EXPECT_EQ(bench.next_request(), request) << "asked again";
  bench.hear(bench.answer_to(request));
  bench.hear(bench.answer_to(request), 10ms);  // one of the two came late
  EXPECT_EQ(bench.frames(FrameResult::late), 1u);
  EXPECT_EQ(bench.events_named("response_late"), 0u);
}

TEST(ModbusDriver, HowLateIsSaidOfTheFirstResponseOnly) {
  Bench bench(only(main_meter()));
  for (int i = 0; i < 3; ++i) answer_late(bench, 20ms);
  bench.hear(bench.answer_to(*modbus::decode_request(bench.frame)), 30ms);  // once more
  EXPECT_EQ(bench.frames(FrameResult::late), 4u);
  EXPECT_THAT(bench.driver->health().trouble, HasSubstr("answers come 20 ms late"));
}

/// Another master's request ends the wait for ours, which comes by its deadline or not.
TEST(ModbusDriver, AnAnswerThatWasInterruptedIsLateOnlyBehindItsDeadline) {
  for (const Duration by : {-10ms + 0ns, 0ns, 1ns}) {
    Bench bench(only(main_meter()));
    const auto ours = bench.next_request();
    const Instant deadline = *bench.wake;
    bench.hear(modbus::encode(
        RtuRequest{.unit = 9, .function = modbus::read_input, .start = 0, .count = 2, .data = {}}));
    EXPECT_TRUE(bench.driver->only_listens());
    bench.hear(bench.answer_to(ours), deadline + by - bench.now);
    EXPECT_EQ(bench.frames(FrameResult::late), 1u);
    EXPECT_EQ(bench.frames(FrameResult::unknown), 1u) << "the foreign request";
    EXPECT_EQ(bench.events_named("response_late"), by > 0ns ? 1u : 0u);
  }
}

TEST(ModbusDriver, OnlyAResponseToAnAbandonedRequestIsLate) {
  Bench bench(only(main_meter()));
  auto abandoned = bench.next_request();
  bench.take(bench.driver->on_timer(bench.now = *bench.wake));
  ASSERT_EQ(bench.frames(FrameResult::timeout), 1u);
  auto other = abandoned;
  other.unit = 7;
  bench.hear(bench.answer_to(other), 10ms);
  EXPECT_EQ(bench.frames(FrameResult::unknown), 1u);
  // A pair of another master, of the same shape.
  other = abandoned;
  other.start = 0x0024;
  bench.hear(modbus::encode(other), 10ms);
  bench.hear(bench.answer_to(other), 60ms);
  EXPECT_EQ(bench.frames(FrameResult::unknown), 3u);
  EXPECT_EQ(bench.frames(FrameResult::late), 0u);
}

TEST(ModbusDriver, AnotherMastersAnswerIsNotOursThoughItAsksTheSame) {
  Bench bench(only(main_meter()));
  const auto ours = bench.next_request();
  bench.hear(bench.answer_to(ours));
  const auto samples = bench.samples.size();
  const auto busy = bench.driver->health().wire_busy;
  bench.hear(modbus::encode(ours), 20ms);
  EXPECT_EQ(bench.driver->health().wire_busy - busy, ModbusConfig{}.wire_time(8));
  auto damaged = bench.answer_to(ours);
  bench.hear(damaged, 60ms);
  EXPECT_EQ(bench.frames(FrameResult::unknown), 2u);
  EXPECT_EQ(bench.frames(FrameResult::ok), 1u);
  EXPECT_EQ(bench.samples.size(), samples);
  bench.hear(modbus::encode(ours), 20ms);
  damaged[9] ^= std::byte{1};
  bench.hear(damaged, 60ms);
  EXPECT_EQ(bench.frames(FrameResult::checksum), 1u);
  EXPECT_EQ(bench.frames(FrameResult::unknown), 3u);
}

TEST(ModbusDriver, EachRunOfNoiseIsCountedOnce) {
  Bench bench(both());
  for (unsigned n = 1; n <= 4; ++n) {
    bench.transact();
    bench.hear(*from_hex("000000"), 5ms);
    EXPECT_EQ(bench.frames(FrameResult::resync), n);
  }
}

TEST(ModbusDriver, WhatWasHeardBeforeTheLineWasOpenedIsForgotten) {
  ModbusConfig config = only(main_meter());
  config.other_master_wait = 3s;
  const RtuRequest other{
      .unit = 9, .function = modbus::read_input, .start = 0, .count = 2, .data = {}};
  Bench bench(config);
  EXPECT_TRUE(bench.driver->only_listens());
  bench.driver->on_down(bench.now);
  EXPECT_FALSE(bench.driver->only_listens());
  EXPECT_THAT(bench.driver->health().trouble, HasSubstr("has not answered yet"));
  bench.take(bench.driver->on_start(bench.now += 1s));
  bench.hear(modbus::encode(other), 10ms);
  ASSERT_TRUE(bench.driver->health().faults.any());
  bench.hear(*from_hex("010424"), 10ms);  // cut
  bench.driver->on_down(bench.now);
  EXPECT_FALSE(bench.driver->health().faults.any());
  EXPECT_FALSE(bench.driver->only_listens());
  bench.take(bench.driver->on_start(bench.now += 1s));
  EXPECT_FALSE(bench.driver->health().faults.any());
  bench.hear(modbus::encode(other), 10ms);
  EXPECT_TRUE(bench.driver->health().faults.any()) << "heard at once";
  EXPECT_EQ(bench.events_named("bus_contended"), 2u);
  EXPECT_EQ(bench.events_named("bus_idle"), 0u);
}

TEST(ModbusDriver, AnotherMasterIsGivenTheConfiguredWaitIfThatIsLonger) {
  ModbusConfig config = only(main_meter());
  config.other_master_wait = 10s;
  Bench bench(config);
  (void)bench.next_request();
  bench.hear(modbus::encode(
      RtuRequest{.unit = 9, .function = modbus::read_input, .start = 0, .count = 2, .data = {}}));
  const Instant heard = bench.now;
  (void)bench.next_request();
  EXPECT_EQ(bench.asked_at - heard, 10s);
}

TEST(ModbusDriver, BeforeItIsStartedItAsksAndHearsNothing) {
  const auto driver = make_modbus_driver(both());
  EXPECT_FALSE(driver->only_listens());
  EXPECT_FALSE(driver->health().ready);
  EXPECT_THAT(driver->health().trouble, HasSubstr("'battery' (unit 244) has not answered yet"));
  const Step step = driver->on_timer(Instant{1000s});
  EXPECT_TRUE(step.send.empty());
  EXPECT_FALSE(step.wake_at);
  EXPECT_FALSE(driver->on_bytes(*from_hex("00"), Instant{1001s}).wake_at);
  EXPECT_EQ(driver->health().wire_busy, 0s);
}

TEST(ModbusDriver, OnlyListensWhileItWaitsForAnotherMaster) {
  ModbusConfig config = only(main_meter());
  config.other_master_wait = 60s;
  Bench bench(config);
  EXPECT_TRUE(bench.driver->only_listens());
  (void)bench.next_request();
  EXPECT_EQ(bench.now, Instant{1060s});
  EXPECT_FALSE(bench.driver->only_listens());
}

TEST(ModbusDriver, TheEchoOfOurRequestIsStripped) {
  Bench bench(both());
  for (int i = 0; i < 50; ++i) {
    const auto request = bench.next_request();
    bench.hear(bench.frame, 9ms);
    bench.hear(bench.answer_to(request), 60ms);
  }
  EXPECT_EQ(bench.frames(FrameResult::ok), 50u);
  EXPECT_EQ(bench.frames(FrameResult::unknown), 0u);
  EXPECT_EQ(bench.frames(FrameResult::resync), 0u);
}

TEST(ModbusDriver, AnEchoWithoutAnAnswerIsATimeout) {
  Bench bench(only(main_meter()));
  bench.next_request();
  bench.hear(bench.frame, 9ms);
  bench.next_request();
  EXPECT_EQ(bench.frames(FrameResult::timeout), 1u);
  EXPECT_EQ(bench.frames(FrameResult::length), 0u);
}

TEST(ModbusDriver, AForeignRequestIsCountedNotTakenForAnEcho) {
  Bench bench(only(main_meter()));
  bench.next_request();
  bench.hear(modbus::encode({.unit = 9, .function = 4, .start = 0, .count = 2, .data = {}}));
  EXPECT_EQ(bench.frames(FrameResult::unknown), 1u);
}

TEST(ModbusDriver, ADeadMeterIsLostAfterItsRetriesAndBacksOff) {
  Bench bench(both());
  bench.dead.insert(battery_unit);
  std::vector<Instant> asked;
  while (bench.now < Instant{1060s}) {
    if (bench.transact().unit == battery_unit) asked.push_back(bench.asked_at);
  }
  ASSERT_GE(asked.size(), 7u);
  // One attempt and two retries in successive turns, then 1, 2, 4, 8, 10, 10 s.
  EXPECT_LT(asked[2] - asked[0], 3s);
  for (std::size_t i = 3; i < asked.size(); ++i) {
    const Duration pause = asked[i] - asked[i - 1];
    const Duration back_off = std::min<Duration>(1s * (1 << (i - 3)), 10s);
    EXPECT_GE(pause, back_off);
    EXPECT_LT(pause, back_off + 1s);
  }
  EXPECT_EQ(bench.events_named("meter_lost"), 1u);
  EXPECT_FALSE(bench.driver->health().ready);
  EXPECT_NE(bench.driver->health().trouble.find("'battery' (unit 244) does not answer"),
            std::string::npos);
  EXPECT_NE(bench.driver->health().trouble.find("9600 baud"), std::string::npos);

  bench.dead.clear();
  bench.run(15s);
  EXPECT_EQ(bench.events_named("meter_back"), 1u);
  EXPECT_TRUE(bench.driver->health().ready);
}

TEST(ModbusDriver, ADeadMeterDoesNotStarveTheOthers) {
  Bench bench(both());
  bench.run(3s);
  bench.dead.insert(battery_unit);
  Instant last_grid = bench.now;
  Duration worst{};
  Duration total_waits{};
  while (bench.now < Instant{1060s}) {
    const auto request = bench.transact();
    if (request.unit != main_unit || !is_fast(request)) continue;
    worst = std::max(worst, bench.now - last_grid);
    if (bench.now - last_grid > 300ms) total_waits += bench.now - last_grid;
    last_grid = bench.now;
  }
  EXPECT_LT(worst, 700ms) << "at most one answer limit and one slow block between two grid reads";
  EXPECT_LT(total_waits, 8s) << "of 60 s";
}

TEST(ModbusDriver, LossIsToldFirstAndEveryHundredthTime) {
  Bench bench(only(main_meter()));
  bench.dead.insert(main_unit);
  bench.run(1100s);
  EXPECT_EQ(bench.events_named("meter_lost"), 2u);
}

TEST(ModbusDriver, ABlockThatIsRefusedDoesNotLoseTheMeter) {
  Bench bench(only(main_meter()));
  for (int i = 0; i < 300; ++i) {
    const auto request = bench.next_request();
    bench.set(main_unit, 0, 230.0f + 0.01f * static_cast<float>(i % 7));
    if (request.start == 0x015A) {
      bench.hear(modbus::encode_exception(1, 4, modbus::Exception::illegal_address));
    } else {
      bench.hear(bench.answer_to(request));
    }
  }
  EXPECT_TRUE(bench.driver->health().ready);
  EXPECT_EQ(bench.events_named("meter_lost"), 0u);
  EXPECT_GT(bench.count(Point::grid, Measure::power), 200u);
  EXPECT_GE(bench.frames(FrameResult::exception), 3u);
  EXPECT_LE(bench.frames(FrameResult::exception), 15u);
}

TEST(ModbusDriver, AMeterThatRefusesItsFastBlockIsNamedAsSuch) {
  Bench bench(only(main_meter()));
  for (int i = 0; i < 3; ++i) {
    bench.next_request();
    bench.hear(modbus::encode_exception(1, 4, modbus::Exception::illegal_address));
  }
  EXPECT_NE(bench.driver->health().trouble.find("refuses to be read"), std::string::npos);
  ASSERT_EQ(bench.events_named("meter_lost"), 1u);
  EXPECT_EQ(bench.events.back().detail,
            "meter=\"main\" unit=1 failures=3 "
            "exception=\"exception 2: illegal register or number of registers\"");
}

TEST(ModbusDriver, AMeterThatRefusedAndIsSilentNowIsSaidToBeSilent) {
  Bench bench(only(main_meter()));
  for (int i = 0; i < 2; ++i) {
    bench.next_request();
    bench.hear(modbus::encode_exception(1, 4, modbus::Exception::illegal_address));
  }
  bench.next_request();
  bench.next_request();
  ASSERT_EQ(bench.events_named("meter_lost"), 1u);
  EXPECT_EQ(bench.events.back().detail, "meter=\"main\" unit=1 failures=3");
  EXPECT_THAT(bench.driver->health().trouble, HasSubstr("does not answer"));
}

TEST(ModbusDriver, SwappedWordsAreRecognisedAndNothingIsBelieved) {
  Bench bench(both());
  bench.swapped = true;
  bench.run(25s);
  EXPECT_TRUE(bench.samples.empty());
  EXPECT_FALSE(bench.driver->health().ready);
  EXPECT_NE(bench.driver->health().trouble.find("words in the wrong order"), std::string::npos);
  EXPECT_EQ(bench.events_named("word_order"), 2u) << "once a meter";
  bench.swapped = false;
  bench.run(25s);
  EXPECT_TRUE(bench.driver->health().ready);
  EXPECT_EQ(bench.events_named("meter_back"), 2u);
}

TEST(ModbusDriver, WordsThatSwapLaterAreRecognisedBeforeThePowerIsBelieved) {
  Bench bench(only(main_meter()));
  bench.set(main_unit, 0x000C, 31.26147f);  // swapped: 8e-25 W, a plausible nothing
  bench.run(2s);
  ASSERT_TRUE(bench.driver->health().ready);
  bench.samples.clear();
  bench.swapped = true;
  bench.run(2s);
  EXPECT_EQ(bench.count(Point::grid, Measure::power), 0u);
  EXPECT_FALSE(bench.driver->health().ready);
}

TEST(ModbusDriver, WithoutLineVoltageAtTheStartNothingIsBelieved) {
  Bench bench(only(battery_meter()));
  bench.set(battery_unit, 0, 0.0f);
  bench.lively = false;
  bench.run(5s);
  EXPECT_TRUE(bench.samples.empty());
  EXPECT_NE(bench.driver->health().trouble.find("no line voltage"), std::string::npos);
  bench.set(battery_unit, 0, 229.0f);
  bench.run(5s);
  EXPECT_TRUE(bench.driver->health().ready);
}

TEST(ModbusDriver, AMeterInSinglePhaseModeIsNotBelieved) {
  Bench bench(only(main_meter()));
  bench.holding[0x000A] = 1.0f;
  bench.run(30s);
  EXPECT_TRUE(bench.samples.empty());
  EXPECT_EQ(bench.events_named("wrong_system_type"), 1u);
  EXPECT_NE(bench.driver->health().trouble.find("1P2W"), std::string::npos);
  EXPECT_NE(bench.driver->health().trouble.find("3P4W"), std::string::npos);
  bench.holding[0x000A] = 3.0f;
  bench.run(15s);
  EXPECT_TRUE(bench.driver->health().ready);
  EXPECT_EQ(bench.driver->health().trouble, "");
}

TEST(ModbusDriver, AMeterThatRefusesTheSystemTypeIsBelieved) {
  Bench bench(only(main_meter()));
  bench.transact();
  const auto request = bench.next_request();
  ASSERT_EQ(request.function, modbus::read_holding);
  EXPECT_EQ(request.start, 0x000A);
  bench.hear(modbus::encode_exception(1, 3, modbus::Exception::illegal_address));
  bench.transact();
  EXPECT_TRUE(bench.driver->health().ready);
}

TEST(ModbusDriver, TheSystemTypeIsNotAskedWherePhasesTwoAndThreeAreUnused) {
  auto meter = main_meter();
  meter.channels.pop_back();
  Bench bench(only(meter));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(bench.transact().function, modbus::read_input);
}

TEST(ModbusDriver, AnImpossibleValueIsDroppedAndCounted) {
  Bench bench(only(main_meter()));
  bench.run(1s);
  const auto content = bench.frames(FrameResult::content);
  bench.set(main_unit, 0x000C, 45000.0f);
  bench.samples.clear();
  bench.transact();
  while (!is_fast(bench.transact())) {
  }
  EXPECT_EQ(bench.count(Point::grid, Measure::power), 0u);
  EXPECT_GT(bench.count(Point::solar, Measure::power), 0u) << "the other channel goes on";
  EXPECT_GT(bench.frames(FrameResult::content), content);
}

TEST(ModbusDriver, AChannelWithAnImpossibleVoltageIsNotBelievedInItsPower) {
  Bench bench(only(main_meter()));
  bench.run(1s);
  bench.set(main_unit, 0x0002, 1000.0f);
  bench.samples.clear();
  bench.run(1s);
  EXPECT_EQ(bench.count(Point::solar, Measure::power), 0u);
  EXPECT_GT(bench.count(Point::grid, Measure::power), 0u);
}

TEST(ModbusDriver, AFallingEnergyIsDroppedUntilItComesThreeTimesInARow) {
  Bench bench(only(battery_meter()));
  const auto read_energy = [&](float kwh) {
    bench.set(battery_unit, 0x0048, kwh);
    bench.samples.clear();
    while (bench.transact().start != 0x0046) {
    }
    return bench.last(Point::battery_meter, Measure::energy_forward);
  };
  EXPECT_FALSE(read_energy(100.0f)) << "confirmed by the next";
  EXPECT_EQ(read_energy(100.0f), 100000.0);
  EXPECT_FALSE(read_energy(1.0f));
  EXPECT_EQ(read_energy(101.0f), 101000.0);
  EXPECT_FALSE(read_energy(1.0f));
  EXPECT_FALSE(read_energy(1.0f));
  EXPECT_EQ(read_energy(2.0f), 2000.0) << "the meter was exchanged";
  EXPECT_FALSE(read_energy(1.0f));
}

TEST(ModbusDriver, AFrozenGridMeterIsNotBelieved) {
  Bench bench(both());
  bench.set(main_unit, 0x000C, 400.0f);
  bench.run(2s);
  bench.lively = false;
  const Instant frozen_at = bench.now;
  while (!bench.driver->health().faults.any() && bench.now < frozen_at + 20s) bench.transact();
  EXPECT_EQ(bench.driver->health().faults, FaultFlags{Fault::grid_meter_frozen});
  EXPECT_NEAR(Seconds(bench.now - frozen_at).count(), 10.0, 0.7);
  EXPECT_FALSE(bench.driver->health().ready);

  bench.samples.clear();
  bench.run(5s);
  EXPECT_EQ(bench.count(Point::grid, Measure::power), 0u);
  EXPECT_EQ(bench.count(Point::grid, Measure::frequency), 0u);
  EXPECT_EQ(bench.count(Point::solar, Measure::power), 0u) << "all channels of that meter";
  EXPECT_GT(bench.count(Point::battery_meter, Measure::power), 0u) << "no grid channel, no watch";

  bench.lively = true;
  bench.run(1s);
  EXPECT_FALSE(bench.driver->health().faults.any());
  EXPECT_TRUE(bench.driver->health().ready);
  EXPECT_GT(bench.count(Point::grid, Measure::power), 0u);
}

TEST(ModbusDriver, ASteadyPowerAloneIsNotFrozen) {
  Bench bench(only(main_meter()));
  bench.run(30s);  // only the voltage moves
  EXPECT_FALSE(bench.driver->health().faults.any());
  EXPECT_TRUE(bench.driver->health().ready);
}

// ---- another master (docs/safety.md F19) --------------------------------------------------------

constexpr RtuRequest foreign{
    .unit = main_unit, .function = modbus::read_input, .start = 0x0024, .count = 18, .data = {}};

ModbusConfig listening() {
  auto config = both();
  config.other_master_wait = ModbusConfig{}.other_master_wait;
  return config;
}

TEST(ModbusDriver, ListensForThreeSecondsBeforeItsFirstRequest) {
  Bench bench(listening());
  const Instant start = bench.now;
  EXPECT_NE(bench.driver->health().trouble.find("listens"), std::string::npos);
  bench.take(bench.driver->on_timer(start + 2999ms));
  EXPECT_TRUE(bench.sent.empty());
  bench.next_request();
  EXPECT_EQ(bench.asked_at, start + 3s);
  EXPECT_FALSE(bench.driver->health().faults.any());
  EXPECT_TRUE(bench.events.empty()) << "there was none to be idle";
}

TEST(ModbusDriver, WhereAnotherMasterTalksNothingIsEverAsked) {
  Bench bench(listening());
  Instant last{};
  for (int i = 0; i < 60; ++i) {
    last = bench.now + 500ms;
    bench.hear(modbus::encode(foreign), 500ms);
    bench.hear(bench.answer_to(foreign), 90ms);
    bench.take(bench.driver->on_timer(bench.now + 1ms));
    EXPECT_EQ(bench.driver->health().faults, FaultFlags{Fault::bus_contended});
    EXPECT_FALSE(bench.driver->health().ready);
  }
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_TRUE(bench.samples.empty());
  EXPECT_EQ(bench.events_named("bus_contended"), 1u);
  EXPECT_NE(bench.driver->health().trouble.find("mode = \"sniff\""), std::string::npos);

  bench.next_request();
  EXPECT_EQ(bench.asked_at - last, 3s) << "quiet for 3 s";
  EXPECT_FALSE(bench.driver->health().faults.any());
  EXPECT_EQ(bench.events_named("bus_idle"), 1u);
}

TEST(ModbusDriver, AForeignRequestWhilePollingStopsIt) {
  Bench bench(both());
  bench.run(3s);
  ASSERT_TRUE(bench.driver->health().ready);
  RtuRequest ours;
  while (!is_fast(ours = bench.next_request()) || ours.unit != main_unit) {
    bench.hear(bench.answer_to(ours));
  }
  bench.samples.clear();
  bench.hear(modbus::encode(foreign), 9ms);
  EXPECT_EQ(bench.driver->health().faults, FaultFlags{Fault::bus_contended});
  EXPECT_FALSE(bench.driver->health().ready);
  const Instant heard = bench.now;
  // The answer has unit, function and length of the one we awaited.
  ASSERT_TRUE(modbus::is_response(bench.answer_to(foreign), ours));
  bench.hear(bench.answer_to(foreign), 90ms);
  EXPECT_TRUE(bench.samples.empty());
  bench.next_request();
  EXPECT_EQ(bench.asked_at - heard, 3s);
  EXPECT_FALSE(bench.driver->health().faults.any());
  bench.hear(bench.answer_to(*modbus::decode_request(bench.frame)));
  bench.run(1s);
  EXPECT_TRUE(bench.driver->health().ready) << bench.driver->health().trouble;
}

TEST(ModbusDriver, AFrozenMeterAndAnotherMasterAreBothFaults) {
  Bench bench(both());
  bench.run(2s);
  bench.lively = false;
  bench.run(12s);
  bench.next_request();
  bench.hear(modbus::encode(foreign), 9ms);
  EXPECT_EQ(bench.driver->health().faults,
            (FaultFlags{Fault::grid_meter_frozen, Fault::bus_contended}));
}

TEST(ModbusDriver, AForeignRequestBehindACutFrameIsFoundBeforeTheFirstRequest) {
  Bench bench(listening());
  bench.hear(*from_hex("010424"), 1s);  // 41 bytes are awaited
  bench.hear(modbus::encode(foreign), 10ms);
  EXPECT_FALSE(bench.driver->health().faults.any());
  const Instant heard = bench.now;
  bench.next_request();
  EXPECT_EQ(bench.asked_at - heard, 3s);
  EXPECT_EQ(bench.events_named("bus_contended"), 1u);
}

TEST(ModbusDriver, NoiseAndEchoesAreNoMaster) {
  Bench bench(listening());
  auto damaged = modbus::encode(foreign);
  damaged[3] ^= std::byte{4};
  bench.hear(damaged, 1s);
  for (int i = 0; i < 50; ++i) {
    const auto request = bench.next_request();
    bench.hear(bench.frame, 9ms);
    bench.hear(*from_hex("00FF"), 20ms);
    bench.hear(bench.answer_to(request), 60ms);
  }
  EXPECT_EQ(bench.events_named("bus_contended"), 0u);
}

// ---- timing and accounting ----------------------------------------------------------------------

Duration wire_time(const RtuRequest& request) {
  return ModbusConfig{}.wire_time(
      static_cast<double>(modbus::request_size + modbus::response_size(request)));
}
/// One transaction whose answer begins `turnaround` after the request's last bit.
void transact(Bench& bench, Duration turnaround) {
  const auto request = bench.next_request();
  if (bench.dead.contains(request.unit)) return;
  bench.registers[{request.unit, 0}] += 0.01f;
  bench.hear(bench.answer_to(request), wire_time(request) + turnaround);
}
/// How long the answer of the request now in flight is waited for, its time on the wire apart.
Duration patience(const Bench& bench, const RtuRequest& request) {
  return *bench.wake - bench.asked_at - wire_time(request);
}

TEST(ModbusDriver, WaitsAsLongAsTheMeterWasFoundToNeed) {
  Bench bench(only(main_meter()));
  auto request = bench.next_request();
  EXPECT_EQ(patience(bench, request), 300ms);
  bench.hear(bench.answer_to(request), wire_time(request) + 50ms);
  for (int i = 0; i < 30; ++i) transact(bench, 60ms);
  request = bench.next_request();
  EXPECT_EQ(patience(bench, request), 90ms);
  ASSERT_EQ(bench.driver->health().devices.size(), 1u);
  const auto& timing = bench.driver->health().devices[0];
  EXPECT_EQ(timing.device, "main");
  EXPECT_EQ(timing.turnaround, 60ms);
  EXPECT_EQ(timing.limit, 90ms);
}

/// What failed in the learned time is given the configured one, whichever block it is of.
TEST(ModbusDriver, AfterAFailureItWaitsAsLongAsConfigured) {
  Bench bench(only(main_meter()));
  const auto next = [&](std::string_view name) {
    auto request = bench.next_request();
    for (; name_of(request) != name; request = bench.next_request()) {
      bench.registers[{main_unit, 0}] += 0.01f;
      bench.hear(bench.answer_to(request), wire_time(request) + 60ms);
    }
    return request;
  };
  const auto limit = [&] { return bench.driver->health().devices.at(0).limit; };
  for (int i = 0; i < 19; ++i) transact(bench, 60ms);
  EXPECT_TRUE(bench.driver->health().devices.empty()) << "not learned yet";
  for (int i = 0; i < 11; ++i) transact(bench, 60ms);
  auto request = next("main 0046");
  EXPECT_EQ(patience(bench, request), 90ms);  // and no answer
  request = next("main fast");
  EXPECT_EQ(patience(bench, request), 90ms) << "the meter is there";
  request = next("main 0046");
  EXPECT_EQ(patience(bench, request), 300ms);
  bench.hear(bench.answer_to(request), wire_time(request) + 60ms);
  request = next("main 0046");
  EXPECT_EQ(patience(bench, request), 90ms) << "it answered";

  request = next("main fast");
  EXPECT_EQ(patience(bench, request), 90ms);
  EXPECT_EQ(limit(), 90ms);
  bench.take(bench.driver->on_timer(bench.now = *bench.wake));
  EXPECT_EQ(limit(), 300ms) << "how long its next answer is waited for";
  request = bench.next_request();
  EXPECT_EQ(patience(bench, request), 300ms);
  bench.hear(bench.answer_to(request), wire_time(request) + 60ms);
  EXPECT_EQ(limit(), 90ms);
}

TEST(ModbusDriver, TheLearnedLimitStaysWithinFiftyMillisecondsAndTheConfiguredOne) {
  Bench quick(only(main_meter()));
  for (int i = 0; i < 30; ++i) transact(quick, 1ms);
  EXPECT_EQ(patience(quick, quick.next_request()), 50ms);
  Bench slow(only(main_meter()));
  for (int i = 0; i < 30; ++i) transact(slow, 290ms);
  EXPECT_EQ(patience(slow, slow.next_request()), 300ms);
}

TEST(ModbusDriver, AMeterThatBecomesSlowIsLearnedAnewAndNotLost) {
  Bench bench(only(main_meter()));
  for (int i = 0; i < 250; ++i) transact(bench, 40ms);
  const auto before = bench.frames(FrameResult::timeout);
  for (int i = 0; i < 20; ++i) {
    const auto request = bench.next_request();
    if (patience(bench, request) < 150ms) continue;  // it comes too late: asked again
    bench.hear(bench.answer_to(request), wire_time(request) + 150ms);
  }
  EXPECT_EQ(patience(bench, bench.next_request()), 225ms);
  EXPECT_LE(bench.frames(FrameResult::timeout) - before, 4u);
  EXPECT_EQ(bench.events_named("meter_lost"), 0u);
}

TEST(ModbusDriver, ADeadMeterCostsAtMostOneAnswerLimitInEachBackOff) {
  Bench bench(both());
  for (int i = 0; i < 100; ++i) transact(bench, 45ms);
  bench.dead.insert(battery_unit);
  for (const Instant end = bench.now + 30s; bench.now < end;) transact(bench, 45ms);
  // The back-off has reached 10 s.
  const Instant start = bench.now;
  const auto timeouts = bench.frames(FrameResult::timeout);
  Duration longest{};
  Instant last = start;
  while (bench.now < start + 100s) {
    transact(bench, 45ms);
    if (!is_fast(*modbus::decode_request(bench.frame)) || bench.frame[0] != std::byte{main_unit}) {
      continue;
    }
    longest = std::max(longest, bench.now - last);
    last = bench.now;
  }
  EXPECT_LE(bench.frames(FrameResult::timeout) - timeouts, 10u);
  EXPECT_GE(bench.frames(FrameResult::timeout) - timeouts, 9u) << "it is still looked for";
  EXPECT_LT(longest, 300ms + 2 * 160ms + 100ms) << "one limit, one slow block and the read itself";
}

TEST(ModbusDriver, ASlowMeterDoesNotStarveTheOthers) {
  Bench bench(both());
  Instant last_grid = bench.now;
  Duration longest{};
  unsigned slow_answers = 0;
  for (int i = 0; i < 400; ++i) {
    const auto request = bench.next_request();
    const bool slow = request.unit == battery_unit;
    slow_answers += slow ? 1 : 0;
    bench.set(main_unit, 0, 230.0f + 0.01f * static_cast<float>(i % 7));
    bench.hear(bench.answer_to(request), wire_time(request) + (slow ? 280ms : 45ms));
    if (request.unit != main_unit || !is_fast(request)) continue;
    longest = std::max(longest, bench.now - std::exchange(last_grid, bench.now));
  }
  EXPECT_GT(slow_answers, 40u);
  EXPECT_EQ(bench.frames(FrameResult::timeout), 0u);
  EXPECT_LT(longest, 300ms + 2 * 160ms + 100ms) << "its answer, one slow block, the read itself";
}

TEST(ModbusDriver, EveryAnswerIsCountedOnceInTheRoundTrips) {
  Bench bench(only(main_meter()));
  for (int i = 0; i < 40; ++i) transact(bench, 45ms);
  const auto& health = bench.driver->health();
  EXPECT_EQ(health.round_trip.count(), 40u);
  EXPECT_EQ(health.frames[FrameResult::ok], 40u);
  // 49 characters and 45 ms are 96 ms; the shorter blocks between take less.
  EXPECT_GT(health.round_trip.buckets[4], 30u) << "75 to 100 ms";
  EXPECT_NEAR(health.round_trip.sum_seconds, 40 * 0.096, 0.2);
  EXPECT_NEAR(Seconds(health.wire_busy).count() + 40 * 0.045, health.round_trip.sum_seconds, 1e-6);
}

TEST(ModbusDriver, AnEchoIsOnTheWireOnce) {
  Bench plain(both());
  Bench echoing(both());
  for (int i = 0; i < 20; ++i) {
    auto request = plain.next_request();
    plain.hear(plain.answer_to(request), 110ms);
    request = echoing.next_request();
    echoing.hear(echoing.frame, 9ms);
    echoing.hear(echoing.answer_to(request), 101ms);
  }
  EXPECT_EQ(plain.driver->health().wire_busy, echoing.driver->health().wire_busy);
}

TEST(ModbusDriver, AfterTheLineIsDownNothingIsAskedOrReady) {
  Bench bench(both());
  bench.run(3s);
  ASSERT_TRUE(bench.driver->health().ready);
  bench.driver->on_down(bench.now);
  EXPECT_FALSE(bench.driver->health().ready);
  bench.sent.clear();
  bench.take(bench.driver->on_timer(bench.now + 10s));
  bench.take(bench.driver->on_bytes(*from_hex("0104"), bench.now + 10s));
  EXPECT_TRUE(bench.sent.empty());
  bench.now += 20s;
  bench.take(bench.driver->on_start(bench.now));
  bench.run(3s);
  EXPECT_TRUE(bench.driver->health().ready);
}

TEST(ModbusDriver, NoiseInTheGapDelaysTheNextRequestButNotForEver) {
  Bench bench(both());
  bench.transact();
  const Instant end = bench.now;
  bench.hear(*from_hex("00"), 30ms);
  EXPECT_EQ(*bench.wake, bench.now + 60ms);
  while (bench.sent.empty() && bench.now < end + 5s) bench.hear(*from_hex("00"), 10ms);
  EXPECT_EQ(bench.now - end, 1060ms) << "the gap, and a second of noise";
  EXPECT_FALSE(bench.sent.empty());
  EXPECT_EQ(bench.frames(FrameResult::resync), 1u) << "one run";
}

TEST(ModbusDriver, NoiseDelaysTheProbeOfALostMeterByASecond) {
  Bench bench(only(battery_meter()));
  bench.dead = {battery_unit};
  for (int i = 0; i < 3; ++i) bench.next_request();
  bench.take(bench.driver->on_timer(bench.now = *bench.wake));
  ASSERT_EQ(bench.events_named("meter_lost"), 1u);
  const Instant due = bench.now + 1s;
  bench.take(bench.driver->on_timer(bench.now += 60ms));
  ASSERT_EQ(bench.wake, due);
  while (bench.sent.empty() && bench.now < due + 5s) {
    bench.hear(*from_hex("00"), 10ms);
    bench.take(bench.driver->on_timer(bench.now));
  }
  EXPECT_GE(bench.now, due + 1s);
  EXPECT_LE(bench.now, due + 1010ms);
}

TEST(ModbusDriver, AnAnswerCountsUpToTheDeadline) {
  for (const Duration late : {0ns, 1ns}) {
    Bench bench(only(main_meter()));
    const auto request = bench.next_request();
    bench.hear(bench.answer_to(request), *bench.wake - bench.now + late);
    EXPECT_EQ(bench.frames(FrameResult::ok), late == 0ns ? 1u : 0u);
    EXPECT_EQ(bench.frames(FrameResult::late), late == 0ns ? 0u : 1u);
  }
}

TEST(ModbusDriver, OnlyTheFirstEchoIsOne) {
  Bench bench(only(main_meter()));
  bench.next_request();
  bench.hear(bench.frame, 9ms);
  bench.hear(bench.frame, 9ms);
  EXPECT_EQ(bench.events_named("bus_contended"), 1u) << "somebody else asks the same";
}

TEST(ModbusDriver, ABusWithoutMetersAsksNothing) {
  Bench bench{ModbusConfig{}};
  EXPECT_FALSE(bench.driver->health().ready);
  bench.take(bench.driver->on_timer(bench.now + 1s));
  EXPECT_TRUE(bench.sent.empty());
  const Step step = bench.driver->on_timer(bench.now + 10s);
  EXPECT_TRUE(step.send.empty());
  EXPECT_FALSE(step.wake_at) << "nothing to come back for";
}

// ---- the rota, request by request ---------------------------------------------------------------

std::string next_names(Bench& bench, int requests) {
  std::string names;
  for (int i = 0; i < requests; ++i) names += (i ? ", " : "") + name_of(bench.transact());
  return names;
}

constexpr auto first_of_both =
    "main fast, battery 0000, main type, main fast, main fast, main 0046, main fast, main fast, "
    "main fast, battery fast";
constexpr auto first_of_main =
    "main fast, main type, main fast, main 0046, main fast, main fast, main fast, main 015A, "
    "main fast, main fast";

/// The proofs of each in its turn, then its values; of slow blocks equally due the first.
TEST(ModbusDriver, AsksInTheSameOrderAfterEachOpeningOfTheLine) {
  for (const bool two : {false, true}) {
    const ModbusConfig config = two ? both() : only(main_meter());
    const std::string first = next_names(*std::make_unique<Bench>(config), 10);
    EXPECT_EQ(first, two ? first_of_both : first_of_main);
    for (int before = 0; before < 12; ++before)
      for (const bool told : {false, true}) {
        Bench bench(config);
        for (int i = 0; i < before; ++i) bench.transact();
        (void)bench.next_request();  // in flight, and an answer begins
        bench.hear(*from_hex("0104"), 20ms);
        if (told) bench.driver->on_down(bench.now);
        bench.now += told ? 20s : 10ms;
        bench.sent.clear();
        const auto timeouts = bench.frames(FrameResult::timeout);
        const auto lengths = bench.frames(FrameResult::length);
        const Instant start = bench.now;
        bench.take(bench.driver->on_start(start));
        EXPECT_FALSE(bench.driver->health().ready);
        EXPECT_EQ(bench.wake, start + 60ms);
        EXPECT_EQ(next_names(bench, 10), first) << before;
        EXPECT_EQ(bench.frames(FrameResult::timeout), timeouts);
        EXPECT_EQ(bench.frames(FrameResult::length), lengths);
      }
  }
}

TEST(ModbusDriver, EachRequestGoesWithTheWakeUpAtTheEndOfTheGap) {
  auto meter = main_meter();
  meter.channels.pop_back();
  Bench bench(only(meter));
  for (int i = 0; i < 60; ++i) {
    bench.transact();
    ASSERT_EQ(bench.wake, bench.now + 60ms);
    bench.take(bench.driver->on_timer(bench.now + 60ms));
    ASSERT_EQ(bench.sent.size(), 1u) << i;
    bench.now += 60ms;
  }
}

TEST(ModbusDriver, WithoutAGridMeterAllHaveTheSameTurns) {
  ModbusConfig config = with_others(2);
  config.meters.erase(config.meters.begin());
  Bench bench(config);
  set_others(bench, 2);
  std::map<unsigned, int> asked;
  for (int i = 0; i < 200; ++i) {
    const auto request = bench.transact();
    asked[request.unit] += request.start == 0x000C ? 1 : 0;
  }
  EXPECT_GT(asked[100], 60);
  EXPECT_NEAR(asked[100], asked[101], 1);
}

TEST(ModbusDriver, TheGridIsReadMostOftenWhicheverMeterItIsOf) {
  auto config = both();
  config.meters[0].channels = {{.phase = 1, .point = Point::solar, .invert = false}};
  config.meters[1].channels[0].point = Point::grid;
  Bench bench(config);
  bench.run(5s);
  int grid_reads = 0;
  for (int i = 0; i < 400; ++i) grid_reads += name_of(bench.transact()) == "battery fast" ? 1 : 0;
  EXPECT_NEAR(grid_reads, 300, 2);
}

TEST(ModbusDriver, AMeterThatIsLostTakesNoTurnFromTheGrid) {
  ModbusConfig config = with_others(2);
  Bench bench(config);
  set_others(bench, 2);
  bench.run(3s);
  bench.dead = {101};
  bench.run(40s);
  int grid_reads = 0;
  for (int i = 0; i < 400; ++i) grid_reads += name_of(bench.transact()) == "main fast" ? 1 : 0;
  EXPECT_NEAR(grid_reads, 300, 6);
}

/// On a slow line there are fewer: wherever the grid's meter stands.
TEST(ModbusDriver, OnASlowLineTheOthersAreWaitedForNoLongerThanTwoSeconds) {
  for (const bool swapped : {false, true}) {
    auto config = both();
    config.baud = 2400;
    if (swapped) std::swap(config.meters[0], config.meters[1]);
    Bench bench(config);
    const auto answer_slowly = [&] {
      const auto request = bench.next_request();
      bench.registers[{request.unit, 0}] += 0.01f;
      bench.hear(bench.answer_to(request),
                 config.wire_time(static_cast<double>(8 + modbus::response_size(request))) + 50ms);
      return request;
    };
    for (int i = 0; i < 10; ++i) (void)answer_slowly();
    Instant last = bench.now;
    Duration longest{};
    for (int i = 0; i < 200; ++i) {
      if (name_of(answer_slowly()) != "battery fast") continue;
      longest = std::max<Duration>(longest, bench.asked_at - std::exchange(last, bench.asked_at));
    }
    EXPECT_LT(longest, 2s) << swapped;
    EXPECT_GT(longest, 1s) << swapped;
  }
}

/// How often the grid comes before another meter that has waited so long: exact to the nanosecond.
TEST(ModbusDriver, AMeterThatWaitsForASecondComesSoonerAndForTwoTheGridHasItsTurn) {
  struct Row {
    bool second;  ///< and a second more
    Duration less;
    std::string_view asked;
  };
  for (const auto& [second, less, asked] : std::initializer_list<Row>{{false, 1ns, "main fast"},
                                                                      {false, 0ns, "main 015A"},
                                                                      {true, 1ns, "battery fast"},
                                                                      {true, 0ns, "main fast"}}) {
    auto config = both();
    config.gap = 200ms;
    Bench bench(config);
    while (name_of(bench.transact()) != "main 0046") {
    }
    while (name_of(bench.next_request()) != "battery fast")
      bench.hear(bench.answer_to(*modbus::decode_request(bench.frame)));
    const Instant since = bench.asked_at;
    const auto answer_at = [&](Duration time) {
      const auto request = *modbus::decode_request(bench.frame);
      bench.registers[{main_unit, 0}] += 0.01f;
      bench.hear(bench.answer_to(request), since + time - bench.now);
      return name_of(bench.next_request());
    };
    ASSERT_EQ(answer_at(20ms), "main fast");
    ASSERT_EQ(answer_at(500ms), "main fast");
    if (!second) {
      EXPECT_EQ(answer_at(800ms - less), asked);
      continue;
    }
    ASSERT_EQ(answer_at(800ms), "main 015A");
    ASSERT_EQ(answer_at(1300ms), "main fast");
    EXPECT_EQ(answer_at(1800ms - less), asked);
  }
}

TEST(ModbusDriver, ALostMeterWaitsLikeTheOthersFromTheMomentItsBackOffEnds) {
  int probed = 0;
  for (int n = 4; n <= 8; ++n) {
    Bench bench(both());
    bench.run(2s);
    bench.dead = {battery_unit};
    while (bench.events_named("meter_lost") == 0) {
      if (!bench.dead.contains(bench.next_request().unit))
        bench.hear(bench.answer_to(*modbus::decode_request(bench.frame)));
      if (bench.frame[0] != std::byte{battery_unit}) continue;
      bench.now = *bench.wake;
      bench.take(bench.driver->on_timer(bench.now));
    }
    const Instant due = bench.now + 1s;
    std::string before;
    for (int i = 0; i < n; ++i) {
      before = name_of(bench.next_request());
      bench.registers[{main_unit, 0}] += 0.01f;
      const Duration left = due - 60ms - bench.now;
      bench.hear(bench.answer_to(*modbus::decode_request(bench.frame)),
                 (left - 60ms * (n - 1 - i)) / (n - i));
    }
    const std::string at_last = name_of(bench.next_request());
    ASSERT_EQ(bench.asked_at, due) << n;
    if (before != "main fast") continue;
    EXPECT_NE(at_last, "main fast") << "the others have their turn, " << n;
    ++probed;
  }
  EXPECT_GE(probed, 3);
}

TEST(ModbusDriver, ASlowBlockIsDueExactlyAfterItsPeriod) {
  for (const Duration early : {0ns, 1ns}) {
    Bench bench(only(main_meter()));
    while (name_of(bench.transact()) != "main 0046") {
    }
    const Instant read_at = bench.now;
    for (int i = 0; i < 6; ++i) {
      (void)bench.next_request();
      bench.registers[{main_unit, 0}] += 0.01f;
      bench.hear(bench.answer_to(*modbus::decode_request(bench.frame)), 215ms);
    }
    (void)bench.next_request();
    bench.registers[{main_unit, 0}] += 0.01f;
    bench.hear(bench.answer_to(*modbus::decode_request(bench.frame)),
               read_at + 1940ms - early - bench.now);
    EXPECT_EQ(name_of(bench.next_request()), early == 0ns ? "main 0046" : "main fast");
    EXPECT_EQ(bench.asked_at, read_at + 2s - early);
  }
}

TEST(ModbusDriver, OfTheSlowBlocksTheMostOverdueComesFirst) {
  auto config = both();
  config.gap = 700ms;  // so few slots that one is always due
  Bench bench(config);
  bench.run(20s);
  std::map<std::string, int> asked;
  for (int i = 0; i < 400; ++i) ++asked[name_of(bench.transact())];
  EXPECT_GT(asked["main 0046"], 10);
  EXPECT_NEAR(asked["main 0046"], asked["battery 0000"], 3);
  EXPECT_GT(asked["main 015A"], 5);
  EXPECT_GT(asked["battery 0046"], 5);
}

TEST(ModbusDriver, NoSlowBlockIsAskedOfAMeterWhoseLastReadFailed) {
  Bench bench(both());
  bench.run(5s);
  bool fails = false;
  int misses = 0;
  int slow = 0;
  for (int i = 0; i < 3000; ++i) {
    const auto request = bench.next_request();
    const std::string name = name_of(request);
    if (name == "battery fast" && !fails) {
      fails = true;  // every second one
      ++misses;
      continue;
    }
    if (name == "battery fast") fails = false;
    if (name == "battery 0000" || name == "battery 0046") {
      EXPECT_FALSE(fails) << i;
      ++slow;
    }
    bench.registers[{main_unit, 0}] += 0.01f;
    bench.hear(bench.answer_to(request));
  }
  EXPECT_GT(misses, 100);
  EXPECT_GT(slow, 20);
  EXPECT_EQ(bench.events_named("meter_lost"), 0u);
}

TEST(ModbusDriver, NoSlowBlockIsAskedOfAMeterThatIsNotBelieved) {
  Bench bench(both());
  bench.set(battery_unit, 0x0000, 0.0f);  // no line voltage
  bool flows = false;
  for (int i = 0; i < 200; ++i) {
    const auto request = bench.next_request();
    if (request.unit == main_unit) bench.registers[{main_unit, 0}] += 0.01f;
    flows = flows || name_of(request) == "battery 0046" || name_of(request) == "battery fast";
    bench.hear(bench.answer_to(request));
  }
  EXPECT_FALSE(flows);
}

/// Tried three times, then put off for ten seconds, from the first time on.
TEST(ModbusDriver, ASlowBlockThatIsRefusedIsTriedAgainTwiceAndPutOff) {
  Bench bench(only(main_meter()));
  std::vector<Instant> refused;
  while (refused.size() < 9) {
    const auto request = bench.next_request();
    bench.registers[{main_unit, 0}] += 0.01f;
    if (name_of(request) != "main 015A") {
      bench.hear(bench.answer_to(request));
      continue;
    }
    bench.hear(modbus::encode_exception(1, 4, modbus::Exception::illegal_address));
    refused.push_back(bench.now);
    EXPECT_TRUE(bench.driver->health().ready) << bench.driver->health().trouble;
  }
  for (std::size_t i = 1; i < refused.size(); ++i) {
    const Duration pause = refused[i] - refused[i - 1];
    EXPECT_GE(pause, i % 3 == 0 ? 10s : 100ms) << i;
    EXPECT_LT(pause, i % 3 == 0 ? 11s : 2s) << i;
  }
}

TEST(ModbusDriver, OfTwoLostMetersEachIsLookedForWhenItsBackOffEnds) {
  Bench bench(both());
  bench.run(2s);
  bench.dead = {main_unit};
  bench.run(25s);  // its back-off is ten seconds now
  bench.dead.insert(battery_unit);
  std::vector<Instant> asked;
  while (asked.size() < 7)
    if (bench.transact().unit == battery_unit) asked.push_back(bench.asked_at);
  for (std::size_t i = 3; i < asked.size(); ++i) {
    const Duration back_off = std::min<Duration>(1s * (1 << (i - 3)), 10s);
    EXPECT_LT(asked[i] - asked[i - 1], back_off + 1s) << i;
    EXPECT_GE(asked[i] - asked[i - 1], back_off) << i;
  }
}

/// Its back-off begins anew once it was back.
TEST(ModbusDriver, AMeterThatIsLostAgainIsLookedForAfterASecond) {
  Bench bench(only(battery_meter()));
  bench.dead = {battery_unit};
  for (int i = 0; i < 6; ++i) (void)bench.next_request();
  bench.dead.clear();
  bench.run(12s);
  ASSERT_TRUE(bench.driver->health().ready);
  bench.dead = {battery_unit};
  while (bench.events_named("meter_lost") < 2) {
    (void)bench.next_request();
    bench.take(bench.driver->on_timer(bench.now = *bench.wake));
  }
  const Instant lost = bench.now;
  (void)bench.next_request();
  EXPECT_EQ(bench.asked_at - lost, 1s);
}

/// Back is who shows its power: a voltage alone is no end of the loss.
TEST(ModbusDriver, ALossThatOnlyAVoltageInterruptsIsOne) {
  Bench bench(only(main_meter()));
  bench.dead = {main_unit};
  for (int i = 0; i < 4; ++i) (void)bench.next_request();
  ASSERT_EQ(bench.events_named("meter_lost"), 1u);
  for (int i = 0; i < 4; ++i) {
    // It answers for its voltage, and not for its system type.
    auto request = *modbus::decode_request(bench.frame);
    while (name_of(request) != "main fast") request = bench.next_request();
    bench.hear(bench.answer_to(request));
    for (int k = 0; k < 4; ++k) request = bench.next_request();
  }
  EXPECT_EQ(bench.events_named("meter_lost"), 1u);
}

TEST(ModbusDriver, ARefusedSystemTypeEndsTheFailuresInARow) {
  Bench bench(only(main_meter()));
  bench.transact();
  for (int i = 0; i < 2; ++i) ASSERT_EQ(name_of(bench.next_request()), "main type");
  ASSERT_EQ(name_of(bench.next_request()), "main type");
  bench.hear(modbus::encode_exception(1, 3, modbus::Exception::illegal_address));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(name_of(bench.next_request()), "main fast");
    EXPECT_EQ(bench.events_named("meter_lost"), 0u) << i;
  }
  (void)bench.next_request();
  EXPECT_EQ(bench.events_named("meter_lost"), 1u);
}

// ---- texts and limits --------------------------------------------------------------------------

TEST(ModbusDriver, TroubleNamesEachMeterAndWhy) {
  Bench bench(both());
  const auto trouble = [&] { return bench.driver->health().trouble; };
  EXPECT_EQ(trouble(),
            "meter 'main' (unit 1) has not answered yet; meter 'battery' (unit 244) has not "
            "answered yet");
  bench.dead = {battery_unit};
  bench.run(10s);
  EXPECT_EQ(trouble(),
            "meter 'battery' (unit 244) does not answer: check its power, the A and B wires, its "
            "unit address and that it is set to 9600 baud");
  const auto lost = std::ranges::find(bench.events, "meter_lost", &Event::name);
  ASSERT_NE(lost, bench.events.end());
  EXPECT_EQ(lost->level, Level::warning);
  EXPECT_EQ(lost->detail, "meter=\"battery\" unit=244 failures=3");
  bench.dead.clear();
  bench.run(12s);
  EXPECT_EQ(trouble(), "");
  EXPECT_TRUE(bench.driver->health().ready);
  EXPECT_EQ(bench.events.back().name, "meter_back");
  ModbusConfig waiting = both();
  waiting.other_master_wait = 3s;
  EXPECT_EQ(Bench(waiting).driver->health().trouble, "listens for another master before it asks");
  ModbusConfig none;
  none.other_master_wait = 0s;
  EXPECT_EQ(Bench(none).driver->health().trouble, "no meter is configured on this bus");
}

/// Specification "Modbus over Serial Line" 1.02, 2.5.1.1: 3.5 characters, and 1.75 ms above 19200
/// baud.
TEST(ModbusDriver, TheWireHasItsTimes) {
  ModbusConfig config;
  EXPECT_EQ(config.wire_time(9.6), 10ms);
  config.bits_per_character = 11;
  EXPECT_EQ(config.wire_time(96), 110ms);
  config.baud = 0;
  EXPECT_EQ(config.wire_time(1), 11s) << "no division by zero";
  for (const auto& [baud, silence] : std::initializer_list<std::pair<unsigned, Duration>>{
           {9600, 3645833ns}, {19200, 1822916ns}, {19201, 1750us}, {115200, 1750us}}) {
    ModbusConfig fast = both();
    fast.baud = baud;
    fast.gap = 0ms;
    Bench bench(fast);
    bench.transact();
    const Instant ended = bench.now;
    (void)bench.next_request();
    EXPECT_LE(std::chrono::abs(bench.now - ended - silence), 1ns) << baud;
  }
}

TEST(ModbusDriver, AnotherMasterIsToldAndItsEnd) {
  Bench bench(both());
  bench.run(1s);
  (void)bench.next_request();
  bench.hear(modbus::encode(
      RtuRequest{.unit = 9, .function = modbus::read_input, .start = 0, .count = 2, .data = {}}));
  EXPECT_EQ(bench.events.back().level, Level::critical);
  EXPECT_EQ(bench.events.back().name, "bus_contended");
  EXPECT_EQ(bench.events.back().detail, "another master asked unit=9");
  EXPECT_EQ(bench.driver->health().trouble,
            "another master talks on this line (it asked unit 9): take it off, or set mode = "
            "\"sniff\" to listen beside it");
  const Instant heard = bench.now;
  (void)bench.next_request();
  EXPECT_EQ(bench.now - heard, 3s);
  EXPECT_EQ(bench.events.back().level, Level::notice);
  EXPECT_EQ(bench.events.back().detail, "no other master is heard any more");
}

TEST(ModbusDriver, RandomBytesNeverCrashItNorMakeSamples) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> byte(0, 255);
  Bench bench(both());
  bench.run(2s);
  bench.samples.clear();
  for (int i = 0; i < 20000; ++i) {
    Bytes bytes;
    for (int n = byte(random) % 12; n >= 0; --n) {
      put_u8(bytes, static_cast<unsigned>(n % 3 ? byte(random) % 5 : byte(random)));
    }
    bench.hear(bytes, std::chrono::milliseconds(byte(random) % 40));
    bench.take(bench.driver->on_timer(bench.now));
    bench.sent.clear();
  }
  EXPECT_TRUE(bench.samples.empty());
  bench.run(30s);
  EXPECT_TRUE(bench.driver->health().ready) << bench.driver->health().trouble;
}

TEST(ModbusDriver, IsSetForTheGridMeterOnPhaseOne) {
  const MeterConfig meter;
  EXPECT_EQ(meter.model, MeterModel::sdm630);
  EXPECT_EQ(meter.unit, 1);
  const MeterChannel channel;
  EXPECT_EQ(channel.phase, 1u);
  EXPECT_EQ(channel.point, Point::grid);
  EXPECT_FALSE(channel.invert);
}

}  // namespace
}  // namespace esshub::protocol
