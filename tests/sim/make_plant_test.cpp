// The hub's own drivers against the simulated house, in virtual time.
#include "sim/make_plant.hpp"

#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <sstream>

#include <gtest/gtest.h>

#include "protocol/modbus/driver.hpp"
#include "protocol/pylontech/can_driver.hpp"
#include "protocol/vebus/driver.hpp"

namespace esshub::sim {
namespace {

using protocol::Driver;

constexpr Instant start{1h};

std::unique_ptr<Driver> make_meters_driver() {
  using protocol::MeterModel;
  protocol::ModbusConfig config;
  config.meters = {{.name = "main",
                    .model = MeterModel::sdm630,
                    .unit = 1,
                    .channels = {{.phase = 1, .point = Point::grid},
                                 {.phase = 2, .point = Point::solar},
                                 {.phase = 3, .point = Point::circuit1}}},
                   {.name = "battery",
                    .model = MeterModel::sdm120,
                    .unit = 244,
                    .channels = {{.phase = 1, .point = Point::battery_meter}}}};
  return protocol::make_modbus_driver(config);
}

/// Three drivers and the plant, event by event.
class ClosedWires {
 public:
  explicit ClosedWires(const Scenario& scenario, const Traces& traces = {})
      : plant(make_plant(scenario, traces, start)) {
    links_[0].driver = make_meters_driver();
    links_[1].driver = protocol::make_pylontech_driver({});
    links_[2].driver = protocol::make_vebus_driver({});
    for (const auto bus : {Bus::meters, Bus::battery, Bus::inverter})
      take(bus, link(bus).driver->on_start(start));
  }

  void run(Duration time) {
    const auto end = plant->now() + time;
    while (true) {
      auto next = std::min(end, plant->next_event());
      for (const auto& l : links_)
        if (l.wake_at) next = std::min(next, std::max(*l.wake_at, plant->now()));
      for (const auto bus : {Bus::meters, Bus::battery, Bus::inverter}) {
        const auto bytes = plant->from_device(bus, next);
        if (!bytes.empty()) take(bus, link(bus).driver->on_bytes(bytes, next));
        auto& wake_at = link(bus).wake_at;
        if (wake_at && *wake_at <= next) {
          wake_at.reset();
          take(bus, link(bus).driver->on_timer(next));
        }
      }
      if (next >= end) return;
    }
  }
  /// Commands `power` at AC-in, renewed every 100 ms for `time`, as the control loop does.
  void hold(Watts power, Duration time) {
    for (Duration t{}; t < time; t += 100ms) {
      const auto now = plant->now();
      take(
          Bus::inverter,
          link(Bus::inverter)
              .driver->on_setpoint(
                  {.ac_power = power, .mode = InverterMode::follow, .valid_until = now + 1s}, now));
      run(100ms);
    }
  }
  [[nodiscard]] bool ready(Bus bus) const {
    return links_[static_cast<std::size_t>(bus)].driver->health().ready;
  }
  [[nodiscard]] double last(Point point, Measure measure) const {
    const auto found = samples_.find({point, measure});
    return found == samples_.end() ? NAN : found->second.value;
  }
  [[nodiscard]] Duration age(Point point, Measure measure) const {
    return plant->now() - samples_.at({point, measure}).at;
  }

  std::unique_ptr<Plant> plant;

 private:
  struct Link {
    std::unique_ptr<Driver> driver;
    std::optional<Instant> wake_at;
  };
  Link& link(Bus bus) { return links_[static_cast<std::size_t>(bus)]; }
  void take(Bus bus, const protocol::Step& step) {
    for (const auto& sample : step.samples)
      samples_[{sample.channel.point, sample.channel.measure}] = sample;
    for (const auto& bytes : step.send) plant->to_device(bus, bytes, plant->now());
    if (step.wake_at) link(bus).wake_at = *step.wake_at;
  }

