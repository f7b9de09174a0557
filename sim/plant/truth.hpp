// What is physically true in the simulated house, as plain data shared by the physics and the
// devices.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "model/bms.hpp"
#include "model/sample.hpp"
#include "model/units.hpp"
#include "model/vebus.hpp"

namespace esshub::sim {

/// One metered conductor as its meter shows it (after the meter's filter). + as for its Point.
struct MeterReading {
  Volts voltage{230.0};
  Amperes current{};  ///< magnitude
  Watts power{};      ///< signed
  WattHours forward{};
  WattHours reverse{};
};

struct MeterTruth {
  std::array<MeterReading, 3> phases;  ///< SDM120 uses the first
  Hertz frequency{50.0};
};

/// The stack as its BMS reports it.
struct BatteryTruth {
  double soc_percent = 50.0;               ///< exact; the BMS reports whole percent
  std::optional<double> told_soc_percent;  ///< what it reports instead
  double soh_percent = 99.0;
  Volts voltage{49.5};
  Amperes current{};      ///< + = charging
  bool contactor = true;  ///< closed; open, no current flows
  Celsius temperature{21.0};
  std::optional<double> told_celsius;  ///< the temperature it reports instead
  Volts cvl{53.2};
  Amperes ccl{50.0};
  Amperes dcl{50.0};
  Volts dvl{45.0};
  unsigned modules = 2;
  bool charge_enable = true;
  bool discharge_enable = true;
  bool force_charge_1 = false;
  bool force_charge_2 = false;
  bool full_charge = false;
  std::uint32_t protections = 0;  ///< BmsFlag bits
  std::uint32_t warnings = 0;     ///< BmsFlag bits
};

/// BmsRequest bits of its switches.
[[nodiscard]] constexpr std::uint32_t request_bits(const BatteryTruth& truth) {
  std::uint32_t out = 0;
  const auto add = [&out](bool on, BmsRequest request) {
    if (on) out |= static_cast<std::uint32_t>(request);
  };
  add(truth.charge_enable, BmsRequest::charge_enable);
  add(truth.discharge_enable, BmsRequest::discharge_enable);
  add(truth.force_charge_1, BmsRequest::force_charge_1);
  add(truth.force_charge_2, BmsRequest::force_charge_2);
  add(truth.full_charge, BmsRequest::full_charge);
  return out;
}

/// The MultiPlus as it measures itself.
struct InverterTruth {
  VebusState state = VebusState::passthru;
  std::uint8_t charge_state = 1;  ///< VebusChargeState
  Watts ac_in{};                  ///< + = drawn from mains
  Watts battery_ac{};             ///< AC side of the conversion, + = charging
  Watts ac_out{};                 ///< loads behind it
  Watts ac_out_error{};           ///< by which its own word for them is wrong
  Volts mains_voltage{230.0};
  Hertz mains_frequency{50.0};  ///< 0 = no mains
  Volts out_voltage{230.0};
  Hertz out_frequency{50.0};
  Volts dc_voltage{49.5};
  Amperes dc_current{};       ///< + = charging
  double soc_percent = 50.0;  ///< by its own battery monitor
  std::uint8_t leds_on = 0x05;
  std::uint8_t leds_blink = 0;
  std::uint8_t alarms = 0;
  std::uint8_t error = 0;
};

enum class SwitchPosition : std::uint8_t { charger_only = 1, inverter_only = 2, on = 3, off = 4 };

/// What the interface commands the MultiPlus to do; written by the fake device, read by the
/// physics.
struct InverterCommand {
  std::optional<Watts> setpoint;  ///< at AC-in, + = charging; nothing once the time-out has passed
  std::uint64_t setpoint_writes = 0;
  SwitchPosition switch_state = SwitchPosition::on;
};

}  // namespace esshub::sim
