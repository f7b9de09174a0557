#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>

#include "model/snapshot.hpp"
#include "protocol/modbus/driver.hpp"
#include "protocol/modbus/meter_models.hpp"
#include "protocol/modbus/rtu.hpp"
#include "sim/plant/device.hpp"

namespace esshub::sim {
namespace {

using namespace esshub::literals;
namespace modbus = protocol::modbus;
using protocol::Bytes;
using protocol::ByteView;
using protocol::MeterModel;
using protocol::Step;

constexpr std::uint8_t main_unit = 1;
constexpr std::uint8_t battery_unit = 244;

MeterTruth house() {
  MeterTruth truth;
  truth.phases[0] = {231.5_V, 5.0_A, 1100.0_W, 12345.0_Wh, 678.0_Wh};
  truth.phases[1] = {231.0_V, 10.0_A, 2300.0_W, 9000.0_Wh, 10.0_Wh};
  truth.phases[2] = {0.0_V, 0.0_A, 0.0_W, 0.0_Wh, 0.0_Wh};
  truth.frequency = 50.02_Hz;
  return truth;
}
MeterTruth battery() {
  MeterTruth truth;
  truth.phases[0] = {230.5_V, 3.5_A, -800.0_W, 4000.0_Wh, 3000.0_Wh};
  truth.frequency = 50.02_Hz;
  return truth;
}

/// The meters alone: asks by hand.
class FakeMeters : public ::testing::Test {
 protected:
  MeterTruth house_ = house();
  MeterTruth battery_ = battery();
  std::unique_ptr<Device> device_ = make_fake_meters(
      {{.unit = main_unit, .model = MeterModel::sdm630, .truth = &house_, .turnaround = 45ms},
       {.unit = battery_unit,
        .model = MeterModel::sdm120,
        .truth = &battery_,
        .turnaround = 45ms}});
  Instant now_{1000s};