  std::array<Link, bus_count> links_;
  std::map<std::pair<Point, Measure>, Sample> samples_;
};

TEST(SimulatedHouse, RecordedDataHaveTheStepTheyAreSaidToHave) {
  const std::filesystem::path data = ESSHUB_TEST_DATA;
  TraceFiles files{.load = data / "load_1hz_kettle_vacuum_waterheater_a.csv",
                   .sun = data / "ghi_1min_midc_2018-10-18_clear.csv"};
  std::ostringstream err;
  const auto usual = read_traces(files, err);
  ASSERT_TRUE(usual) << err.str();
  EXPECT_EQ(usual->load->held(1s), 9.81);
  EXPECT_EQ(usual->sun->step, 60s);
  files.load_step_seconds = 60.0;
  files.sun_step_seconds = 1800.0;
  const auto slow = read_traces(files, err);
  ASSERT_TRUE(slow) << err.str();
  EXPECT_EQ(slow->load->held(59s), 8.35);
  EXPECT_EQ(slow->load->held(60s), 9.81);
  EXPECT_EQ(slow->sun->step, 30min);
  EXPECT_FALSE(read_traces({}, err)->load);
  EXPECT_EQ(err.str(), "");
  EXPECT_FALSE(read_traces({.load = "/nowhere/l.csv", .sun = "/nowhere/s.csv"}, err));
  EXPECT_EQ(err.str(), "/nowhere/l.csv: cannot be read\n/nowhere/s.csv: cannot be read\n");
}

TEST(SimulatedHouse, TheDriversSeeTheTruth) {
  Scenario scenario;
  scenario.load = 1500.0_W;
  scenario.solar = 600.0_W;
  scenario.house.battery.soc_percent = 72.5;
  ClosedWires wires{scenario};
  wires.run(20s);
  for (const auto bus : {Bus::meters, Bus::battery, Bus::inverter})
    EXPECT_TRUE(wires.ready(bus)) << static_cast<int>(bus);
  const auto& truth = wires.plant->house().truth();
  EXPECT_NEAR(wires.last(Point::grid, Measure::power), truth.grid.value(), 2.0);
  EXPECT_NEAR(wires.last(Point::solar, Measure::power), 600.0, 2.0);
  EXPECT_NEAR(wires.last(Point::battery_meter, Measure::power), 4.4, 2.0);
  EXPECT_EQ(wires.last(Point::battery, Measure::soc), 72.0);
  EXPECT_EQ(wires.last(Point::battery, Measure::ccl), 50.0);
  EXPECT_EQ(wires.last(Point::inverter, Measure::main_state), 8.0);
  EXPECT_LT(wires.age(Point::grid, Measure::power), 700ms);
}

TEST(SimulatedHouse, ASetpointMovesPowerAndAllSignsAgree) {
  ClosedWires wires{Scenario{}};
  wires.run(15s);
  wires.hold(900.0_W, 6s);
  EXPECT_NEAR(wires.plant->house().inverter_truth().ac_in.value(), 900.0, 1.0);
  EXPECT_NEAR(wires.last(Point::inverter, Measure::power), 900.0, 2.0);
  EXPECT_NEAR(wires.last(Point::battery_meter, Measure::power), 900.0, 3.0);
  EXPECT_NEAR(wires.last(Point::inverter, Measure::setpoint), 900.0, 1e-9);
  EXPECT_GT(wires.last(Point::battery, Measure::current), 10.0);
  wires.hold(-900.0_W, 8s);
  EXPECT_NEAR(wires.last(Point::inverter, Measure::power), -900.0, 2.0);
  EXPECT_NEAR(wires.last(Point::battery_meter, Measure::power), -900.0, 3.0);
  EXPECT_LT(wires.last(Point::battery, Measure::current), -10.0);
  EXPECT_NEAR(wires.last(Point::grid, Measure::power), 400.0 - 900.0, 3.0);
}

TEST(SimulatedHouse, TheInverterFallsBackWhenNobodyCommandsIt) {
  ClosedWires wires{Scenario{}};
  wires.run(15s);
  wires.hold(-900.0_W, 5s);
  wires.run(14s);
  EXPECT_EQ(wires.plant->house().inverter_truth().state, VebusState::charge);
  wires.run(4s);
  EXPECT_EQ(wires.plant->house().inverter_truth().state, VebusState::passthru);
  EXPECT_EQ(wires.plant->house().command().setpoint, std::nullopt);
}

TEST(SimulatedHouse, ItFallsBackAlsoWhileItsCableIsOut) {
  ClosedWires wires{Scenario{}};
  wires.run(15s);
  wires.hold(-900.0_W, 5s);
  wires.plant->set_fault(Bus::inverter, {.kind = FaultKind::unplug});
  wires.run(18s);
  EXPECT_EQ(wires.plant->house().inverter_truth().state, VebusState::passthru);
}

TEST(SimulatedHouse, FollowsItsTracesAndEvents) {
  Scenario scenario;
  scenario.solar_offset = 12h;
  scenario.kwp = 2.0;
  scenario.events = {{10s, "load 3000"}, {20s, "load trace"}};
  const std::filesystem::path data = ESSHUB_TEST_DATA;
  Traces traces;
  traces.load = read_load_trace(data / "load_1hz_kettle_vacuum_waterheater_a.csv").value();
  traces.sun = read_sun_trace(data / "ghi_1min_midc_2018-10-18_clear.csv").value();
  const auto plant = make_plant(scenario, traces, start);
  plant->advance_to(start + 5s);
  EXPECT_EQ(plant->house().truth().load.value(), traces.load->held(5s));
  EXPECT_NEAR(plant->house().truth().solar.value(), 2.0 * traces.sun->between(12h + 5s), 0.1);
  plant->advance_to(start + 15s);
  EXPECT_EQ(plant->house().truth().load, 3000.0_W);
  plant->advance_to(start + 25s);
  EXPECT_EQ(plant->house().truth().load.value(), traces.load->held(25s));
}

TEST(SimulatedHouse, APowerCutShowsOnTheInvertersBus) {
  Scenario scenario;
  scenario.house.ac_out = 250.0_W;
  ClosedWires wires{scenario};
  wires.run(15s);
  wires.plant->house().set_grid(false);
  wires.run(4s);
  EXPECT_EQ(wires.last(Point::inverter, Measure::main_state), 4.0);
  EXPECT_EQ(wires.last(Point::inverter, Measure::voltage), 0.0);
  EXPECT_NEAR(wires.last(Point::ac_out, Measure::power), 250.0, 2.0);
  EXPECT_GT(wires.age(Point::grid, Measure::power), 3s) << "dead meters do not answer";
  wires.plant->house().set_grid(true);
  wires.run(20s);
  EXPECT_EQ(wires.last(Point::inverter, Measure::main_state), 8.0);
  EXPECT_LT(wires.age(Point::grid, Measure::power), 1s);
}

}  // namespace
}  // namespace esshub::sim
