// Every bus torn out and plugged in again at random moments of its handshake and of its running:
// the real drivers in their sessions against the simulated house, in virtual time.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "protocol/modbus/driver.hpp"
#include "protocol/pylontech/can_driver.hpp"
#include "protocol/vebus/driver.hpp"
#include "service/bus_session.hpp"
#include "sim/plant/plant.hpp"

namespace esshub::service {
namespace {

using sim::Bus;

constexpr Duration step = 5ms;
constexpr Duration recovery_limit = 20s;  // the longest back-off, listening first, a handshake

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
  void SetUp() override { apply(session_.on_start()); }

  [[nodiscard]] Duration draw(Duration most) {
    return Duration{
        static_cast<Duration::rep>(random_() % static_cast<std::uint64_t>(most.count()))};
  }
  void tear_out() {
    plugged_ = false;
    plant_.set_fault(GetParam(), {.kind = sim::FaultKind::unplug});
    if (std::exchange(open_, false))
      apply(session_.on_down(session_.generation(), "the device is gone", now_));
    EXPECT_FALSE(health().line_up);
    EXPECT_FALSE(health().driver.ready);
  }
  void plug_in() {
    plugged_at_ = now_;
    plugged_ = true;
    plant_.set_fault(GetParam(), {});
  }
  /// The house, the wire and the hub go on; every 100 ms there is a new command.
  void pass(Duration time) {
    for (const Instant end = now_ + time; now_ < end;) {
      now_ += std::min<Duration>(step, end - now_);
      connect();
      if (const auto wake_at = session_.wake_at(); wake_at && *wake_at <= now_)
        apply(session_.on_timer(now_));
      const auto bytes = plant_.from_device(GetParam(), now_);
      if (open_ && !bytes.empty())
        apply(session_.on_bytes(session_.generation(), bytes, now_, now_));
      if (now_ >= command_at_) {
        command_at_ = now_ + 100ms;
        apply(session_.on_setpoint({wanted_, InverterMode::follow, now_ + 1s}, now_));
      }
      check_commands();
    }
  }
  [[nodiscard]] bool becomes_ready() {
    for (const Instant end = now_ + recovery_limit; now_ < end;) {
      if (health().driver.ready) return true;
      pass(50ms);
    }
    return health().driver.ready;
  }
  [[nodiscard]] BusHealth health() const { return session_.health(); }

 private:
  /// The shell of the session.
  void apply(const BusStep& todo) {
    for (const auto& sample : todo.samples) check(sample);
    if (todo.close) open_ = false;
    if (todo.open) opening_ = true;
    if (todo.baud && open_) plant_.set_baud(GetParam(), *todo.baud);
    for (const auto& frame : todo.send)
      if (open_ && plugged_) plant_.to_device(GetParam(), frame, now_);
  }
  void connect() {
    if (!std::exchange(opening_, false)) return;
    if (!plugged_) return apply(session_.on_down(session_.generation(), "no such device", now_));
    ++ups_;
    open_ = true;
    apply(session_.on_up(session_.generation(), now_));
  }
  void check(const Sample& sample) const {
    EXPECT_GE(sample.at, plugged_at_) << "a reading of an earlier generation";
    EXPECT_LE(sample.at, now_);
    EXPECT_TRUE(possible(sample)) << name(sample.channel.measure) << ' ' << sample.value;
  }
  void check_commands() {
    const auto& command = plant_.house().command();
    if (std::exchange(writes_, command.setpoint_writes) == command.setpoint_writes) return;
    EXPECT_EQ(command.setpoint, wanted_) << "an old setpoint was replayed";
  }

 protected:
  std::mt19937_64 random_{2026};
  Instant now_{1h};
  sim::Plant plant_{{}, devices(), now_};
  BusSession session_{"bus", make_driver(GetParam())};
  unsigned ups_ = 0;  ///< times the line was opened
  Watts wanted_{-100.0};

 private:
  bool plugged_ = true;
  bool open_ = false;
  bool opening_ = false;
  Instant plugged_at_{};
  Instant command_at_{};
  std::uint64_t writes_ = 0;
};

TEST_P(Replug, AtAnyMomentTheBusComesBackByItselfWithNothingOld) {
  ASSERT_TRUE(becomes_ready()) << health().driver.trouble;
  for (int round = 1; round <= 30; ++round) {
    SCOPED_TRACE(round);
    pass(draw(4s));
    tear_out();
    // What was commanded in an earlier generation is wrong in this one.
    wanted_ = Watts{-100.0 - round};
    pass(draw(3s));
    plug_in();
    if (round % 5 == 0) {
      ASSERT_TRUE(becomes_ready()) << health().driver.trouble;
    }
  }
  ASSERT_TRUE(becomes_ready()) << health().driver.trouble;
  pass(3s);
  EXPECT_EQ(health().reopens, ups_ - 1);
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
}  // namespace esshub::service
