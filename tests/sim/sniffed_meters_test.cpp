#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "protocol/modbus/driver.hpp"
#include "sim/plant/device.hpp"

namespace esshub::sim {
namespace {

using namespace esshub::literals;
using protocol::Bytes;
using protocol::ByteView;
using protocol::MeterModel;
using protocol::Step;

protocol::ModbusConfig config(protocol::ModbusMode mode) {
  protocol::ModbusConfig config;
  config.mode = mode;
  config.other_master_wait = 0s;
  config.meters = {{.name = "main",
                    .model = MeterModel::sdm630,
                    .unit = 1,
                    .channels = {{.phase = 1, .point = Point::grid, .invert = false},
                                 {.phase = 2, .point = Point::solar, .invert = true}}},
                   {.name = "battery",
                    .model = MeterModel::sdm120,
                    .unit = 244,
                    .channels = {{.phase = 1, .point = Point::battery_meter, .invert = false}}}};
  return config;
}

/// Bytes that arrived together.
struct Heard {
  Bytes bytes;
  Instant at;
};

/// What another master and the meters say on one line at 9600 baud, and what that master reads.
struct Recording {
  std::vector<Heard> line;
  std::vector<Sample> samples;

  [[nodiscard]] Bytes bytes() const {
    Bytes all;
    for (const auto& heard : line) all.insert(all.end(), heard.bytes.begin(), heard.bytes.end());
    return all;
  }
};

Recording record(Duration span) {
  const auto settings = config(protocol::ModbusMode::poll);
  MeterTruth house;
  house.phases[0] = {230.0_V, 5.0_A, 1100.0_W, 12345.0_Wh, 678.0_Wh};
  house.phases[1] = {231.0_V, 10.0_A, -2300.0_W, 9000.0_Wh, 10.0_Wh};
  MeterTruth battery;
  battery.phases[0] = {230.5_V, 3.5_A, -800.0_W, 4000.0_Wh, 3000.0_Wh};
  auto meters = make_fake_meters(
      {{.unit = 1, .model = MeterModel::sdm630, .truth = &house, .turnaround = 45ms},
       {.unit = 244, .model = MeterModel::sdm120, .truth = &battery, .turnaround = 38ms}});
  auto master = protocol::make_modbus_driver(settings);
  Recording recording;
  Instant now{1000s};
  const Instant end = now + span;
  std::mt19937 random(5);
  Step step = master->on_start(now);
  while (now < end && step.wake_at) {
    now = std::max(now, *step.wake_at);
    step = master->on_timer(now);
    for (int guard = 0; guard < 5 && !step.send.empty(); ++guard) {
      house.phases[0].power = Watts{static_cast<double>(random() % 6000) - 3000.0};
      house.phases[0].voltage += 0.001_V;
      const Bytes request = step.send[0];
      now += settings.wire_time(static_cast<double>(request.size()));
      recording.line.push_back({request, now});
      now = meters->on_bytes(request, now).wake_at.value_or(now);
      const Bytes answer = meters->on_timer(now).send.at(0);
      now += settings.wire_time(static_cast<double>(answer.size()));
      recording.line.push_back({answer, now});
      step = master->on_bytes(answer, now);
      recording.samples.insert(recording.samples.end(), step.samples.begin(), step.samples.end());
    }
  }
  return recording;
}

/// What a listener makes of it.
class Listener {
 public:
  std::vector<Sample> samples;

  void hear(ByteView bytes, Instant at) {
    if (!started_) take(driver_->on_start(at - 1s));
    started_ = true;
    while (wake_ && *wake_ <= at) {
      const Instant due = *std::exchange(wake_, std::nullopt);
      take(driver_->on_timer(due));
    }
    take(driver_->on_bytes(bytes, at));
  }
  [[nodiscard]] const DriverHealth& health() const { return driver_->health(); }

 private:
  void take(const Step& step) {
    EXPECT_TRUE(step.send.empty());
    samples.insert(samples.end(), step.samples.begin(), step.samples.end());
    if (step.wake_at) wake_ = step.wake_at;
  }

  std::unique_ptr<protocol::Driver> driver_ =
      protocol::make_modbus_driver(config(protocol::ModbusMode::sniff));
  std::optional<Instant> wake_;
  bool started_ = false;
};

bool same_value(const Sample& a, const Sample& b) {
  return a.channel == b.channel && a.value == b.value;
}
bool same(const Sample& a, const Sample& b) {
  return same_value(a, b) && a.at == b.at;
}

TEST(SniffedMeters, TheListenerReadsExactlyWhatTheMasterReads) {
  const auto recording = record(30s);
  ASSERT_GT(recording.samples.size(), 500u);
  Listener listener;
  for (const auto& heard : recording.line) listener.hear(heard.bytes, heard.at);
  EXPECT_TRUE(listener.health().ready) << listener.health().trouble;
  // The master asks for the system type before it believes; the listener already does by then.
  const auto first = std::ranges::find_if(listener.samples, [&](const Sample& sample) {
    return sample.at >= recording.samples.front().at;
  });
  ASSERT_EQ(listener.samples.end() - first, static_cast<std::ptrdiff_t>(recording.samples.size()));
  EXPECT_TRUE(std::equal(first, listener.samples.end(), recording.samples.begin(), same));
  EXPECT_EQ(listener.health().frames[FrameResult::ok], recording.line.size() / 2);
  EXPECT_EQ(listener.health().round_trip.count(), recording.line.size() / 2);
}

TEST(SniffedMeters, AnAdapterThatDeliversInBurstsHidesNothing) {
  const auto recording = record(20s);
  const Bytes stream = recording.bytes();
  std::mt19937 random(9);
  Listener listener;
  Instant at{1000s};
  for (std::size_t i = 0; i < stream.size();) {
    // No gap is left, and frames are cut and joined anywhere.
    const std::size_t size = std::min<std::size_t>(1 + random() % 62, stream.size() - i);
    at += config(protocol::ModbusMode::sniff).wire_time(static_cast<double>(size));
    listener.hear(ByteView(stream).subspan(i, size), at);
    i += size;
  }
  const auto first = std::ranges::find_if(listener.samples, [&](const Sample& sample) {
    return same_value(sample, recording.samples.front());
  });
  EXPECT_TRUE(std::equal(first, listener.samples.end(), recording.samples.begin(),
                         recording.samples.end(), same_value));
}

TEST(SniffedMeters, ADamagedLineGivesFewerSamplesButNoWrongOne) {
  const auto recording = record(60s);
  std::mt19937 random(21);
  Listener listener;
  std::size_t damaged = 0;
  for (const auto& heard : recording.line) {
    Bytes bytes = heard.bytes;
    if (random() % 10 == 0) {
      ++damaged;
      if (random() % 2) {
        bytes.resize(random() % bytes.size());
      } else {
        bytes[random() % bytes.size()] ^= std::byte{1} << (random() % 8);
      }
    }
    listener.hear(bytes, heard.at);
  }
  ASSERT_GT(damaged, 30u);
  std::size_t right = 0;
  const Instant start = recording.samples.front().at;
  for (const auto& sample : listener.samples) {
    if (sample.at < start) continue;
    const bool known = std::ranges::any_of(
        recording.samples, [&](const Sample& other) { return same(sample, other); });
    EXPECT_TRUE(known) << name(sample.channel.point) << " " << name(sample.channel.measure) << " "
                       << sample.value;
    ++right;
  }
  EXPECT_GT(right, recording.samples.size() / 2);
}

}  // namespace
}  // namespace esshub::sim
