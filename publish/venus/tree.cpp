#include "publish/venus/tree.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>

#include "model/derived.hpp"
#include "model/published_values.hpp"

namespace esshub::publish {
namespace {

using Value = std::optional<VenusValue>;

/// At the battery, as Venus has it (victronenergy/dbus-systemcalc-py:dbus_systemcalc.py).
constexpr double idle_below_w = 30.0;

std::optional<std::int32_t> integer(std::optional<double> value) {
  if (!value || !(std::abs(*value) < 2147483647.0)) return std::nullopt;
  return static_cast<std::int32_t>(std::lround(*value));
}

std::optional<std::uint32_t> bits(const View& view, Measure measure) {
  return fresh(view.snapshot.bits(Point::battery, measure), view.now);
}

bool any(std::uint32_t set, std::initializer_list<BmsFlag> flags) {
  for (const BmsFlag flag : flags)
    if (has(set, flag)) return true;
  return false;
}

/// 0 ok, 1 warning, 2 alarm. Without the protection bits nothing can be said.
template <BmsFlag... flags>
Value alarm(const View& view) {
  const auto protections = bits(view, Measure::protections);
  if (!protections) return std::nullopt;
  if (any(*protections, {flags...})) return 2;
  const auto warnings = bits(view, Measure::warnings);
  if (!warnings) return std::nullopt;
  return any(*warnings, {flags...}) ? 1 : 0;
}

template <BmsRequest... requests>
Value requested(const View& view) {
  const auto set = bits(view, Measure::requests);
  if (!set) return std::nullopt;
  return (has(*set, requests) || ...) ? 1 : 0;
}

template <Fault fault>
Value fault_alarm(const View& view) {
  const auto* decision = current_decision(view);
  if (!decision) return std::nullopt;
  return decision->faults.active(fault) ? 2 : 0;
}

/// 1 while one of the rules shaped the decision.
template <Cause... rules>
Value ruled(const View& view) {
  const auto* decision = current_decision(view);
  if (!decision) return std::nullopt;
  return (decision->reasons.has(rules) || ...) ? 1 : 0;
}

template <Point point, Measure measure>
Value reading(const View& view) {
  return view.current(point, measure);
}

template <Point point, Measure measure>
Value whole(const View& view) {
  return integer(view.current(point, measure));
}

template <std::optional<double> (*derived)(const View&)>
Value value_of(const View& view) {
  return derived(view);
}

template <std::int32_t number>
Value constant(const View&) {
  return number;
}

/// Venus OS has it, this hub does not know it: who asks is told so, and gets no error.
Value unknown(const View&) {
  return std::nullopt;
}

/// 1 while the device's main reading is current.
template <Point point, Measure measure>
Value connected(const View& view) {
  return view.current(point, measure) ? 1 : 0;
}

std::optional<VebusState> main_state(const View& view) {
  return fresh(view.snapshot.vebus_state(), view.now);
}

/// As the control sees it; nothing while the inverter is silent.
std::optional<bool> islanded(const View& view) {
  const auto* decision = current_decision(view);
  if (!decision || !main_state(view)) return std::nullopt;
  return decision->faults.active(Fault::islanded);
}

/// Venus /State from the main state, the charge sub-state and the error code.
/// reference: vebus-mk3#8.2.
Value vebus_state(const View& view) {
  const auto state = main_state(view);
  if (!state) return std::nullopt;
  const auto error = integer(view.current(Point::inverter, Measure::error));
  if (error && *error != 0) return 2;
  switch (*state) {
    case VebusState::down:
    case VebusState::startup:
    case VebusState::off:
      return 0;
    case VebusState::slave:
      return std::nullopt;  // a slave has no state of its own
    case VebusState::invert_full:
    case VebusState::invert_half:
      return 9;
    case VebusState::invert_search:
      return 1;
    case VebusState::power_assist:
      return 10;
    case VebusState::passthru:
      return 8;
    case VebusState::charge:
      break;
  }
  if (setpoint_w(view)) return 252;  // external control
  const auto charging = view.current(Point::inverter, Measure::charge_state);
  const auto known = charging ? state_of<VebusChargeState>(*charging) : std::nullopt;
  if (!known) return std::nullopt;
  switch (*known) {
    case VebusChargeState::init:
    case VebusChargeState::bulk:
    case VebusChargeState::bulk_stopped:
      return 3;
    case VebusChargeState::absorption:
    case VebusChargeState::repeated_absorption:
    case VebusChargeState::forced_absorption:
      return 4;
    case VebusChargeState::float_:
      return 5;
    case VebusChargeState::storage:
      return 6;
    case VebusChargeState::equalise:
      return 7;
  }
  return std::nullopt;
}

Value active_input(const View& view) {
  const auto island = islanded(view);
  return island ? Value{*island ? 240 : 0} : std::nullopt;
}

Value active_in_connected(const View& view) {
  const auto island = islanded(view);
  return island ? Value{*island ? 0 : 1} : std::nullopt;
}

Value grid_lost(const View& view) {
  const auto island = islanded(view);
  return island ? Value{*island ? 2 : 0} : std::nullopt;
}

Value active_in_source(const View& view) {
  const auto island = islanded(view);
  return island ? Value{*island ? 240 : 1} : std::nullopt;
}

/// 5 = ESS assistant found; invalid without one: a setpoint would have no effect.
Value assistant(const View& view) {
  const auto controllable = view.current(Point::inverter, Measure::controllable);
  return controllable && *controllable == 1.0 ? Value{5} : std::nullopt;
}

/// 0 ok, 1 warning, 2 alarm.
template <VebusAlarm alarm>
Value inverter_alarm(const View& view) {
  const auto set = fresh(view.snapshot.bits(Point::inverter, Measure::alarms), view.now);
  if (!set) return std::nullopt;
  if ((*set & alarm_bit(alarm)) != 0) return 2;
  return (*set & warning_bit(alarm)) != 0 ? 1 : 0;
}

/// As the hub switches it: 3 on, 4 off.
Value vebus_mode(const View& view) {
  const auto* decision = current_decision(view);
  if (!decision || !main_state(view)) return std::nullopt;
  switch (decision->setpoint.mode) {
    case InverterMode::follow:
    case InverterMode::release:
      return 3;
    case InverterMode::off:
      return 4;
  }
  return std::nullopt;
}

/// 1 while the mains is there for the inverter to use.
Value mains_available(const View& view) {
  const auto island = islanded(view);
  return island ? Value{*island ? 0 : 1} : std::nullopt;
}

/// Hz. On the mains AC-in and AC-out are one wire; what an island has is not told.
Value ac_out_frequency(const View& view) {
  const auto status = fresh(view.snapshot.inverter_status(), view.now);
  if (status != InverterStatus::grid_connected) return std::nullopt;
  return view.current(Point::inverter, Measure::frequency);
}

/// W. In a power cut nothing but AC-out is fed, and that load is known without the grid meter.
Value consumption(const View& view) {
  if (islanded(view) == true) return view.current(Point::ac_out, Measure::power);
  return house_w(view);
}

/// VA
template <Point point>
std::optional<double> apparent(const View& view) {
  return product(view, point, Measure::voltage, Measure::current);
}

/// Of the true power; nothing at currents where it would be noise.
template <Point point>
Value power_factor(const View& view) {
  const auto power = view.current(point, Measure::power);
  const auto va = apparent<point>(view);
  if (!power || !va || std::abs(*va) < 50.0) return std::nullopt;
  return std::clamp(*power / std::abs(*va), -1.0, 1.0);
}

/// Ah, negative as Venus shows it.
Value consumed_amphours(const View& view) {
  const auto capacity = view.current(Point::battery, Measure::capacity);
  const auto soc = view.current(Point::battery, Measure::soc);
  if (!capacity || !soc) return std::nullopt;
  return -*capacity * (100.0 - *soc) / 100.0;
}

/// 1 while the BMS forbids that direction.
template <BmsRequest enable>
Value blocked(const View& view) {
  const auto set = bits(view, Measure::requests);
  if (!set) return std::nullopt;
  return has(*set, enable) ? 0 : 1;
}

/// W drawn by the loads on the grid's side, and what the meters' skew leaves of it below zero is
/// cut off as Venus does.
std::optional<double> load_on_input_w(const View& view) {
  const auto grid = view.current(Point::grid, Measure::power);
  const auto inverter = view.current(Point::inverter, Measure::power);
  if (!grid || !inverter) return std::nullopt;
  const auto solar = view.current(Point::solar, Measure::power);
  return std::max(0.0, *grid - *inverter + solar.value_or(0.0));
}

/// 1 while the weekly plan, the planner or the tariff charges.
Value scheduled_charge(const View& view) {
  const auto* decision = current_decision(view);
  if (!decision) return std::nullopt;
  const auto& policy = decision->policy;
  return policy.instruction.kind == InstructionKind::charge &&
                 (policy.authority == Authority::schedule || policy.authority == Authority::smart ||
                  policy.authority == Authority::tariff)
             ? 1
             : 0;
}

/// As Venus counts it (victronenergy/dbus-systemcalc-py:delegates/systemstate.py): with ESS and on
/// the mains what is done with the battery, else the inverter's own state.
Value system_state(const View& view) {
  constexpr std::int32_t discharging = 0x100;
  constexpr std::int32_t recharge = 0x102;
  constexpr std::int32_t scheduled = 0x103;
  auto state = vebus_state(view);
  const auto main = main_state(view);
  const bool on_mains = main == VebusState::passthru || main == VebusState::charge;
  if (!on_mains || state == Value{2} || !assistant(view)) return state;
  if (scheduled_charge(view) == Value{1}) return scheduled;
  if (ruled<Cause::force_charge, Cause::reserve_recharge>(view) == Value{1}) return recharge;
  if (battery_dc_w(view).value_or(0.0) < -idle_below_w) return discharging;
  return state;
}

/// s
Value time_to_go(const View& view) {
  return number_of(view, ValueId::backup_left);
}

Value scheduled_soc(const View& view) {
  const auto active = scheduled_charge(view);
  if (active != Value{1}) return std::nullopt;
  return view.decision.policy.instruction.target.percent();
}

template <const char* text>
Value word(const View&) {
  return std::string_view{text};
}
constexpr char pylon[] = "PYLON";
constexpr char ess[] = "ESS";
constexpr char mk3[] = "MK3";
constexpr char role_grid[] = "grid";
constexpr char role_pvinverter[] = "pvinverter";
constexpr char role_acload[] = "acload";

/// 0 idle, 1 charging, 2 discharging.
Value battery_state(const View& view) {
  const auto power = battery_dc_w(view);
  if (!power) return std::nullopt;
  if (std::abs(*power) <= idle_below_w) return 0;
  return *power > 0.0 ? 1 : 2;
}

/// Where a row's value comes from: the table of published values, or a function of this file.
struct Source {
  constexpr Source(ValueId value) : id(value), is_value(true) {}        // NOLINT(*-explicit-*)
  constexpr Source(Value (*function)(const View&)) : call(function) {}  // NOLINT(*-explicit-*)

