#include "protocol/modbus/sniffer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "protocol/modbus/rtu.hpp"

namespace esshub::protocol {
namespace {

using modbus::RtuRequest;
using nlohmann::json;

MeterConfig main_meter() {
  return {.name = "main",
          .model = MeterModel::sdm630,
          .unit = 1,
          .channels = {{.phase = 1, .point = Point::grid, .invert = false},
                       {.phase = 2, .point = Point::solar, .invert = true}}};
}
MeterConfig grid_only() {
  auto meter = main_meter();
  meter.channels.pop_back();
  return meter;
}
MeterConfig battery_meter() {
  return {.name = "battery",
          .model = MeterModel::sdm120,
          .unit = 244,
          .channels = {{.phase = 1, .point = Point::battery_meter, .invert = false}}};
}

RtuRequest read(std::uint8_t unit, std::uint16_t start, std::uint16_t count,
                std::uint8_t function = modbus::read_input) {
  return {.unit = unit, .function = function, .start = start, .count = count, .data = {}};
}

Bytes answer(const RtuRequest& request, std::vector<float> values) {
  values.resize(request.count / 2);
  Bytes data;
  for (const float value : values) put_f32_be(data, value);
  return modbus::encode_response(request, data);
}

/// The line beside another master. Bytes take no time unless told.
class Line {
 public:
  explicit Line(std::vector<MeterConfig> meters) {
    ModbusConfig config;
    config.meters = std::move(meters);
    config.mode = ModbusMode::sniff;
    driver = make_modbus_driver(std::move(config));
    take(driver->on_start(now));
  }

  void hear(ByteView bytes, Duration after = 30ms) {
    const Instant until = now + after;
    wait(until);
    take(driver->on_bytes(bytes, now));
  }
  void wait(Instant until) {
    while (wake && *wake <= until) {
      now = std::max(now, *wake);
      wake.reset();
      take(driver->on_timer(now));
    }
    now = until;
  }
  void wait(Duration time) { wait(now + time); }
  void transact(const RtuRequest& request, std::vector<float> values) {
    hear(modbus::encode(request));
    hear(answer(request, std::move(values)), 60ms);
  }
  /// Voltages, currents and powers of the SDM630; the first voltage never stands still.
  void read_main(float grid, float solar) {
    voltage += 0.01f;
    transact(read(1, 0, 18), {voltage, 230, 0, 1, 2, 0, grid, solar, 0});
  }
  void read_battery(float power) {
    transact(read(244, 0, 2), {230.0f});
    transact(read(244, 12, 2), {power});
  }

  [[nodiscard]] std::vector<double> values(Point point, Measure measure) const {
    std::vector<double> found;
    for (const auto& sample : samples)
      if (sample.channel == Channel{point, measure}) found.push_back(sample.value);
    return found;
  }
  [[nodiscard]] std::size_t events_named(std::string_view name) const {
    return static_cast<std::size_t>(std::ranges::count(events, name, &Event::name));
  }
  [[nodiscard]] const DriverHealth& health() const { return driver->health(); }
  [[nodiscard]] std::uint64_t frames(FrameResult result) const { return health().frames[result]; }
  [[nodiscard]] bool troubled_by(std::string_view text) const {
    return !health().ready && health().trouble.find(text) != std::string::npos;
  }

  void take(const Step& step) {
    EXPECT_TRUE(step.send.empty()) << "a listener never transmits";
    samples.insert(samples.end(), step.samples.begin(), step.samples.end());
    events.insert(events.end(), step.events.begin(), step.events.end());
    if (step.wake_at) wake = step.wake_at;
  }

