// Typed settings of the control and their defaults (ranges: settings_table.cpp), and validate().
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/policy/schedule.hpp"
#include "control/policy/tariff.hpp"
#include "model/circuit.hpp"
#include "model/instruction.hpp"
#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub::control {

using namespace esshub::literals;

/// Turns the amperes of switches and fuses into watts.
inline constexpr Volts nominal_mains{230.0};

/// When the grid brings back what is missing of the reserve.
enum class ReserveRecharge : std::uint8_t {
  cheap,    ///< in cheap hours (is_off_peak)
  surplus,  ///< never: only the sun does
  at_once,  ///< whatever it costs
};

struct Settings {
  Duration period = 20ms;  ///< of the control tick

  // Grid connection
  Watts grid_setpoint = 0.0_W;      ///< what the meter shall show, + = import
  std::optional<Watts> import_cap;  ///< the battery's charging never lifts import above it
  std::optional<Watts> export_cap;  ///< the battery's discharging never lifts export above it

  /// F25: export above its cap by the battery's doing, or a lost grid meter, has the battery's
  /// export locked out where it comes again and again. Needs an export cap.
  bool witness = false;

  Amperes main_fuse = 100.0_A;  ///< of the house: a grid power beyond it cannot be

  bool solar_metered = true;  ///< a channel measures Point::solar; else load is net of solar

  CircuitRoles circuit_roles{};  ///< what the further metered circuits are

  // Battery
  unsigned cells = 15;               ///< in series: 15 or 16, of LFP
  Watts charge_limit = 2400.0_W;     ///< at the battery, AC side
  Watts discharge_limit = 2400.0_W;  ///< at the battery, AC side
  Soc soc_floor = 10.0_soc;          ///< no discharge at or below, ever while grid-tied
  Soc soc_ceiling = 100.0_soc;       ///< no charge at or above
  Soc reserve = 20.0_soc;       ///< kept for a power cut: no discharge at or below while grid-tied
  double soc_hysteresis = 2.0;  ///< percentage points before a stopped direction resumes
  Volts charge_voltage_cap = 52.4_V;   ///< never charge above it, nor above the BMS's CVL
  Soc cutoff_soc = 5.0_soc;            ///< islanded: inverter off at or below
  Watts force_charge_power = 500.0_W;  ///< when the BMS asks to be charged
  Volts cutoff_voltage = 46.0_V;       ///< islanded: inverter off after 10 s at or below
  // No charge, or no discharge, outside (F28); the defaults are the makers' of the usual packs.
  Celsius coldest_charge = 0.0_degC;
  Celsius warmest_charge = 50.0_degC;
  Celsius coldest_discharge = Celsius{-10.0};
  Celsius warmest_discharge = 50.0_degC;

  ReserveRecharge reserve_recharge = ReserveRecharge::cheap;
  Watts reserve_recharge_power = 500.0_W;  ///< at the battery, AC side

  double full_charge_days = 0.0;  ///< charge to 100 % that often, 0 = when the BMS asks

  // Policy
  Mode mode = Mode::scheduled;
  std::vector<ScheduleEntry> schedule;  ///< no two at the same time
  Tariff tariff;
  /// By CircuitRole: false = the battery gives nothing for what such circuits draw.
  EnumArray<CircuitRole, bool> battery_serves{{true, true, true}};
  // What the planner of Smart mode reckons with (control/plan)
  bool smart_sells = false;         ///< may discharge into the grid
  bool smart_sells_bought = false;  ///< also what it bought from the grid
  double smart_wear = 0.0;          ///< cost of a kWh given, in the tariff's currency

  // Inverter
  Watts inverter_rating = 2400.0_W;  ///< continuous AC power, both directions
  Amperes charger_current = 35.0_A;  ///< DC limit of its charger
  Amperes transfer_switch = 32.0_A;  ///< what it passes between AC-in and AC-out
  double conversion_efficiency =
      0.94;                     ///< one way; turns BMS amperes at the DC terminals into AC watts
  WattsPerSecond slew{5000.0};  ///< of the commanded power, except towards a limit

  // Ages above which a reading no longer counts
  Duration meter_max_age = 3s;
  Duration bms_max_age = 3s;
  Duration inverter_max_age = 3s;
  Duration setpoint_life = 1s;  ///< how long a setpoint may be (re)written after its tick

  // What the loop knows of the plant's delays; time constants, ramp and gain are only where it
  // begins
  Duration meter_time_constant = 217ms;  ///< time constant of the meter's filter (1 s to 99 %)
  Duration meter_delay = 85ms;  ///< from the meter latching its registers to our time stamp
  Duration inverter_time_constant = 100ms;  ///< time constant of the inverter's response
  Duration inverter_delay = 120ms;          ///< from the inverter's snapshot to our time stamp
  Duration ack_delay = 60ms;  ///< from a setpoint taking effect to its acknowledgement
  WattsPerSecond inverter_ramp{1000.0};

  /// Of the grid meter's power.
  [[nodiscard]] Duration grid_max_age() const {
    return witness ? std::min<Duration>(meter_max_age, 1s) : meter_max_age;
  }

  friend bool operator==(const Settings&, const Settings&) = default;
};

struct ValidationError {
  std::string key;      ///< as in the file: "battery.soc_floor"; "schedule 2" is its third entry
  std::string text;     ///< what is wrong and what was expected
  std::string other{};  ///< of a cross-check: the second setting's key, else empty
};

/// What is wrong with an instruction under these settings, in words; nothing when it may be given:
/// powers up to the configured limits, targets between floor and ceiling, ranges with room in them.
[[nodiscard]] std::optional<std::string> validate(const Instruction& instruction,
                                                  const Settings& settings);

/// As validate for what is asked from outside, which need not know the limits: any power above 0
/// that is a number will do, for the limits bound it in every tick and are named as its reasons.
[[nodiscard]] std::optional<std::string> validate_dispatch(const Instruction& instruction,
                                                           const Settings& settings);

/// What of `wanted` may be in force at once in place of `in_force`: what was learnt of the buses at
/// the start stays, with other cells also the pack's two voltages, and `witness`, for which the
/// meters are judged.
[[nodiscard]] Settings at_once(const Settings& in_force, Settings wanted);

/// Every error in the settings as a whole (ranges and cross-checks); empty when valid.
[[nodiscard]] std::vector<ValidationError> validate(const Settings& settings);

}  // namespace esshub::control
