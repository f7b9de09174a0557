// Every bus torn out and plugged in again at random moments of its handshake and of its running:
// the real drivers in their actors against the simulated house, in virtual time.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <utility>

#include "actors/bus_actor.hpp"
#include "protocol/modbus/driver.hpp"
#include "protocol/pylontech/can_driver.hpp"
#include "protocol/vebus/driver.hpp"
#include "sim/plant/plant.hpp"
#include "tests/actors/test_system.hpp"

namespace esshub::actors {
namespace {

using sim::Bus;

constexpr Duration step = 5ms;
constexpr Duration recovery_limit = 20s;  // the longest back-off, listening first, a handshake

/// The cable between the hub and one device of the house.
struct Cable {
  sim::Plant& plant;
  Bus bus;
  VirtualSystem& time;
  bool plugged = true;
  unsigned ups = 0;
  transport::Line::Callbacks open_line{};  ///< of the line that has it open
};

class CableLine final : public transport::Line {
 public:
  explicit CableLine(Cable& cable) : cable_(cable) {}
  void open(Callbacks callbacks) override {
    if (!cable_.plugged) return callbacks.on_down("no such device");
    ++cable_.ups;
    cable_.open_line = std::move(callbacks);
    cable_.open_line.on_up();
  }
  void write(std::vector<std::byte> bytes) override {
    if (cable_.plugged) cable_.plant.to_device(cable_.bus, bytes, cable_.time.now());
  }
  void set_baud(std::uint32_t baud) override { cable_.plant.set_baud(cable_.bus, baud); }
  void close() override { cable_.open_line = {}; }

 private:
  Cable& cable_;
};

sim::DeviceMakers devices() {
  return {[](const sim::MeterTruth& main, const sim::MeterTruth& sub) {
            return sim::make_fake_meters({{1, protocol::MeterModel::sdm630, &main},
                                          {244, protocol::MeterModel::sdm120, &sub}});
          },
          [](const sim::BatteryTruth& truth) { return sim::make_fake_battery(truth, {}); },
          [](const sim::InverterTruth& truth, sim::InverterCommand& command) {
            return sim::make_fake_multiplus(truth, command, {});
          }};
}

std::unique_ptr<protocol::Driver> make_driver(Bus bus) {
  switch (bus) {
    case Bus::meters:
      return protocol::make_modbus_driver(
          {.meters = {
               {"main", protocol::MeterModel::sdm630, 1, {{1, Point::grid, false}}},
               {"sub", protocol::MeterModel::sdm120, 244, {{1, Point::battery_meter, false}}}}});
    case Bus::battery:
      return protocol::make_pylontech_driver({});
    case Bus::inverter:
      return protocol::make_vebus_driver({});
  }
  return nullptr;
}

/// What every reading of the quiet house may be; the others are not checked.
bool possible(const Sample& sample) {
  if (sample.channel == Channel{Point::battery, Measure::soc})
    return sample.value == 49.0 || sample.value == 50.0;
  if (sample.channel.measure != Measure::voltage) return true;
  const bool dc = sample.channel.point == Point::battery;
  return dc ? sample.value > 45.0 && sample.value < 55.0
            : sample.value > 220.0 && sample.value < 240.0;
}

class Replug : public testing::TestWithParam<Bus> {
 protected:
  void SetUp() override {
    BusDeps parts;
    parts.name = "bus";
    parts.make_line = [this] { return std::make_shared<CableLine>(cable_); };
    parts.make_driver = [] { return make_driver(GetParam()); };
    parts.queue = queue_;
    parts.events = log_.sink();
    const auto watch = [](caf::event_based_actor*, BusHealth* into) -> caf::behavior {
      return {[into](const BusReport& report) { *into = report.health; }};
    };
    supervisor_ = v_.system.spawn(watch, &health_);
    v_.run();
    bus_ = spawn_bus(v_.system, parts, supervisor_);
    v_.run();
  }
  void TearDown() override {
    v_.end(bus_);
    v_.end(supervisor_);
  }

