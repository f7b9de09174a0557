// The battery's RS485 port, which is only read.
#include "protocol/pylontech/rs485_driver.hpp"

#include "protocol/pylontech/rs485_frame.hpp"
#include "sim/plant/device.hpp"
#include "tests/fuzz_targets/driver_script.hpp"
#include "tests/fuzz_targets/input.hpp"

namespace esshub::fuzz {
namespace {

using namespace protocol;

std::unique_ptr<Driver> make_driver(std::uint8_t variant) {
  return make_pylontech_rs485_driver({.modules = 1u + (variant & 1u)});
}

std::unique_ptr<Driver> make_device(std::uint8_t) {
  static const sim::BatteryTruth truth;
  return sim::make_fake_battery_rs485(truth, {});
}

/// Return code, then INFO, from the module asked last.
Bytes seal(std::uint8_t, ByteView asked, ByteView content) {
  if (content.empty()) return {};
  const auto request = pylontech_rs485::decode_frame(asked);
  const ByteView info = content.subspan(1);
  return pylontech_rs485::encode_frame({.address = request ? request->address : std::uint8_t{2},
                                        .cid2 = u8(content[0]),
                                        .info = {info.begin(), info.end()}});
}

void check_sent(std::uint8_t, ByteView bytes, const std::optional<Setpoint>&, Instant) {
  const auto frame = pylontech_rs485::decode_frame(bytes);
  promise(frame && (frame->cid2 == 0x42 || frame->cid2 == 0x44), "asks for cells and alarms only");
}

}  // namespace

// What is said of the stack is as old as the oldest answer of its sweep; a little more as the
// player may hand over bytes that came before the last wake-up.
const Target target{make_driver, make_device, seal, nullptr, check_sent, 60s, 61s};

}  // namespace esshub::fuzz