  /// What is sent, and nothing where nothing is.
  std::optional<Bytes> ask(ByteView bytes) {
    now_ += 100ms;
    auto step = device_->on_bytes(bytes, now_);
    EXPECT_TRUE(step.send.empty()) << "a meter takes its time";
    if (!step.wake_at) return std::nullopt;
    EXPECT_EQ(*step.wake_at, now_ + 45ms);
    now_ = *step.wake_at;
    step = device_->on_timer(now_);
    EXPECT_EQ(step.send.size(), 1u);
    return step.send.empty() ? std::nullopt : std::optional(step.send.front());
  }
  Bytes read(std::uint8_t unit, std::uint8_t function, std::uint16_t start, std::uint16_t count) {
    const modbus::RtuRequest request{
        .unit = unit, .function = function, .start = start, .count = count, .data = {}};
    return ask(modbus::encode(request)).value_or(Bytes{});
  }
  float value(std::uint8_t unit, std::uint16_t address,
              std::uint8_t function = modbus::read_input) {
    const Bytes answer = read(unit, function, address, 2);
    EXPECT_EQ(answer.size(), 9u);
    return answer.size() == 9 ? protocol::read_f32_be(answer, 3) : std::nanf("");
  }
};

TEST_F(FakeMeters, ShowEachPhaseOfTheTruth) {
  EXPECT_FLOAT_EQ(value(main_unit, 0x0000), 231.5f);
  EXPECT_FLOAT_EQ(value(main_unit, 0x0008), 10.0f);
  EXPECT_FLOAT_EQ(value(main_unit, 0x000C), 1100.0f);
  EXPECT_FLOAT_EQ(value(main_unit, 0x000E), 2300.0f);
  EXPECT_FLOAT_EQ(value(main_unit, 0x0046), 50.02f);
  EXPECT_FLOAT_EQ(value(main_unit, 0x015A), 12.345f);
  EXPECT_FLOAT_EQ(value(main_unit, 0x0162), 0.01f);
  EXPECT_FLOAT_EQ(value(battery_unit, 0x000C), -800.0f);
  EXPECT_FLOAT_EQ(value(battery_unit, 0x004A), 3.0f);
}

TEST_F(FakeMeters, TotalsMixThePhasesAsTheRealMeterDoes) {
  EXPECT_FLOAT_EQ(value(main_unit, 0x0034), 3400.0f);
  EXPECT_FLOAT_EQ(value(main_unit, 0x0030), 15.0f);
  EXPECT_FLOAT_EQ(value(main_unit, 0x0048), 21.345f);
  EXPECT_FLOAT_EQ(value(main_unit, 0x00C8), 0.5f) << "all inputs on one supply phase";
}

TEST_F(FakeMeters, AnSdm120HasOnePhase) {
  EXPECT_FLOAT_EQ(value(battery_unit, 0x0002), 0.0f);
  EXPECT_FLOAT_EQ(value(battery_unit, 0x000E), 0.0f);
  EXPECT_FLOAT_EQ(value(battery_unit, 0x015A), 0.0f);
  EXPECT_FLOAT_EQ(value(battery_unit, 0x0054), -800.0f);
}

TEST_F(FakeMeters, ServeEveryRegisterOfEveryModelAsAFiniteNumber) {
  for (const auto& row : modbus::meter_models()) {
    device_ = make_fake_meters(
        {{.unit = main_unit, .model = row.id, .truth = &house_, .turnaround = 45ms}});
    for (const auto& reg : row.registers)
      EXPECT_TRUE(std::isfinite(value(main_unit, reg.address))) << row.name << ' ' << reg.name;
    EXPECT_EQ(read(main_unit, modbus::read_input, 0, row.most_registers).size(),
              5u + 2u * row.most_registers);
    EXPECT_EQ(
        read(main_unit, modbus::read_input, 0, static_cast<std::uint16_t>(row.most_registers + 2)),
        *protocol::from_hex("018402C2C1"));
  }
}

TEST_F(FakeMeters, HoldTheirSettings) {
  EXPECT_FLOAT_EQ(value(main_unit, 0x000A, modbus::read_holding), 3.0f);
  EXPECT_FLOAT_EQ(value(main_unit, 0x0014, modbus::read_holding), 1.0f);
  EXPECT_FLOAT_EQ(value(main_unit, 0x001C, modbus::read_holding), 2.0f);
  EXPECT_FLOAT_EQ(value(battery_unit, 0x0014, modbus::read_holding), 244.0f);
  EXPECT_FLOAT_EQ(value(battery_unit, 0x000A, modbus::read_holding), 0.0f);
  const Bytes serial = read(main_unit, modbus::read_holding, 0xFC00, 2);
  EXPECT_EQ(protocol::read_u32_be(serial, 3), 12'345'001u);
}

TEST_F(FakeMeters, RefuseOddAndTooLongReads) {
  EXPECT_EQ(read(main_unit, 4, 0x0001, 2), *protocol::from_hex("018402C2C1"));
  EXPECT_EQ(read(main_unit, 4, 0x0000, 3), *protocol::from_hex("018402C2C1"));
  EXPECT_EQ(read(main_unit, 4, 0x0000, 82), *protocol::from_hex("018402C2C1"));
  EXPECT_EQ(read(main_unit, 4, 0x0000, 0), *protocol::from_hex("018402C2C1"));
  EXPECT_EQ(read(main_unit, 4, 0x0000, 80).size(), 165u);
}

TEST_F(FakeMeters, RefuseUnknownFunctionsAndWrites) {
  EXPECT_EQ(read(main_unit, 0x05, 0, 2), *protocol::from_hex("018501 8350"));
  const auto write = ask(*protocol::from_hex("0110001C00020440000000E736"));
  EXPECT_EQ(write, modbus::encode_exception(1, 0x10, modbus::Exception::device_failure));
}

TEST_F(FakeMeters, AnswerASingleRegisterWithTwoBytes) {
  EXPECT_EQ(read(main_unit, 3, 0x0023, 1), *protocol::from_hex("0103020000B844"));
}

TEST_F(FakeMeters, LoopBackWhatTheyAreSent) {
  const Bytes loop = *protocol::from_hex("01080000AA555E94");
  EXPECT_EQ(ask(loop), loop);
}

TEST_F(FakeMeters, KeepSilentToBadChecksumsAndOtherUnits) {
  EXPECT_FALSE(ask(*protocol::from_hex("01040000000271CA")));
  EXPECT_TRUE(read(7, 4, 0, 2).empty());
  EXPECT_FLOAT_EQ(value(main_unit, 0x0000), 231.5f) << "and hear the next request";
}

TEST_F(FakeMeters, HearRequestsInPieces) {
  const Bytes request = *protocol::from_hex("01040000000271CB");
  for (std::size_t i = 0; i + 1 < request.size(); ++i) {
    now_ += 1ms;
    EXPECT_FALSE(device_->on_bytes(ByteView(request).subspan(i, 1), now_).wake_at);
  }
  now_ += 1ms;
  EXPECT_EQ(device_->on_bytes(ByteView(request).last(1), now_).wake_at, now_ + 45ms);
}

TEST_F(FakeMeters, SilenceEndsACutRequest) {
  now_ += 1s;
  EXPECT_FALSE(device_->on_bytes(*protocol::from_hex("01040000"), now_).wake_at);
  EXPECT_FLOAT_EQ(value(main_unit, 0x0000), 231.5f);
}

TEST_F(FakeMeters, RandomBytesNeverCrashThem) {
  std::mt19937 random(3);
  std::uniform_int_distribution<int> byte(0, 255);
  for (int i = 0; i < 5000; ++i) {
    Bytes bytes;
    for (int n = byte(random) % 20; n >= 0; --n) {
      protocol::put_u8(bytes, static_cast<unsigned>(byte(random) % (n % 2 ? 256 : 17)));
    }
    now_ += std::chrono::milliseconds(byte(random) % 30);
    (void)device_->on_bytes(bytes, now_);
    (void)device_->on_timer(now_);
  }
  now_ += 1s;
  (void)device_->on_timer(now_);
  EXPECT_FLOAT_EQ(value(main_unit, 0x0000), 231.5f);
}

/// Driver and meters on one line in virtual time. `wire` adds the time the bytes take at 9600 baud.
class DriverWithMeters : public FakeMeters {
 protected:
  std::unique_ptr<protocol::Driver> driver_ = protocol::make_modbus_driver(config());
  Snapshot snapshot_;
  /// How often something was heard.
  struct Rhythm {
    std::size_t samples = 0;
    Instant last{};
    Duration longest_gap{};
    void heard(Instant at) {
      if (samples++ > 0) longest_gap = std::max<Duration>(longest_gap, at - last);
      last = at;
    }
  };
  Rhythm grid_;
  Rhythm battery_;
  Duration character_{};