  [[nodiscard]] Duration draw(Duration most) {
    return Duration{
        static_cast<Duration::rep>(random_() % static_cast<std::uint64_t>(most.count()))};
  }
  void tear_out() {
    cable_.plugged = false;
    plant_.set_fault(GetParam(), {.kind = sim::FaultKind::unplug});
    if (const auto line = std::exchange(cable_.open_line, {}); line.on_down)
      line.on_down("the device is gone");
    v_.run();
    EXPECT_FALSE(health_.line_up);
    EXPECT_FALSE(health_.driver.ready);
  }
  void plug_in() {
    plugged_at_ = v_.now();
    cable_.plugged = true;
    plant_.set_fault(GetParam(), {});
  }
  /// The house, the wire and the hub go on; every 100 ms there is a new command.
  void pass(Duration time) {
    for (const Instant end = v_.now() + time; v_.now() < end;) {
      v_.scheduler.advance_time(std::min<Duration>(step, end - v_.now()));
      v_.run();
      const auto bytes = plant_.from_device(GetParam(), v_.now());
      if (cable_.open_line.on_chunk && !bytes.empty()) cable_.open_line.on_chunk(bytes, v_.now());
      v_.run();
      if (v_.now() >= command_at_) {
        command_at_ = v_.now() + 100ms;
        caf::anon_send(bus_, Setpoint{wanted_, InverterMode::follow, v_.now() + 1s});
        v_.run();
      }
      check_outcome();
    }
  }
  void check_outcome() {
    Sample sample{};
    while (queue_->pop(sample)) {
      EXPECT_GE(sample.at, plugged_at_) << "a reading of an earlier generation";
      EXPECT_LE(sample.at, v_.now());
      EXPECT_TRUE(possible(sample)) << name(sample.channel.measure) << ' ' << sample.value;
    }
    const auto& command = plant_.house().command();
    if (std::exchange(writes_, command.setpoint_writes) == command.setpoint_writes) return;
    EXPECT_EQ(command.setpoint, wanted_) << "an old setpoint was replayed";
  }
  [[nodiscard]] bool becomes_ready() {
    for (const Instant end = v_.now() + recovery_limit; v_.now() < end;) {
      if (health_.driver.ready) return true;
      pass(50ms);
    }
    return health_.driver.ready;
  }

  std::mt19937_64 random_{2026};
  VirtualSystem v_;
  sim::Plant plant_{{}, devices(), v_.now()};
  Cable cable_{plant_, GetParam(), v_};
  std::shared_ptr<SampleQueue> queue_ = std::make_shared<SampleQueue>();
  EventLog log_;
  BusHealth health_;
  Instant plugged_at_{};
  Instant command_at_{};
  Watts wanted_{-100.0};
  std::uint64_t writes_ = 0;
  caf::actor supervisor_;
  caf::actor bus_;
};

TEST_P(Replug, AtAnyMomentTheBusComesBackByItselfWithNothingOld) {
  ASSERT_TRUE(becomes_ready()) << health_.driver.trouble;
  for (int round = 1; round <= 30; ++round) {
    SCOPED_TRACE(round);
    pass(draw(4s));
    tear_out();
    // What was commanded in an earlier generation is wrong in this one.
    wanted_ = Watts{-100.0 - round};
    pass(draw(3s));
    plug_in();
    if (round % 5 == 0) {
      ASSERT_TRUE(becomes_ready()) << health_.driver.trouble;
    }
  }
  ASSERT_TRUE(becomes_ready()) << health_.driver.trouble;
  pass(3s);
  EXPECT_EQ(health_.reopens, cable_.ups - 1);
  EXPECT_EQ(log_.count("bus.bus actor_died"), 0u);
  if (GetParam() == Bus::inverter) {
    EXPECT_EQ(plant_.house().command().setpoint, wanted_);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryBus, Replug,
                         testing::Values(Bus::meters, Bus::battery, Bus::inverter),
                         [](const auto& tested) {
                           switch (tested.param) {
                             case Bus::meters:
                               return "Meters";
                             case Bus::battery:
                               return "Battery";
                             case Bus::inverter:
                               return "Inverter";
                           }
                           return "";
                         });

}  // namespace
}  // namespace esshub::actors