  std::unique_ptr<Driver> driver;
  Instant now{1000s};
  std::optional<Instant> wake;
  std::vector<Sample> samples;
  std::vector<Event> events;
  float voltage = 230.0f;
};

json sniffer_stream(const std::string& id) {
  std::ifstream file(ESSHUB_TEST_DATA "/modbus-vectors.jsonl");
  for (std::string text; std::getline(file, text);) {
    if (text.empty()) continue;
    auto vector = json::parse(text);
    if (vector["id"] == id) return vector;
  }
  ADD_FAILURE() << "no vector " << id;
  return {};
}

TEST(ModbusSniffer, RecoversEveryPairOfTheStreamsInEveryChunking) {
  for (const std::string id : {"mb-033", "mb-035", "mb-037"}) {
    const auto vector = sniffer_stream(id);
    const Bytes stream = from_hex(vector["hex"].get<std::string>()).value_or(Bytes{});
    std::uint64_t pairs = 0;
    std::uint64_t damaged = 0;
    std::uint64_t replaced = 0;
    for (const auto& event : vector["expect_events"]) {
      pairs += event["t"] == "pair";
      damaged += event["t"] == "crc_error";
      replaced += event["t"] == "request_replaced";
    }
    ASSERT_GT(pairs, 0u);
    for (std::size_t chunk = 1; chunk <= stream.size(); ++chunk) {
      SCOPED_TRACE(id + " in chunks of " + std::to_string(chunk));
      Line line({main_meter()});
      for (std::size_t i = 0; i < stream.size(); i += chunk) {
        line.hear(ByteView(stream).subspan(i, std::min(chunk, stream.size() - i)), 1ms);
      }
      EXPECT_EQ(line.frames(FrameResult::ok), pairs);
      EXPECT_EQ(line.frames(FrameResult::checksum), damaged);
      EXPECT_EQ(line.frames(FrameResult::timeout), replaced);
      EXPECT_EQ(line.health().round_trip.count(), pairs);
      if (id != "mb-033") continue;
      EXPECT_EQ(line.values(Point::grid, Measure::power), std::vector{-512.25});
      EXPECT_EQ(line.values(Point::grid, Measure::voltage), std::vector{241.5});
      EXPECT_EQ(line.values(Point::solar, Measure::power), std::vector{-1890.5}) << "inverted";
    }
  }
}

TEST(ModbusSniffer, EverySingleBitFlipOfAPairGivesNoSample) {
  const auto request = read(1, 0, 18);
  Bytes stream = modbus::encode(request);
  const Bytes told = answer(request, {230, 230, 0, 1, 2, 0, 500, 600, 0});
  stream.insert(stream.end(), told.begin(), told.end());
  for (std::size_t bit = 0; bit < stream.size() * 8; ++bit) {
    Line line({main_meter()});
    auto flipped = stream;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    line.hear(flipped);
    line.wait(1s);
    EXPECT_TRUE(line.samples.empty()) << "bit " << bit;
  }
}

TEST(ModbusSniffer, AnAnswerThatBeginsWithAValidRequestIsAnAnswerInEveryChunking) {
  const Bytes stream = *from_hex("01040000000271CB010404400001312E00");
  for (std::size_t chunk = 1; chunk <= stream.size(); ++chunk) {
    Line line({grid_only()});
    for (std::size_t i = 0; i < stream.size(); i += chunk) {
      line.hear(ByteView(stream).subspan(i, std::min(chunk, stream.size() - i)), 1ms);
    }
    line.wait(500ms);
    EXPECT_EQ(line.frames(FrameResult::ok), 1u) << chunk;
    EXPECT_EQ(line.frames(FrameResult::resync), 0u) << chunk;
  }
}

TEST(ModbusSniffer, SamplesCarryTheArrivalOfTheirLastByteEvenWhenFoundLate) {
  Line line({main_meter()});
  line.read_main(500, 600);
  ASSERT_FALSE(line.samples.empty());
  EXPECT_EQ(line.samples.back().at, line.now);

  line.samples.clear();
  line.hear(modbus::encode(read(1, 0, 18)));
  line.hear(*from_hex("010424"), 40ms);  // cut: 38 bytes are awaited
  line.hear(modbus::encode(read(1, 12, 4)), 40ms);
  line.hear(answer(read(1, 12, 4), {700, 800}), 40ms);
  const Instant arrived = line.now;
  ASSERT_TRUE(line.samples.empty());
  line.wait(2s);
  ASSERT_EQ(line.values(Point::grid, Measure::power), std::vector{700.0});
  EXPECT_EQ(line.samples.back().at, arrived);
}

TEST(ModbusSniffer, ReadsWhateverBlocksTheOtherMasterReads) {
  Line line({main_meter(), battery_meter()});
  line.transact(read(1, 0, 6), {231, 232, 0});
  line.transact(read(1, 0x000C, 2), {-400});
  line.transact(read(1, 0x000E, 2), {-1500});
  line.transact(read(1, 0x0046, 6), {50.02f, 11, 12});
  line.transact(read(1, 0x015A, 12), {1, 2, 0, 3, 4, 0});
  line.transact(read(1, 0x015A, 12), {1, 2, 0, 3, 4, 0});
  line.transact(read(1, 0x0034, 2), {-1900});
  line.read_battery(333);
  EXPECT_EQ(line.values(Point::grid, Measure::voltage), std::vector{231.0});
  EXPECT_EQ(line.values(Point::grid, Measure::power), std::vector{-400.0});
  EXPECT_EQ(line.values(Point::solar, Measure::power), std::vector{1500.0});
  EXPECT_NEAR(line.values(Point::grid, Measure::frequency).at(0), 50.02, 1e-5);
  EXPECT_EQ(line.values(Point::grid, Measure::energy_forward), std::vector{1000.0});
  EXPECT_EQ(line.values(Point::solar, Measure::energy_forward), std::vector{4000.0});
  EXPECT_EQ(line.values(Point::battery_meter, Measure::power), std::vector{333.0});
  line.wait(1s);
  EXPECT_TRUE(line.health().ready) << line.health().trouble;
}

TEST(ModbusSniffer, AnAnswerIsUsedOnceAndOnlyWithItsQuestion) {
  Line line({grid_only()});
  line.read_main(100, 0);
  const auto before = line.samples.size();
  const auto request = read(1, 0, 18);
  line.hear(answer(request, {230, 0, 0, 0, 0, 0, 999, 0, 0}));  // again, unasked
  line.hear(modbus::encode(read(1, 12, 2)));
  line.hear(answer(read(1, 12, 4), {999}));  // another length
  line.hear(modbus::encode(read(1, 12, 2)));
  line.hear(answer(read(2, 12, 2), {999}));  // another unit
  line.hear(modbus::encode(read(1, 12, 2)));
  line.hear(answer(read(1, 12, 2, modbus::read_holding), {999}));  // another function
  EXPECT_EQ(line.samples.size(), before);
  EXPECT_EQ(line.frames(FrameResult::unknown), 4u);
}

TEST(ModbusSniffer, ARequestExpires) {
  Line line({grid_only()});
  line.read_main(100, 0);
  line.samples.clear();
  line.hear(modbus::encode(read(1, 12, 2)));
  line.hear(answer(read(1, 12, 2), {999}), 1100ms);
  EXPECT_TRUE(line.samples.empty());
  EXPECT_EQ(line.frames(FrameResult::timeout), 1u);
}

/// A second behind what its answer takes on the wire, exactly.
TEST(ModbusSniffer, ARequestExpiresASecondAfterItsAnswerWasDue) {
  Line line({grid_only()});
  line.hear(modbus::encode(read(1, 12, 2)));
  const Instant end = line.now + 1s + ModbusConfig{}.wire_time(9);
  line.take(line.driver->on_timer(end));
  EXPECT_EQ(line.frames(FrameResult::timeout), 0u);
  line.take(line.driver->on_timer(end + 1ns));
  EXPECT_EQ(line.frames(FrameResult::timeout), 1u);
  // A damaged one is noise now: none is awaited.
  auto damaged = answer(read(1, 12, 2), {100});
  damaged[4] ^= std::byte{1};
  line.hear(damaged, 1500ms);
  line.wait(1s);
  EXPECT_EQ(line.frames(FrameResult::checksum), 0u);
  EXPECT_EQ(line.frames(FrameResult::timeout), 1u);
}

TEST(ModbusSniffer, TheWireIsAccountedToTheBit) {
  Line line({grid_only()});
  EXPECT_EQ(line.wake, line.now + 1s);
  const ModbusConfig config;
  line.hear(modbus::encode(read(1, 0, 18)), 100ms);
  EXPECT_EQ(line.health().wire_busy, config.wire_time(8));
  line.hear(answer(read(1, 0, 18), {230}), 100ms);
  EXPECT_EQ(line.health().wire_busy, config.wire_time(8) + config.wire_time(41));
  // From its first bit, which is a request's time before its last one.
  EXPECT_EQ(line.health().round_trip.count(), 1u);
  EXPECT_NEAR(line.health().round_trip.sum_seconds, 0.1 + 8 * 10 / 9600.0, 1e-6);
}

TEST(ModbusSniffer, EachRunOfNoiseIsCountedOnce) {
  Line line({grid_only()});
  for (unsigned n = 1; n <= 4; ++n) {
    line.read_main(100, 0);
    line.hear(*from_hex("0000"));
    EXPECT_EQ(line.frames(FrameResult::resync), n);
  }
}

TEST(ModbusSniffer, UnitsThatAreNotConfiguredAreHeardPast) {
  Line line({grid_only()});
  line.hear(modbus::encode(read(9, 0, 2)));
  line.hear(modbus::encode(read(9, 12, 2)));  // could be mistaken for one another
  line.hear(answer(read(9, 12, 2), {5}));
  EXPECT_EQ(line.frames(FrameResult::timeout), 1u);
  EXPECT_EQ(line.frames(FrameResult::ok), 1u);
  EXPECT_TRUE(line.samples.empty());
  line.read_main(100, 0);
  EXPECT_EQ(line.frames(FrameResult::ok), 2u);
  EXPECT_EQ(line.values(Point::grid, Measure::power), std::vector{100.0});
}

TEST(ModbusSniffer, AnotherUnitsUnansweredRequestCastsNoDoubt) {
  Line line({grid_only(), battery_meter()});
  line.transact(read(244, 0, 2), {230});
  line.hear(modbus::encode(read(1, 0, 2)));  // never answered
  line.transact(read(244, 12, 2), {50});
  EXPECT_EQ(line.frames(FrameResult::late), 0u);
  EXPECT_EQ(line.values(Point::battery_meter, Measure::power), std::vector{50.0});
}

/// Two seconds behind the second of two requests that could be mistaken for one another.
TEST(ModbusSniffer, AnAnswerIsDoubtedForTwoSeconds) {
  for (const Duration early : {0ns, 1ns}) {
    Line line({grid_only()});
    line.hear(modbus::encode(read(1, 0, 2)));
    line.hear(modbus::encode(read(1, 12, 2)));
    const Instant until = line.now + 2s;
    line.hear(answer(read(1, 12, 2), {230}));
    EXPECT_EQ(line.frames(FrameResult::late), 1u);
    line.hear(modbus::encode(read(1, 0, 2)), 1900ms);
    line.hear(answer(read(1, 0, 2), {230}), until - early - line.now);
    EXPECT_EQ(line.frames(FrameResult::late), early == 0ns ? 1u : 2u);
    EXPECT_EQ(line.frames(FrameResult::ok), early == 0ns ? 1u : 0u);
    EXPECT_EQ(line.frames(FrameResult::resync), 0u);
  }
}

/// Only the read of its register tells the system type.
TEST(ModbusSniffer, OtherSettingsAreNotTakenForTheSystemType) {
  Line line({main_meter(), battery_meter()});
  line.read_main(100, 200);
  for (const auto& request :
       {read(1, 0x0012, 2, modbus::read_holding), read(1, 0x000A, 4, modbus::read_holding),
        read(1, 0x0008, 2, modbus::read_holding), read(244, 0x000A, 2, modbus::read_holding)})
    line.transact(request, {1.0f});
  RtuRequest write = read(1, 0x000A, 2, modbus::write_registers);
  put_f32_be(write.data, 1.0f);
  line.transact(write, {});
  EXPECT_EQ(line.frames(FrameResult::ok), 6u);
  EXPECT_EQ(line.frames(FrameResult::content), 0u);
  EXPECT_TRUE(line.events.empty());
}

TEST(ModbusSniffer, WhatWasHeardBeforeTheLineWasOpenedIsForgotten) {
  for (const bool told : {false, true}) {
    Line line({grid_only()});
    line.hear(modbus::encode(read(1, 0, 18)));
    line.hear(*from_hex("010424"), 20ms);  // cut
    if (told) line.driver->on_down(line.now);
    line.now += 20ms;
    line.take(line.driver->on_start(line.now));
    line.hear(modbus::encode(read(1, 0, 18)), 20ms);
    EXPECT_EQ(line.frames(FrameResult::timeout), 0u);
    line.hear(answer(read(1, 0, 18), {230, 0, 0, 0, 0, 0, 100}), 60ms);
    EXPECT_EQ(line.frames(FrameResult::ok), 1u);
    EXPECT_EQ(line.values(Point::grid, Measure::power), std::vector{100.0});
    EXPECT_EQ(line.frames(FrameResult::resync), 0u);
  }
  Line line({grid_only()});
  line.hear(modbus::encode(read(1, 0, 18)));
  line.driver->on_down(line.now);
  line.take(line.driver->on_start(line.now += 20ms));
  line.wait(5s);
  EXPECT_EQ(line.frames(FrameResult::timeout), 0u);
}

TEST(ModbusSniffer, AMeterIsThereForTenSecondsAfterItsAnswer) {
  Line line({grid_only()});
  line.wait(30s);
  line.events.clear();
  line.read_main(100, 0);
  const Instant end = line.now + 10s;
  line.take(line.driver->on_timer(end));
  EXPECT_TRUE(line.health().ready) << line.health().trouble;
  EXPECT_EQ(line.events_named("meter_lost"), 0u);
  line.take(line.driver->on_timer(end + 1ns));
  EXPECT_FALSE(line.health().ready);
  EXPECT_EQ(line.events_named("meter_lost"), 1u);
}

TEST(ModbusSniffer, NoiseIsNoMaster) {
  Line line({grid_only()});
  for (int i = 0; i < 30; ++i) line.hear(*from_hex("00FF"), 500ms);
  EXPECT_TRUE(line.troubled_by("no other master is heard on this line"));
}

TEST(ModbusSniffer, AnAnsweredRequestDoesNotExpire) {
  Line line({grid_only()});
  line.transact(read(1, 0, 18), {230});
  line.wait(5s);
  EXPECT_EQ(line.frames(FrameResult::timeout), 0u);
  EXPECT_EQ(line.frames(FrameResult::ok), 1u);
}

TEST(ModbusSniffer, BeforeItIsStartedItHearsNothing) {
  ModbusConfig config;
  config.meters = {grid_only()};
  config.mode = ModbusMode::sniff;
  const auto driver = make_modbus_driver(config);
  const Step step = driver->on_bytes(modbus::encode(read(1, 0, 18)), Instant{1s});
  EXPECT_FALSE(step.wake_at);
  EXPECT_FALSE(driver->only_listens()) << "silence says that nobody polls";
  EXPECT_FALSE(driver->health().ready);
  EXPECT_EQ(driver->health().trouble, "meter 'main' (unit 1) has not been heard yet");
  EXPECT_EQ(driver->health().wire_busy, Duration::zero());
  EXPECT_FALSE(driver->on_timer(Instant{2s}).wake_at);
}

/// Only a pause that no adapter's latency timer makes ends a frame.
TEST(ModbusSniffer, MoreThanFiftyMillisecondsOfSilenceCutAFrame) {
  const auto request = read(1, 0, 18);
  const Bytes whole = answer(request, {230});
  const ByteView begin = ByteView(whole).first(20);
  const ByteView rest = ByteView(whole).subspan(20);
  for (const Duration more : {Duration{0}, Duration{500us}}) {
    Line line({grid_only()});
    line.hear(modbus::encode(request));
    line.hear(begin);
    line.hear(rest, 50ms + more + ModbusConfig{}.wire_time(static_cast<double>(rest.size())));
    EXPECT_EQ(line.frames(FrameResult::ok), more == Duration{0} ? 1u : 0u);
  }
}

/// Six bytes may have been a request whose answer this is.
TEST(ModbusSniffer, AnAnswerBehindAsMuchNoiseAsARequestIsUnknown) {
  for (const std::size_t noise : {5u, 6u}) {
    Line line({grid_only()});
    line.hear(modbus::encode(read(1, 0, 18)));
    line.hear(Bytes(noise, std::byte{0}));
    line.hear(answer(read(1, 0, 18), {230}), 60ms);
    EXPECT_EQ(line.frames(FrameResult::resync), 1u) << "one run";
    EXPECT_EQ(line.frames(FrameResult::unknown), noise == 6 ? 1u : 0u);
    EXPECT_EQ(line.frames(FrameResult::ok), noise == 6 ? 0u : 1u);
  }
}

TEST(ModbusSniffer, AnAnswerToAnotherFunctionIsNotMistaken) {
  Line line({grid_only()});
  line.read_main(100, 0);
  line.hear(modbus::encode(read(1, 10, 2, modbus::read_holding)));
  line.transact(read(1, 12, 2), {200});
  EXPECT_EQ(line.frames(FrameResult::late), 0u);
  EXPECT_EQ(line.values(Point::grid, Measure::power).back(), 200.0);
}

TEST(ModbusSniffer, ARefusalAnswersTheRequest) {
  Line line({grid_only()});
  line.hear(modbus::encode(read(1, 12, 2)));
  line.hear(modbus::encode_exception(1, 4, modbus::Exception::illegal_address));
  line.hear(modbus::encode(read(1, 0, 2)));
  EXPECT_EQ(line.frames(FrameResult::exception), 1u);
  EXPECT_EQ(line.frames(FrameResult::timeout), 0u);
}

TEST(ModbusSniffer, ALateAnswerToTheQuestionBeforeIsNotTakenForTheNext) {
  Line line({grid_only()});
  line.read_main(100, 0);
  line.samples.clear();
  const auto voltage = read(1, 0, 2);
  const auto power = read(1, 12, 2);
  // The meter is slow once, the master impatient: from now on each answer is one question behind.
  line.hear(modbus::encode(voltage));
  line.hear(modbus::encode(power), 200ms);
  for (int i = 0; i < 30; ++i) {
    const auto& before = i % 2 ? power : voltage;
    const auto& after = i % 2 ? voltage : power;
    line.hear(answer(before, {i % 2 ? 100.0f : 230.0f}), 20ms);
    line.hear(modbus::encode(after), 20ms);
  }
  EXPECT_EQ(line.values(Point::grid, Measure::power), std::vector<double>{});
  line.wait(3s);
  line.transact(power, {150});
  EXPECT_TRUE(line.samples.empty()) << "the order must be proved again";
  line.transact(voltage, {230});
  line.transact(power, {150});
  EXPECT_EQ(line.values(Point::grid, Measure::power), std::vector{150.0});
}

TEST(ModbusSniffer, AnAnswerAfterADamagedRequestIsNotBoundToTheOneBefore) {
  Line line({grid_only()});
  line.read_main(100, 0);
  line.samples.clear();
  line.hear(modbus::encode(read(1, 12, 2)));  // never answered
  auto damaged = modbus::encode(read(1, 0, 2));
  damaged[7] ^= std::byte{1};
  line.hear(damaged, 100ms);
  line.hear(answer(read(1, 0, 2), {230}), 60ms);
  EXPECT_EQ(line.values(Point::grid, Measure::power), std::vector<double>{}) << "these are volts";
}

TEST(ModbusSniffer, ALittleNoiseBetweenRequestAndAnswerDoesNotMatter) {
  Line line({grid_only()});
  for (int i = 0; i < 10; ++i) {
    line.hear(modbus::encode(read(1, 0, 18)));
    line.hear(*from_hex("00FF"), 20ms);
    line.hear(answer(read(1, 0, 18), {230, 0, 0, 0, 0, 0, 77, 0, 0}));
    line.hear(*from_hex("FF"), 5ms);
  }
  EXPECT_EQ(line.values(Point::grid, Measure::power).size(), 10u);
}

// ---- proofs -------------------------------------------------------------------------------------

TEST(ModbusSniffer, NothingIsBelievedBeforeALineVoltageProvedTheWordOrder) {
  Line line({grid_only()});
  for (int i = 0; i < 20; ++i) {
    line.transact(read(1, 12, 2), {500.0f});
    line.wait(1s);
  }
  EXPECT_TRUE(line.samples.empty());
  EXPECT_TRUE(line.troubled_by("never asks for its voltage"));
  line.transact(read(1, 0, 2), {230});
  line.transact(read(1, 12, 2), {501.0f});
  EXPECT_TRUE(line.health().ready) << line.health().trouble;
  EXPECT_EQ(line.values(Point::grid, Measure::power), std::vector{501.0});
}

TEST(ModbusSniffer, SwappedWordsAreNotBelieved) {
  Line line({grid_only()});
  for (int i = 0; i < 5; ++i) {
    const auto swap = [](float value) {
      return std::bit_cast<float>(std::rotl(std::bit_cast<std::uint32_t>(value), 16));
    };
    line.transact(read(1, 0, 2), {swap(230.5f)});
    line.transact(read(1, 12, 2), {swap(31.26147f)});
  }
  EXPECT_TRUE(line.samples.empty());
  EXPECT_TRUE(line.troubled_by("words in the wrong order"));
  EXPECT_EQ(line.events_named("word_order"), 1u);
}

TEST(ModbusSniffer, PhasesTwoAndThreeAreBelievedOnceOneOfThemShowsALineVoltage) {
  Line line({main_meter()});
  for (int i = 0; i < 20; ++i) {
    line.transact(read(1, 0, 2), {230.0f + 0.01f * static_cast<float>(i)});
    line.transact(read(1, 12, 4), {100, 200});
    line.wait(1s);
  }
  EXPECT_TRUE(line.samples.empty());
  EXPECT_TRUE(line.troubled_by("voltage of phase 2 or 3"));
  line.transact(read(1, 0, 6), {230, 230, 0});
  line.transact(read(1, 12, 4), {100, 200});
  EXPECT_EQ(line.values(Point::solar, Measure::power), std::vector{-200.0});
}

TEST(ModbusSniffer, AMeterInSinglePhaseModeIsNotBelieved) {
  Line line({main_meter()});
  for (int i = 0; i < 10; ++i) line.transact(read(1, 0, 18), {230, 0, 0, 1, 0, 0, 100, 0, 0});
  EXPECT_TRUE(line.samples.empty());
  EXPECT_TRUE(line.troubled_by("3P4W"));
  EXPECT_EQ(line.events_named("wrong_system_type"), 1u);
  line.read_main(100, 200);
  EXPECT_EQ(line.events_named("meter_back"), 1u);
  EXPECT_EQ(line.values(Point::grid, Measure::power), std::vector{100.0});

  Line asking({main_meter()});
  asking.transact(read(1, 0x000A, 2, modbus::read_holding), {1.0f});
  EXPECT_TRUE(asking.troubled_by("1P2W"));
}

TEST(ModbusSniffer, AFrozenGridMeterIsNotBelieved) {
  Line line({grid_only()});
  const auto stand_still = [&] {
    line.transact(read(1, 0, 18), {230, 0, 0, 1, 0, 0, 100, 0, 0});
    line.wait(410ms);
  };
  line.read_main(90, 0);
  for (int i = 0; i < 18; ++i) stand_still();
  EXPECT_FALSE(line.health().faults.any());
  for (int i = 0; i < 6; ++i) stand_still();
  EXPECT_EQ(line.health().faults, FaultFlags{Fault::grid_meter_frozen});
  EXPECT_TRUE(line.troubled_by("repeated the same registers"));
  line.samples.clear();
  stand_still();
  EXPECT_TRUE(line.samples.empty());
  line.read_main(100, 0);
  EXPECT_FALSE(line.health().faults.any());
  EXPECT_EQ(line.values(Point::grid, Measure::power), std::vector{100.0});
}

TEST(ModbusSniffer, AnImpossibleValueIsDroppedAndCounted) {
  Line line({main_meter()});
  line.read_main(45000, 100);
  EXPECT_EQ(line.values(Point::grid, Measure::power), std::vector<double>{});
  EXPECT_EQ(line.values(Point::solar, Measure::power), std::vector{-100.0});
  EXPECT_EQ(line.frames(FrameResult::content), 1u);
}

// ---- health -------------------------------------------------------------------------------------

TEST(ModbusSniffer, ReadyWhileThePowerOfEveryChannelWasHeardWithinTenSeconds) {
  Line line({main_meter(), battery_meter()});
  EXPECT_TRUE(line.troubled_by("has not been heard yet"));
  line.read_main(1, 2);
  EXPECT_FALSE(line.health().ready);
  line.read_battery(3);
  EXPECT_TRUE(line.health().ready) << line.health().trouble;
  for (int i = 0; i < 9; ++i) {
    line.wait(1s);
    line.read_main(1, 2);
  }
  EXPECT_TRUE(line.health().ready) << line.health().trouble;
  for (int i = 0; i < 3; ++i) {
    line.wait(1s);
    line.read_main(1, 2);
  }
  EXPECT_TRUE(line.troubled_by("the other master no longer asks unit 244"));
  EXPECT_EQ(line.events_named("meter_lost"), 1u);
  line.read_battery(3);
  line.wait(1s);
  EXPECT_TRUE(line.health().ready) << line.health().trouble;
  EXPECT_EQ(line.events_named("meter_back"), 1u);
}

TEST(ModbusSniffer, WhatTheOtherMasterNeverAsksIsNamed) {
  Line line({main_meter(), battery_meter()});
  for (int i = 0; i < 15; ++i) {
    line.read_main(1, 2);
    line.wait(1s);
  }
  EXPECT_TRUE(line.troubled_by("'battery' (unit 244)"));
  EXPECT_TRUE(line.troubled_by("the other master never asks unit 244"));
  EXPECT_FALSE(line.troubled_by("'main'"));
  EXPECT_EQ(line.events_named("meter_lost"), 1u);
}

TEST(ModbusSniffer, AUnitThatDoesNotAnswerTheOtherMasterIsNamed) {
  Line line({battery_meter()});
  for (int i = 0; i < 15; ++i) {
    line.hear(modbus::encode(read(244, 0, 2)));
    line.wait(1s);
  }
  EXPECT_TRUE(line.troubled_by("unit 244 does not answer the other master"));
  EXPECT_EQ(line.events_named("meter_lost"), 1u);
}

TEST(ModbusSniffer, APowerThatIsNeverAskedIsNamed) {
  Line line({main_meter()});
  for (int i = 0; i < 15; ++i) {
    line.transact(read(1, 0, 14), {230.0f + 0.01f * static_cast<float>(i), 230, 0, 1, 1, 0, 5});
    line.wait(1s);
  }
  EXPECT_TRUE(line.troubled_by("no power on phase 2"));
}

TEST(ModbusSniffer, ASilentLineIsNamed) {
  Line line({main_meter(), battery_meter()});
  line.wait(15s);
  EXPECT_TRUE(line.troubled_by("no other master is heard on this line"));
  EXPECT_TRUE(line.troubled_by("9600 baud"));
  EXPECT_FALSE(line.troubled_by("unit 244")) << "once, not for each meter";
}

TEST(ModbusSniffer, TroubleNamesTheMeterAndWhatIsMissing) {
  Line line({main_meter(), battery_meter()});
  const auto trouble = [&] { return line.health().trouble; };
  EXPECT_EQ(trouble(),
            "meter 'main' (unit 1) has not been heard yet; meter 'battery' (unit 244) has not been "
            "heard yet");
  line.wait(Instant{1000s} + 10s);
  EXPECT_EQ(line.events_named("meter_lost"), 0u) << "it may be asked at the last moment";
  EXPECT_NE(trouble().find("meter 'battery' (unit 244) has not been heard"), std::string::npos);
  line.wait(Instant{1000s} + 11s);
  EXPECT_EQ(
      trouble(),
      "no other master is heard on this line: check that it polls, the A and B wires and that "
      "both use 9600 baud");
  EXPECT_EQ(line.events_named("meter_lost"), 2u);
  EXPECT_EQ(line.events[0].level, Level::warning);
  EXPECT_EQ(line.events[0].detail,
            "meter=\"main\" unit=1 reason=\"the other master never asks unit 1\"");
  line.read_main(100, 200);
  EXPECT_EQ(trouble(),
            "meter 'battery' (unit 244) is not heard: the other master never asks unit 244");
  line.transact(read(244, 12, 2), {500.0f});
  EXPECT_EQ(trouble(),
            "meter 'battery' (unit 244) cannot be believed: the other master never asks for its "
            "voltage, which proves the order of its words");
  line.read_battery(500);
  EXPECT_EQ(trouble(), "");
  EXPECT_TRUE(line.health().ready);
  EXPECT_EQ(Line({}).health().trouble, "no meter is configured on this bus");
}

TEST(ModbusSniffer, AfterTheLineIsDownEverythingIsForgotten) {
  Line line({grid_only()});
  line.read_main(1, 2);
  ASSERT_TRUE(line.health().ready);
  line.driver->on_down(line.now);
  EXPECT_FALSE(line.health().ready);
  line.samples.clear();
  line.take(line.driver->on_bytes(*from_hex("0104"), line.now));
  EXPECT_FALSE(line.driver->on_timer(line.now + 10s).wake_at);
  line.take(line.driver->on_start(line.now + 20s));
  line.transact(read(1, 12, 2), {5});
  EXPECT_TRUE(line.samples.empty()) << "the meter may have been exchanged";
}

TEST(ModbusSniffer, RandomBytesMakeNoSamplesAndAreNeverAnswered) {
  std::mt19937 random(11);
  std::uniform_int_distribution<int> byte(0, 255);
  constexpr std::uint8_t likely[] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x08, 0x10, 0x84, 0xF4, 0xFF};
  Line line({main_meter(), battery_meter()});
  line.read_main(1, 2);
  line.read_battery(3);
  line.samples.clear();
  for (int i = 0; i < 10000; ++i) {
    Bytes bytes;
    for (int n = byte(random) % 24; n >= 0; --n) {
      const int value = byte(random);
      put_u8(bytes, value < 200 ? likely[value % 10] : static_cast<unsigned>(value));
    }
    line.hear(bytes, std::chrono::milliseconds(byte(random) % 80));
  }
  EXPECT_TRUE(line.samples.empty());
  line.wait(3s);
  line.read_main(1, 2);
  line.read_battery(3);
  EXPECT_TRUE(line.health().ready) << line.health().trouble;
}

}  // namespace
}  // namespace esshub::protocol
