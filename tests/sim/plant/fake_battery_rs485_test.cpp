#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <deque>

#include "model/snapshot.hpp"
#include "protocol/pylontech/rs485_driver.hpp"
#include "protocol/pylontech/rs485_messages.hpp"
#include "sim/plant/device.hpp"

namespace esshub::sim {
namespace {

using protocol::Bytes;
using protocol::ByteView;
using namespace protocol::pylontech_rs485;
using testing::HasSubstr;
using testing::SizeIs;

constexpr Instant t0{1000s};

// ---- the stack alone ---------------------------------------------------------------------------

class Stack : public testing::Test {
 protected:
  Stack() : device(make_fake_battery_rs485(truth, {})) { device->on_start(t0); }

  /// What comes back, and that it comes after the turnaround; empty for nothing.
  Bytes say(ByteView request) {
    const auto heard = device->on_bytes(request, t0);
    EXPECT_TRUE(heard.send.empty()) << "faster than the turnaround";
    if (!heard.wake_at) return {};
    EXPECT_EQ(*heard.wake_at, t0 + 30ms);
    const auto answer = device->on_timer(*heard.wake_at);
    return answer.send.empty() ? Bytes{} : answer.send.front();
  }
  protocol::pylontech_rs485::Response ask(const Rs485Request& request) {
    return decode_response(say(encode(request)), request).value();
  }
  /// The return code of what comes back.
  ReturnCode code(ByteView request) {
    return static_cast<ReturnCode>(decode_frame(say(request)).value().cid2);
  }

  BatteryTruth truth;
  std::unique_ptr<Device> device;
};

TEST_F(Stack, EachModuleHasItsShareAndSlightlyDifferentCells) {
  truth.voltage = Volts{49.5};
  truth.current = Amperes{-20.0};
  truth.soc_percent = 50.0;
  for (std::uint8_t address = 2; address <= 3; ++address) {
    const auto analog = std::get<Analog>(ask({CommandCode::analog, address}));
    ASSERT_THAT(analog.modules, SizeIs(1));
    const auto& module = analog.modules[0];
    EXPECT_EQ(module.current, Amperes{-10.0});
    EXPECT_EQ(module.remaining_ah, 25.0);
    ASSERT_THAT(module.cells, SizeIs(15));
    Volts sum;
    for (const Volts cell : module.cells) sum += cell;
    EXPECT_NEAR(sum.value(), 49.5, 0.01);
    const auto range = cell_range(module);
    EXPECT_NEAR((range.highest - range.lowest).value(), 0.004, 1e-9);
    EXPECT_GT(range.warmest, range.coldest);
  }
}

TEST_F(Stack, TheMasterAnswersForAll) {
  truth.modules = 4;
  EXPECT_THAT(std::get<Analog>(ask({CommandCode::analog, 2, true})).modules, SizeIs(4));
  EXPECT_THAT(std::get<AlarmInfo>(ask({CommandCode::alarms, 2, true})).modules, SizeIs(4));
}

TEST_F(Stack, ShowsWhatTheBmsProtectsAgainst) {
  auto alarms = std::get<AlarmInfo>(ask({CommandCode::alarms, 2})).modules[0];
  EXPECT_EQ(protections(alarms), 0u);
  EXPECT_EQ(warnings(alarms), 0u);
  EXPECT_TRUE(alarms.charge_switch() && alarms.discharge_switch() && alarms.in_use());
  truth.protections = static_cast<std::uint32_t>(BmsFlag::high_voltage);
  truth.warnings = static_cast<std::uint32_t>(BmsFlag::low_temperature);
  truth.charge_enable = false;
  alarms = std::get<AlarmInfo>(ask({CommandCode::alarms, 2})).modules[0];
  EXPECT_EQ(protections(alarms), truth.protections);
  EXPECT_EQ(warnings(alarms), truth.protections | truth.warnings);
  EXPECT_FALSE(alarms.charge_switch());
}

TEST_F(Stack, AnswersTheOtherQuestions) {
  const auto limits = std::get<Management>(ask({CommandCode::management, 3}));
  EXPECT_EQ(limits.cvl, truth.cvl);
  EXPECT_EQ(limits.dcl, truth.dcl);
  EXPECT_EQ(limits.requests, request_bits(truth));
  EXPECT_EQ(std::get<SerialNumber>(ask({CommandCode::serial_number, 3})).text, "ESSHUBSIM0000101");
  EXPECT_EQ(std::get<Maker>(ask({CommandCode::maker, 3})).device, "US2000C");
  EXPECT_EQ(std::get<Parameters>(ask({CommandCode::parameters, 2})).cell_high, Volts{3.65});
  EXPECT_EQ(std::get<ProtocolVersion>(ask({CommandCode::protocol_version, 2})).version, 0x20);
}

TEST_F(Stack, RefusesByReturnCode) {
  EXPECT_EQ(code(encode({CommandCode::system_analog, 2})), ReturnCode::command);
  EXPECT_EQ(code(encode_frame({.cid2 = 0x42, .info = {}})), ReturnCode::format);
  EXPECT_EQ(code(encode_frame({.cid2 = 0x42, .info = Bytes{std::byte{9}}})), ReturnCode::data);
  EXPECT_EQ(code(encode_frame({.version = 0x35, .cid2 = 0x4F, .info = {}})), ReturnCode::version);
  EXPECT_EQ(code(protocol::to_bytes("~20024642E00202FD34\r")), ReturnCode::checksum);
  EXPECT_EQ(code(protocol::to_bytes("~20024642D00202FD34\r")), ReturnCode::length_checksum);
  EXPECT_EQ(code(protocol::to_bytes("~2002\r")), ReturnCode::format);
}

TEST_F(Stack, NobodyAnswersForAMissingModule) {
  EXPECT_THAT(say(encode({CommandCode::analog, 4})), SizeIs(0));
  EXPECT_THAT(say(encode({CommandCode::analog, 1})), SizeIs(0));
}

// ---- driver and stack on one wire, in virtual time ---------------------------------------------

/// Delivers the bytes of both sides a millisecond later, cut into pieces of 7.
class Cable : public testing::Test {
 protected:
  void connect(unsigned modules) {
    battery = make_fake_battery_rs485(truth, {});
    driver = protocol::make_pylontech_rs485_driver({.modules = modules});
    take(battery->on_start(now), true);
    take(driver->on_start(now), false);
  }