  static protocol::ModbusConfig config() {
    protocol::ModbusConfig config;
    config.other_master_wait = 0s;
    config.meters = {{.name = "main",
                      .model = MeterModel::sdm630,
                      .unit = main_unit,
                      .channels = {{.phase = 1, .point = Point::grid, .invert = false},
                                   {.phase = 2, .point = Point::solar, .invert = false}}},
                     {.name = "battery",
                      .model = MeterModel::sdm120,
                      .unit = battery_unit,
                      .channels = {{.phase = 1, .point = Point::battery_meter, .invert = false}}}};
    return config;
  }

  void run(Duration span) {
    const Instant end = now_ + span;
    Step step = driver_->on_start(now_);
    std::optional<Instant> wake = step.wake_at;
    while (wake && now_ < end) {
      now_ = std::max(now_, *wake);
      step = driver_->on_timer(now_);
      for (int guard = 0; !step.send.empty() && guard < 10; ++guard) step = exchange(step.send[0]);
      wake = step.wake_at;
    }
  }

  /// Carries a request there and its answer back.
  Step exchange(const Bytes& request) {
    house_.phases[0].voltage += 0.001_V;
    now_ += character_ * static_cast<int>(request.size());
    const auto heard = device_->on_bytes(request, now_);
    EXPECT_TRUE(heard.wake_at);
    now_ = heard.wake_at.value_or(now_);
    const auto answered = device_->on_timer(now_);
    EXPECT_EQ(answered.send.size(), 1u);
    if (answered.send.empty()) return {};
    now_ += character_ * static_cast<int>(answered.send[0].size());
    Step step = driver_->on_bytes(answered.send[0], now_);
    for (const auto& sample : step.samples) {
      EXPECT_EQ(sample.at, now_);
      check_age(sample);
      snapshot_.absorb(sample);
      if (sample.channel == Channel{Point::grid, Measure::power}) grid_.heard(now_);
      if (sample.channel == Channel{Point::battery_meter, Measure::power}) battery_.heard(now_);
    }
    return step;
  }