  ValueId id{};
  Value (*call)(const View&) = nullptr;
  /// Said apart: comparing a pointer to a function is no constant expression under UBSan.
  bool is_value = false;
};

struct Row {
  std::string_view service;
  std::string_view path;
  Source source;
};

/// Venus has the same units but whole seconds; counts and codes are whole numbers.
Value published_value(const View& view, ValueId id) {
  const auto& row = published(id);
  const auto number = row.number(view);
  if (row.unit == Unit::none || row.unit == Unit::second) return integer(number);
  return number;
}

using M = Measure;
using P = Point;
using V = ValueId;

// One row a path. reference: venus-dbus-mqtt#3.1 to venus-dbus-mqtt#3.7.
constexpr auto rows = std::to_array<Row>({
    // 3.1 Only the grid's own phase: the meter's other phases measure other things.
    {"grid", "/Connected", &connected<P::grid, M::power>},
    {"grid", "/NrOfPhases", &constant<1>},
    {"grid", "/Role", &word<role_grid>},
    {"grid", "/RefreshTime", &constant<1000>},
    {"grid", "/ErrorCode", &constant<0>},
    {"grid", "/DeviceType", &constant<0>},
    {"grid", "/Ac/Power", V::grid_power},
    {"grid", "/Ac/L1/Power", V::grid_power},
    {"grid", "/Ac/L1/Voltage", V::grid_voltage},
    {"grid", "/Ac/L1/Current", V::grid_current},
    {"grid", "/Ac/Frequency", V::grid_frequency},
    {"grid", "/Ac/PowerFactor", &power_factor<P::grid>},
    {"grid", "/Ac/L1/PowerFactor", &power_factor<P::grid>},
    {"grid", "/Ac/Energy/Forward", V::grid_energy_forward},
    {"grid", "/Ac/L1/Energy/Forward", V::grid_energy_forward},
    {"grid", "/Ac/Energy/Reverse", V::grid_energy_reverse},
    {"grid", "/Ac/L1/Energy/Reverse", V::grid_energy_reverse},

    // 3.2 Position 0: on the grid side. Published as a generic meter: its status code stays
    // invalid.
    {"pvinverter", "/Connected", &connected<P::solar, M::power>},
    {"pvinverter", "/Position", &constant<0>},
    {"pvinverter", "/IsGenericEnergyMeter", &constant<1>},
    {"pvinverter", "/StatusCode", &unknown},
    {"pvinverter", "/NrOfPhases", &constant<1>},
    {"pvinverter", "/Role", &word<role_pvinverter>},
    {"pvinverter", "/RefreshTime", &constant<1000>},
    {"pvinverter", "/ErrorCode", &constant<0>},
    {"pvinverter", "/Ac/Power", V::solar_power},
    {"pvinverter", "/Ac/L1/Power", V::solar_power},
    {"pvinverter", "/Ac/L1/Voltage", V::solar_voltage},
    {"pvinverter", "/Ac/L1/Current", V::solar_current},
    {"pvinverter", "/Ac/Energy/Forward", V::solar_energy_forward},
    {"pvinverter", "/Ac/L1/Energy/Forward", V::solar_energy_forward},

    // 3.3 Not a second grid: Venus would silently take the lower instance of two.
    {"acload", "/Connected", &connected<P::battery_meter, M::power>},
    {"acload", "/NrOfPhases", &constant<1>},
    {"acload", "/Role", &word<role_acload>},
    {"acload", "/RefreshTime", &constant<1000>},
    {"acload", "/ErrorCode", &constant<0>},
    {"acload", "/Ac/Power", V::battery_meter_power},
    {"acload", "/Ac/L1/Power", V::battery_meter_power},
    {"acload", "/Ac/L1/Voltage", V::battery_meter_voltage},
    {"acload", "/Ac/L1/Current", V::battery_meter_current},
    {"acload", "/Ac/Frequency", V::battery_meter_frequency},
    {"acload", "/Ac/Energy/Forward", V::battery_meter_energy_forward},
    {"acload", "/Ac/L1/Energy/Forward", V::battery_meter_energy_forward},
    {"acload", "/Ac/Energy/Reverse", V::battery_meter_energy_reverse},
    {"acload", "/Ac/L1/Energy/Reverse", V::battery_meter_energy_reverse},

    // 3.4
    {"battery", "/Connected", &connected<P::battery, M::soc>},
    {"battery", "/Dc/0/Voltage", V::battery_voltage},
    {"battery", "/Dc/0/Current", V::battery_current},
    {"battery", "/Dc/0/Power", V::battery_dc_power},
    {"battery", "/Dc/0/Temperature", V::battery_temperature},
    {"battery", "/Soc", V::battery_soc},
    {"battery", "/Soh", V::battery_soh},
    {"battery", "/InstalledCapacity", V::battery_capacity},
    {"battery", "/Capacity", V::battery_capacity},
    {"battery", "/ConsumedAmphours", &consumed_amphours},
    {"battery", "/TimeToGo", V::backup_left},
    {"battery", "/Info/MaxChargeVoltage", V::battery_charge_voltage_limit},
    {"battery", "/Info/MaxChargeCurrent", V::battery_charge_current_limit},
    {"battery", "/Info/MaxDischargeCurrent", V::battery_discharge_current_limit},
    {"battery", "/Info/BatteryLowVoltage", V::battery_discharge_voltage_limit},
    {"battery", "/Info/ChargeRequest",
     &requested<BmsRequest::force_charge_1, BmsRequest::force_charge_2>},
    {"battery", "/Info/FullChargeRequest", &requested<BmsRequest::full_charge>},
    {"battery", "/Io/AllowToCharge", &requested<BmsRequest::charge_enable>},
    {"battery", "/Io/AllowToDischarge", &requested<BmsRequest::discharge_enable>},
    {"battery", "/System/NrOfModulesOnline", V::battery_modules},
    {"battery", "/System/MinCellVoltage", V::battery_cell_voltage_min},
    {"battery", "/System/MaxCellVoltage", V::battery_cell_voltage_max},
    {"battery", "/System/MinCellTemperature", V::battery_cell_temperature_min},
    {"battery", "/System/MaxCellTemperature", V::battery_cell_temperature_max},
    {"battery", "/System/NrOfModulesOffline", &unknown},
    {"battery", "/System/NrOfModulesBlockingCharge", &unknown},
    {"battery", "/System/NrOfModulesBlockingDischarge", &unknown},
    {"battery", "/System/MinVoltageCellId", &unknown},
    {"battery", "/System/MaxVoltageCellId", &unknown},
    {"battery", "/System/MinTemperatureCellId", &unknown},
    {"battery", "/System/MaxTemperatureCellId", &unknown},
    {"battery", "/Alarms/LowVoltage", &alarm<BmsFlag::low_voltage>},
    {"battery", "/Alarms/HighVoltage", &alarm<BmsFlag::high_voltage>},
    {"battery", "/Alarms/LowTemperature", &alarm<BmsFlag::low_temperature>},
    {"battery", "/Alarms/HighTemperature", &alarm<BmsFlag::high_temperature>},
    {"battery", "/Alarms/HighChargeCurrent", &alarm<BmsFlag::high_charge_current>},
    {"battery", "/Alarms/HighDischargeCurrent",
     &alarm<BmsFlag::high_discharge_current, BmsFlag::short_circuit>},
    {"battery", "/Alarms/HighChargeTemperature", &alarm<BmsFlag::high_charge_temperature>},
    {"battery", "/Alarms/LowChargeTemperature", &alarm<BmsFlag::low_charge_temperature>},
    {"battery", "/Alarms/CellImbalance", &alarm<BmsFlag::cell_imbalance>},
    {"battery", "/Alarms/InternalFailure",
     &alarm<BmsFlag::internal_failure, BmsFlag::system, BmsFlag::internal_communication,
            BmsFlag::general, BmsFlag::unknown>},
    {"battery", "/Alarms/Contactor", &alarm<BmsFlag::contactor>},
    {"battery", "/Alarms/ChargeBlocked", &blocked<BmsRequest::charge_enable>},
    {"battery", "/Alarms/DischargeBlocked", &blocked<BmsRequest::discharge_enable>},
    {"battery", "/Alarms/BmsCable", &fault_alarm<Fault::bms_lost>},
    {"battery", "/Manufacturer", &word<pylon>},
    {"battery", "/Family", &word<pylon>},

    // 3.5
    {"vebus", "/Connected", &connected<P::inverter, M::main_state>},
    {"vebus", "/Ac/NumberOfPhases", &constant<1>},
    {"vebus", "/Ac/NumberOfAcInputs", &constant<1>},
    {"vebus", "/Ac/ActiveIn/ActiveInput", &active_input},
    {"vebus", "/Ac/ActiveIn/Connected", &active_in_connected},
    {"vebus", "/Ac/ActiveIn/P", V::inverter_power},
    {"vebus", "/Ac/ActiveIn/L1/P", V::inverter_power},
    {"vebus", "/Ac/ActiveIn/L1/V", V::inverter_voltage},
    {"vebus", "/Ac/ActiveIn/L1/I", &reading<P::inverter, M::current>},
    {"vebus", "/Ac/ActiveIn/L1/F", V::inverter_frequency},
    {"vebus", "/Ac/ActiveIn/L1/S", &value_of<&apparent<P::inverter>>},
    {"vebus", "/Ac/ActiveIn/CurrentLimit", V::inverter_input_limit},
    {"vebus", "/Ac/ActiveIn/CurrentLimitIsAdjustable", &constant<0>},
    {"vebus", "/Ac/State/AcIn1Available", &mains_available},
    {"vebus", "/Ac/State/IgnoreAcIn1", &constant<0>},
    {"vebus", "/Ac/In/1/CurrentLimit", V::inverter_input_limit},
    {"vebus", "/Ac/Out/P", V::ac_out_power},
    {"vebus", "/Ac/Out/L1/P", V::ac_out_power},
    {"vebus", "/Ac/Out/L1/V", &reading<P::ac_out, M::voltage>},
    {"vebus", "/Ac/Out/L1/I", &reading<P::ac_out, M::current>},
    {"vebus", "/Ac/Out/L1/F", &ac_out_frequency},
    {"vebus", "/Ac/Out/L1/S", &value_of<&apparent<P::ac_out>>},
    {"vebus", "/Dc/0/Voltage", V::inverter_dc_voltage},
    {"vebus", "/Dc/0/Current", V::inverter_dc_current},
    {"vebus", "/Dc/0/Power", V::inverter_dc_power},
    {"vebus", "/State", &vebus_state},
    {"vebus", "/Mode", &vebus_mode},
    {"vebus", "/ModeIsAdjustable", &constant<0>},
    {"vebus", "/VebusMainState", &whole<P::inverter, M::main_state>},
    {"vebus", "/VebusChargeState", &whole<P::inverter, M::charge_state>},
    {"vebus", "/VebusError", V::inverter_error},
    {"vebus", "/Alarms/GridLost", &grid_lost},
    {"vebus", "/Alarms/BmsConnectionLost", &fault_alarm<Fault::bms_lost>},
    {"vebus", "/Alarms/HighTemperature", &inverter_alarm<VebusAlarm::temperature>},
    {"vebus", "/Alarms/LowBattery", &inverter_alarm<VebusAlarm::low_battery>},
    {"vebus", "/Alarms/Overload", &inverter_alarm<VebusAlarm::overload>},
    {"vebus", "/Alarms/Ripple", &inverter_alarm<VebusAlarm::dc_ripple>},
    {"vebus", "/Alarms/L1/HighTemperature", &inverter_alarm<VebusAlarm::temperature>},
    {"vebus", "/Alarms/L1/LowBattery", &inverter_alarm<VebusAlarm::low_battery>},
    {"vebus", "/Alarms/L1/Overload", &inverter_alarm<VebusAlarm::overload>},
    {"vebus", "/Alarms/L1/Ripple", &inverter_alarm<VebusAlarm::dc_ripple>},
    {"vebus", "/Bms/BmsExpected", &constant<1>},
    {"vebus", "/Bms/AllowToCharge", &requested<BmsRequest::charge_enable>},
    {"vebus", "/Bms/AllowToDischarge", &requested<BmsRequest::discharge_enable>},
    {"vebus", "/Interfaces/Mk2/Connection", &word<mk3>},
    {"vebus", "/Hub4/AssistantId", &assistant},
    {"vebus", "/Hub4/L1/AcPowerSetpoint", V::setpoint_acknowledged},
    // What holds now, whoever asked for it.
    {"vebus", "/Hub4/DisableCharge",
     &ruled<Cause::bms_charge_disabled, Cause::bms_protection, Cause::soc_ceiling>},
    {"vebus", "/Hub4/DisableFeedIn",
     &ruled<Cause::bms_discharge_disabled, Cause::bms_protection, Cause::soc_floor,
            Cause::reserve>},
    {"vebus", "/Hub4/DoNotFeedInOvervoltage", &constant<1>},
    // No path that Venus's charge control (DVCC) would write: it is there for whoever obeys it.
    {"vebus", "/Ac/Out/L1/NominalInverterPower", &unknown},
    {"vebus", "/Alarms/BmsPreAlarm", &unknown},
    {"vebus", "/Alarms/VoltageSensor", &unknown},
    {"vebus", "/Alarms/TemperatureSensor", &unknown},
    {"vebus", "/Alarms/PhaseRotation", &unknown},
    {"vebus", "/Alarms/HighDcVoltage", &unknown},
    {"vebus", "/Alarms/HighDcCurrent", &unknown},
    {"vebus", "/Bms/Error", &unknown},
    {"vebus", "/Dc/0/Temperature", &unknown},
    {"vebus", "/Devices/0/UpTime", &unknown},
    {"vebus", "/Energy/AcIn1ToAcOut", &unknown},
    {"vebus", "/Energy/AcIn1ToInverter", &unknown},
    {"vebus", "/Energy/AcOutToAcIn1", &unknown},
    {"vebus", "/Energy/InverterToAcIn1", &unknown},
    {"vebus", "/Energy/InverterToAcOut", &unknown},
    {"vebus", "/Energy/OutToInverter", &unknown},
    {"vebus", "/Hub4/Sustain", &unknown},
    {"vebus", "/Interfaces/Mk2/ProductName", &unknown},
    {"vebus", "/Interfaces/Mk2/Status/BusFreeMode", &unknown},
    {"vebus", "/Interfaces/Mk2/Version", &unknown},

    // 3.6
    {"system", "/SystemType", &word<ess>},
    {"system", "/Ac/Grid/NumberOfPhases", &constant<1>},
    {"system", "/Ac/Grid/DeviceType", &constant<0>},
    {"system", "/Ac/Grid/L1/Power", V::grid_power},
    {"system", "/Ac/PvOnGrid/NumberOfPhases", &constant<1>},
    {"system", "/Ac/PvOnGrid/L1/Power", V::solar_power},
    {"system", "/Ac/Consumption/L1/Power", &consumption},
    {"system", "/Ac/Consumption/NumberOfPhases", &constant<1>},
    {"system", "/Ac/ConsumptionOnInput/L1/Power", &value_of<&load_on_input_w>},
    {"system", "/Ac/ConsumptionOnOutput/L1/Power", V::ac_out_power},
    {"system", "/Ac/ActiveIn/Source", &active_in_source},
    {"system", "/Ac/In/NumberOfAcInputs", &constant<1>},
    {"system", "/Ac/In/0/Source", &constant<1>},
    {"system", "/Ac/In/0/Connected", &active_in_connected},
    {"system", "/Dc/Battery/Voltage", V::battery_voltage},
    {"system", "/Dc/Battery/Current", V::battery_current},
    {"system", "/Dc/Battery/Power", V::battery_dc_power},
    {"system", "/Dc/Battery/Soc", V::battery_soc},
    {"system", "/Dc/Battery/Temperature", V::battery_temperature},
    {"system", "/Dc/Battery/State", &battery_state},
    {"system", "/Dc/Battery/TimeToGo", &time_to_go},
    // Neither solar chargers nor loads hang on the battery.
    {"system", "/Dc/Pv/Current", &unknown},
    {"system", "/Dc/Pv/Power", &unknown},
    {"system", "/Dc/System/Power", &unknown},
    {"system", "/Dc/Vebus/Current", V::inverter_dc_current},
    {"system", "/Dc/Vebus/Power", V::inverter_dc_power},
    {"system", "/SystemState/State", &system_state},
    {"system", "/SystemState/LowSoc", &ruled<Cause::soc_floor, Cause::reserve>},
    {"system", "/SystemState/ChargeDisabled", &ruled<Cause::bms_charge_disabled>},
    {"system", "/SystemState/DischargeDisabled", &ruled<Cause::bms_discharge_disabled>},
    {"system", "/SystemState/UserChargeLimited", &ruled<Cause::charge_limit>},
    {"system", "/SystemState/UserDischargeLimited", &ruled<Cause::discharge_limit>},
    {"system", "/SystemState/PeakShaving", &ruled<Cause::import_cap>},
    {"system", "/Control/ActiveSocLimit", V::reserve_in_force},
    {"system", "/Control/ScheduledCharge", &scheduled_charge},
    {"system", "/Control/ScheduledSoc", &scheduled_soc},
    {"system", "/Ac/Grid/ProductId", &unknown},
    {"system", "/Control/Dvcc", &unknown},
    {"system", "/Control/EssState", &unknown},
    {"system", "/Control/ScheduledChargeStatus", &unknown},
    {"system", "/SystemState/BatteryLife", &constant<0>},
    {"system", "/SystemState/SlowCharge", &constant<0>},
    {"system", "/Timers/TimeOff", &unknown},
    {"system", "/Timers/TimeOnGrid", &unknown},
    {"system", "/Timers/TimeOnInverter", &unknown},

    // 3.7 Only what clients look for: external control, and the reserve as the minimum SOC.
    {"settings", "/Settings/CGwacs/Hub4Mode", &constant<3>},
    {"settings", "/Settings/CGwacs/RunWithoutGridMeter", &constant<0>},
    {"settings", "/Settings/CGwacs/BatteryLife/State", &constant<10>},
    {"settings", "/Settings/CGwacs/BatteryLife/MinimumSocLimit", V::reserve_in_force},
    {"settings", "/Settings/SystemSetup/AcInput1", &constant<1>},
});

/// The rows of the table of published values, for the check below.
struct Shown {
  ValueId id;
};
constexpr auto shown = [] {
  constexpr auto is_value = [](const Row& row) { return row.source.is_value; };
  std::array<Shown, std::ranges::count_if(rows, is_value)> ids{};
  std::size_t n = 0;
  for (const auto& row : rows)
    if (is_value(row)) ids[n++].id = row.source.id;
  return ids;
}();
static_assert(
    accounts_for_every_value(
        shown,
        {{"states and lists have codes of their own: /State, /Mode, /Alarms, /SystemState",
          {V::inverter_state, V::inverter_mode, V::mode, V::instruction, V::authority, V::reason,
           V::faults, V::problem, V::mains}},
         {"Venus has no path for it",
          {V::solar_frequency, V::solar_energy_reverse, V::battery_power, V::battery_command,
           V::battery_proposed, V::floor, V::ceiling, V::cutoff, V::import_price, V::export_price}},
         {"Venus counts between devices; the meters' own counters stand in their services",
          {V::grid_import_energy, V::grid_export_energy, V::solar_energy, V::house_energy,
           V::battery_charge_energy, V::battery_discharge_energy}},
         {"in a power cut it is the load on AC-out: /Ac/Consumption/L1/Power", {V::house_power}},
         {"clients expect the acknowledged one at /Hub4/L1/AcPowerSetpoint", {V::setpoint}}}),
    "every published value has a path or a reason to have none");

}  // namespace

std::vector<VenusRow> venus_tree(const View& view) {
  std::vector<VenusRow> tree;
  tree.reserve(rows.size());
  for (const auto& [service, path, source] : rows) {
    if (source.call) {
      tree.push_back({service, path, source.call(view)});
    } else {
      tree.push_back({service, path, published_value(view, source.id), source.id});
    }
  }
  return tree;
}

}  // namespace esshub::publish