  void run_for(Duration duration) {
    const Instant end = now + duration;
    while (true) {
      Instant next = end;
      if (!wire.empty()) next = std::min(next, wire.front().at);
      for (const auto& wake : wakes)
        if (wake) next = std::min(next, *wake);
      now = std::max(now, next);
      if (!wire.empty() && wire.front().at <= now) {
        const Packet packet = std::move(wire.front());
        wire.pop_front();
        auto& to = packet.to_driver ? driver : battery;
        if (cut) continue;
        take(to->on_bytes(packet.bytes, now), !packet.to_driver);
      } else if (wakes[0] && *wakes[0] <= now) {
        wakes[0].reset();
        take(driver->on_timer(now), false);
      } else if (wakes[1] && *wakes[1] <= now) {
        wakes[1].reset();
        take(battery->on_timer(now), true);
      } else {
        return;
      }
    }
  }

  [[nodiscard]] double value(Point point, Measure measure) const {
    const auto& reading = snapshot.raw(point, measure);
    return reading ? reading->value : std::nan("");
  }

  BatteryTruth truth;
  std::unique_ptr<Device> battery;
  std::unique_ptr<protocol::Driver> driver;
  Instant now = t0;
  Snapshot snapshot;
  std::vector<Event> events;
  bool cut = false;

 private:
  struct Packet {
    Instant at;
    Bytes bytes;
    bool to_driver;
  };

  void take(const protocol::Step& step, bool from_battery) {
    if (step.wake_at) wakes[from_battery ? 1 : 0] = step.wake_at;
    events.insert(events.end(), step.events.begin(), step.events.end());
    for (const auto& sample : step.samples) snapshot.absorb(sample);
    for (const auto& bytes : step.send)
      for (std::size_t at = 0; at < bytes.size(); at += 7) {
        const auto part = ByteView(bytes).subspan(at, std::min<std::size_t>(7, bytes.size() - at));
        wire.push_back({now + 1ms, Bytes(part.begin(), part.end()), from_battery});
      }
  }

  std::deque<Packet> wire;
  std::array<std::optional<Instant>, 2> wakes;  // driver, battery
};

TEST_F(Cable, TheDriverSeesTheTruth) {
  truth.modules = 4;
  truth.voltage = Volts{50.1};
  truth.current = Amperes{40.0};
  connect(4);
  run_for(10s);
  EXPECT_TRUE(driver->health().ready) << driver->health().trouble;
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_DOUBLE_EQ(value(battery_module(i), Measure::voltage), 50.1);
    EXPECT_DOUBLE_EQ(value(battery_module(i), Measure::current), 10.0);
    EXPECT_NEAR(value(battery_module(i), Measure::temperature), 21.0, 0.2);
  }
  EXPECT_NEAR(value(Point::battery, Measure::cell_voltage_min), 50.1 / 15 - 0.002, 0.0006);
  EXPECT_NEAR(value(Point::battery, Measure::cell_voltage_max), 50.1 / 15 + 0.002, 0.0006);
  EXPECT_LT(value(Point::battery, Measure::cell_temperature_min), 21.0);
  EXPECT_GT(value(Point::battery, Measure::cell_temperature_max), 21.0);
}

TEST_F(Cable, AModuleThatIsNotThereIsNamed) {
  connect(3);  // the stack has two
  run_for(10s);
  EXPECT_FALSE(driver->health().ready);
  EXPECT_THAT(driver->health().trouble, HasSubstr("module 3 (address 4) does not answer"));
  EXPECT_TRUE(std::isnan(value(Point::battery, Measure::cell_voltage_min)));
  EXPECT_FALSE(std::isnan(value(battery_module(1), Measure::cell_voltage_min)));
}

TEST_F(Cable, ACutCableIsNoticedAndSurvived) {
  connect(2);
  run_for(10s);
  cut = true;
  run_for(60s);
  EXPECT_FALSE(driver->health().ready);
  const auto last = snapshot.raw(battery_module(0), Measure::voltage)->at;
  EXPECT_LE(last, t0 + 10s) << "nothing old becomes new";
  cut = false;
  run_for(20s);
  EXPECT_TRUE(driver->health().ready) << driver->health().trouble;
}

TEST_F(Cable, AProtectionIsTold) {
  connect(2);
  run_for(10s);
  truth.protections = static_cast<std::uint32_t>(BmsFlag::low_voltage);
  truth.discharge_enable = false;
  run_for(5s);
  ASSERT_THAT(events, SizeIs(2)) << "one a module";
  EXPECT_EQ(events[0].name, "module_alarms");
  EXPECT_THAT(events[0].detail, HasSubstr("protections=low_voltage"));
  EXPECT_THAT(events[0].detail, HasSubstr("discharge_switch=off"));
}

}  // namespace
}  // namespace esshub::sim