  /// The one before was still current.
  void check_age(const Sample& sample) const {
    const auto& before = snapshot_.raw(sample.channel.point, sample.channel.measure);
    EXPECT_TRUE(!before || fresh(before, sample.at))
        << name(sample.channel.point) << " " << name(sample.channel.measure) << " after "
        << Seconds(sample.at - before->at).count() << " s";
  }

  [[nodiscard]] double reading(Point point, Measure measure) const {
    const auto& raw = snapshot_.raw(point, measure);
    EXPECT_TRUE(raw) << name(point) << " " << name(measure);
    return raw ? raw->value : std::nan("");
  }
};

TEST_F(DriverWithMeters, TheSamplesAreTheTruth) {
  run(15s);
  EXPECT_TRUE(driver_->health().ready) << driver_->health().trouble;
  EXPECT_NEAR(reading(Point::grid, Measure::power), 1100.0, 1e-3);
  EXPECT_NEAR(reading(Point::grid, Measure::current), 5.0, 1e-5);
  EXPECT_NEAR(reading(Point::grid, Measure::frequency), 50.02, 1e-5);
  EXPECT_NEAR(reading(Point::grid, Measure::energy_forward), 12345.0, 1e-2);
  EXPECT_NEAR(reading(Point::grid, Measure::energy_reverse), 678.0, 1e-2);
  EXPECT_NEAR(reading(Point::solar, Measure::power), 2300.0, 1e-3);
  EXPECT_NEAR(reading(Point::solar, Measure::voltage), 231.0, 1e-4);
  EXPECT_NEAR(reading(Point::battery_meter, Measure::power), -800.0, 1e-3);
  EXPECT_NEAR(reading(Point::battery_meter, Measure::voltage), 230.5, 1e-4);
  EXPECT_NEAR(reading(Point::battery_meter, Measure::energy_reverse), 3000.0, 1e-2);
  const auto& frames = driver_->health().frames;
  std::uint64_t bad = 0;
  for (const auto n : frames.count) bad += n;
  EXPECT_EQ(bad, frames[FrameResult::ok]) << "nothing but good frames";
}

// At 9600 8N1 with 45 ms turnaround and 60 ms gap the SDM630 takes 156 ms (8 + 41 characters) and
// the SDM120 123 ms (8 + 9); at 2400, the SDM120's speed when new, 309 ms and 176 ms.
TEST_F(DriverWithMeters, TheGridIsReadFiveTimesASecondAt9600BaudAndNoneIsForgotten) {
  character_ = as_duration(Seconds(10.0 / 9600.0));
  run(60s);
  EXPECT_GE(static_cast<double>(grid_.samples) / 60.0, 4.5);
  EXPECT_LE(grid_.longest_gap, 500ms);
  EXPECT_LE(battery_.longest_gap, 1300ms);
}

TEST_F(DriverWithMeters, NoReadingComesNearItsGreatestAgeAt2400Baud) {
  character_ = as_duration(Seconds(10.0 / 2400.0));
  run(60s);
  EXPECT_LE(grid_.longest_gap, 1s);
  EXPECT_LE(battery_.longest_gap, 2s);
}

/// Of a lost meter nothing is current longer than its kind of reading needs.
TEST_F(DriverWithMeters, EveryReadingHasTheAgeOfItsBlock) {
  run(30s);
  const auto age = [&](Point point, Measure measure) {
    return snapshot_.raw(point, measure).value().max_age;
  };
  EXPECT_EQ(age(Point::grid, Measure::power), 3s);
  EXPECT_EQ(age(Point::grid, Measure::voltage), 3s) << "comes with the power";
  EXPECT_EQ(age(Point::battery_meter, Measure::power), 3s);
  EXPECT_EQ(age(Point::battery_meter, Measure::voltage), 15s);
  EXPECT_EQ(age(Point::grid, Measure::energy_forward), 25s);
  EXPECT_EQ(age(Point::battery_meter, Measure::energy_reverse), 25s);
}

}  // namespace
}  // namespace esshub::sim
