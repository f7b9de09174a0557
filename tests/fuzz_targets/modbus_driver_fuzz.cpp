// The Modbus master with both meters of the house on its line.
#include "protocol/modbus_driver.hpp"

#include <cmath>

#include "protocol/modbus_rtu.hpp"
#include "sim/plant/device.hpp"
#include "tests/fuzz_targets/driver_script.hpp"

namespace esshub::fuzz {
namespace {

using namespace protocol;

std::unique_ptr<Driver> make_driver(std::uint8_t variant) {
  const bool third_phase = (variant & 1) != 0;
  MeterConfig house{"house", MeterModel::sdm630, 1, {{.phase = 1, .point = Point::grid}}};
  if (third_phase) house.channels.push_back({.phase = 2, .point = Point::solar});
  MeterConfig battery{
      "battery", MeterModel::sdm120, 244, {{.phase = 1, .point = Point::battery_meter}}};
  return make_modbus_driver({.meters = {house, battery}});
}

sim::MeterTruth truth;

/// No two readings are the same: a grid meter that repeats itself is not believed.
void live(Instant now) {
  const auto seconds = Seconds(now.time_since_epoch()).count();
  for (auto& phase : truth.phases) phase.power = Watts{std::fmod(seconds, 1000.0)};
}

std::unique_ptr<Driver> make_device(std::uint8_t) {
  return sim::make_fake_meters({{.unit = 1, .three_phase = true, .truth = &truth},
                                {.unit = 244, .three_phase = false, .truth = &truth}});
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
  return modbus::encode_answer(*request, registers);
}

}  // namespace

const Target target{make_driver, make_device, seal, live};

}  // namespace esshub::fuzz
