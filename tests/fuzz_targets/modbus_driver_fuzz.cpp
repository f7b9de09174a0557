// The meters of the house, polled by the hub or by another master that it listens to.
#include "protocol/modbus/driver.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "protocol/modbus/rtu.hpp"
#include "sim/plant/device.hpp"
#include "tests/fuzz_targets/driver_script.hpp"
#include "tests/fuzz_targets/input.hpp"

namespace esshub::fuzz {
namespace {

using namespace protocol;

constexpr std::uint8_t two_phases = 1;
constexpr std::uint8_t sniffs = 2;

ModbusConfig config(std::uint8_t variant) {
  MeterConfig house{"house", MeterModel::sdm630, 1, {{.phase = 1, .point = Point::grid}}};
  if ((variant & two_phases) != 0) house.channels.push_back({.phase = 2, .point = Point::solar});
  MeterConfig battery{
      "battery", MeterModel::sdm120, 244, {{.phase = 1, .point = Point::battery_meter}}};
  return {.meters = {house, battery}};
}

std::unique_ptr<Driver> make_driver(std::uint8_t variant) {
  auto chosen = config(variant);
  if ((variant & sniffs) != 0) chosen.mode = ModbusMode::sniff;
  return make_modbus_driver(chosen);
}

sim::MeterTruth truth;

/// No two readings are the same: a grid meter that repeats itself is not believed.
void live(Instant now) {
  const auto seconds = Seconds(now.time_since_epoch()).count();
  for (auto& phase : truth.phases) phase.power = Watts{std::fmod(seconds, 1000.0)};
}

std::unique_ptr<Driver> make_meters() {
  return sim::make_fake_meters({{.unit = 1, .model = MeterModel::sdm630, .truth = &truth},
                                {.unit = 244, .model = MeterModel::sdm120, .truth = &truth}});
}

/// A line on which all is already going on: another master, and the meters that answer it.
class BusyLine final : public Driver {
 public:
  explicit BusyLine(ModbusConfig master)
      : master_(make_modbus_driver(std::move(master))), meters_(make_meters()) {}

  Step on_start(Instant now) override {
    (void)meters_->on_start(now);
    return of_master(master_->on_start(now), now);
  }
  Step on_bytes(ByteView, Instant) override { return {}; }
  Step on_timer(Instant now) override {
    Step step;
    if (meters_at_ && now >= *meters_at_) {
      meters_at_.reset();
      Step answer = meters_->on_timer(now);
      if (answer.wake_at) meters_at_ = answer.wake_at;
      step.send = answer.send;
      for (const auto& bytes : answer.send)
        add(step, of_master(master_->on_bytes(bytes, now), now));
    }
    if (master_at_ && now >= *master_at_) {
      master_at_.reset();
      add(step, of_master(master_->on_timer(now), now));
    }
    return woken(std::move(step));
  }
  void on_down(Instant) override {}
  [[nodiscard]] const DriverHealth& health() const override { return master_->health(); }

 private:
  static void add(Step& step, Step more) {
    for (auto& bytes : more.send) step.send.push_back(std::move(bytes));
  }
  Step of_master(Step said, Instant now) {
    if (said.wake_at) master_at_ = said.wake_at;
    Step step;
    for (auto& bytes : said.send) {
      const Step heard = meters_->on_bytes(bytes, now);
      if (heard.wake_at) meters_at_ = heard.wake_at;
      step.send.push_back(std::move(bytes));
    }
    return woken(std::move(step));
  }
  Step woken(Step step) const {
    step.wake_at =
        std::min(master_at_.value_or(Instant::max()), meters_at_.value_or(Instant::max()));
    return step;
  }

  std::unique_ptr<Driver> master_;
  std::unique_ptr<Driver> meters_;
  std::optional<Instant> master_at_;
  std::optional<Instant> meters_at_;
};

std::unique_ptr<Driver> make_device(std::uint8_t variant) {
  if ((variant & sniffs) == 0) return make_meters();
  auto master = config(variant);
  master.other_master_wait = Duration::zero();
  return std::make_unique<BusyLine>(master);
}

/// The answer to the last request with these registers, repeated as needed; without content a
/// refusal, without a request another master's one.
Bytes seal(std::uint8_t, ByteView asked, ByteView content) {
  const auto request = modbus::decode_request(asked);
  if (!request) {
    const auto byte = [&](std::size_t i) { return i < content.size() ? u8(content[i]) : 1u; };
    return modbus::encode({.unit = static_cast<std::uint8_t>(byte(0)),
                           .function = modbus::read_input,
                           .start = static_cast<std::uint16_t>(byte(1)),
                           .count = static_cast<std::uint16_t>(byte(2))});
  }
  if (content.empty()) {
    return modbus::encode_exception(request->unit, request->function,
                                    modbus::Exception::illegal_address);
  }
  Bytes registers(2u * request->count);
  for (std::size_t i = 0; i < registers.size(); ++i) registers[i] = content[i % content.size()];
  return modbus::encode_response(*request, registers);
}

void check_sent(std::uint8_t variant, ByteView frame, const std::optional<Setpoint>&, Instant) {
  promise((variant & sniffs) == 0, "a listener never transmits");
  const auto request = modbus::decode_request(frame);
  promise(request && (request->function == modbus::read_input ||
                      request->function == modbus::read_holding),
          "only reads");
}

}  // namespace

const Target target{make_driver, make_device, seal, live, check_sent};

}  // namespace esshub::fuzz
