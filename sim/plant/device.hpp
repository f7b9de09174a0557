// The simulated devices' makers. A device is a protocol::Driver seen from the other side of the
// wire: bytes and time in, bytes and a wake-up out, no samples. Its responses leave at once after
// the device's own reply delay; the wire (wire.hpp) paces the bytes at the baud rate.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "protocol/driver.hpp"
#include "protocol/modbus/meter_models.hpp"
#include "sim/plant/truth.hpp"

namespace esshub::sim {

using Device = protocol::Driver;

/// A meter on the RS485 line: all registers of its model, exceptions, single-register reads.
struct FakeMeter {
  std::uint8_t unit = 1;
  protocol::MeterModel model = protocol::MeterModel::sdm630;
  const MeterTruth* truth = nullptr;
  Duration turnaround = 45ms;  ///< from the request's last byte to the response's first
};
[[nodiscard]] std::unique_ptr<Device> make_fake_meters(std::vector<FakeMeter> meters);

struct FakeBatteryOptions {
  bool profile_13 = false;        ///< 0x35A/0x35F instead of 0x359/0x35C
  bool needs_keep_alive = false;  ///< talk only 0x359 until 0x305 was seen
  bool transmit_ack = true;       ///< LAWICEL `z` answers; CANable gives none
};
/// A LAWICEL SLCAN adapter with a Pylontech stack behind it.
[[nodiscard]] std::unique_ptr<Device> make_fake_battery(const BatteryTruth& truth,
                                                        FakeBatteryOptions options);

struct FakeBatteryRs485Options {
  std::uint8_t first_address = 2;
  Duration turnaround = 30ms;  ///< from the request's last byte to the response's first
};
/// The same stack at its RS485 port: every module with cells that differ by a few millivolts.
[[nodiscard]] std::unique_ptr<Device> make_fake_battery_rs485(const BatteryTruth& truth,
                                                              FakeBatteryRs485Options options);

struct FakeMultiplusOptions {
  bool long_dialect = false;        ///< left in long ("mode 2") by another program
  int ess_layout = 0;               ///< 0: record at 130 (setpoint 131); 1: ESS first (129);
                                    ///< 2: starts with id 0 size 1; 3: no ESS assistant
  Duration setpoint_timeout = 15s;  ///< then passthru
  bool high_speed = false;          ///< left at 115200 baud by another program
  bool front_switch = true;         ///< off, no command switches it on
  unsigned phases = 1;              ///< more: the other masters' AC frames are heard too
  unsigned parallel = 1;            ///< units on the phase
  bool truncates_w = false;         ///< replies to 'W' are cut to 4 bytes of data
  bool chatter = true;              ///< interleaved V, 0x20, 0x41 and special-checksum frames
  std::uint64_t seed = 1;           ///< reply delays 25 to 60 ms and chatter are drawn from it
};
/// An MK3 interface with a MultiPlus-II and its ESS assistant behind it.
[[nodiscard]] std::unique_ptr<Device> make_fake_multiplus(const InverterTruth& truth,
                                                          InverterCommand& command,
                                                          FakeMultiplusOptions options);

}  // namespace esshub::sim
