// Sample: one measured quantity, with its channel and the moment its last byte arrived.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "model/enums.hpp"
#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub {

constexpr std::size_t max_circuits = 10;
constexpr std::size_t max_modules = 8;

/// Where something is measured. Signs, everywhere inside: grid + = import, solar + = generation,
/// battery and inverter + = charging (power drawn from AC-in), loads + = consumption.
enum class Point : std::uint8_t {
  grid,           ///< the connection to the public grid (SDM630 L1)
  solar,          ///< the solar inverter's output (SDM630 L2)
  battery_meter,  ///< AC meter in line with the battery system (SDM120)
  battery,        ///< the battery as its BMS sees it: DC terminals, SOC, limits
  inverter,       ///< the MultiPlus itself: AC-in power, battery-side power, state, acknowledged
                  ///< setpoint
  ac_out,         ///< loads behind the inverter (AC-out)
  circuit1,       ///< further metered circuits, in the order of the configuration
  module1 = circuit1 + max_circuits,  ///< battery modules as the stack counts them, master first
};
/// The circuits and modules after the first have no enumerators of their own.
template <>
inline constexpr std::size_t enum_count<Point> = index(Point::module1) + max_modules;

/// The n-th further circuit, n from 0 to max_circuits - 1.
[[nodiscard]] constexpr Point circuit(std::size_t n) {
  return static_cast<Point>(index(Point::circuit1) + n);
}
/// The n-th battery module, n from 0 to max_modules - 1.
[[nodiscard]] constexpr Point battery_module(std::size_t n) {
  return static_cast<Point>(index(Point::module1) + n);
}

/// What is measured. The unit of Sample::value is in the comment; the sign is the Point's.
enum class Measure : std::uint8_t {
  power,           ///< W (inverter: at AC-in, + = drawn from mains)
  voltage,         ///< V (inverter: mains at AC-in)
  current,         ///< A
  frequency,       ///< Hz
  energy_forward,  ///< Wh, counter in the direction of the point's + sign
  energy_reverse,  ///< Wh, counter against it
  temperature,     ///< degC
  soc,             ///< %
  soh,             ///< %
  cvl,             ///< V, charge voltage limit (BMS)
  ccl,             ///< A, charge current limit (BMS)
  dcl,             ///< A, discharge current limit (BMS)
  dvl,             ///< V, discharge voltage limit (BMS)
  protections,     ///< bit set of BmsFlag: what the BMS protects against now
  warnings,        ///< bit set of BmsFlag: what it warns of
  requests,        ///< bit set of BmsRequest
  modules,         ///< number of battery modules
  capacity,        ///< Ah
  dc_power,        ///< W, inverter: AC side of the battery conversion, + = charging (RAM 14)
  dc_voltage,      ///< V, inverter's own DC measurement
  dc_current,      ///< A, inverter's own DC measurement, + = charging
  status,          ///< InverterStatus
  main_state,      ///< VebusState, for people; control goes by `status`
  charge_state,    ///< VebusChargeState while charging
  leds,            ///< bits 0-7 on, 8-15 blinking (mains, absorption, bulk, float, inverter, ...)
  alarms,          ///< bits of VebusAlarm
  error,           ///< VE.Bus error code, 0 = none
  controllable,    ///< 1 = handshake complete and ESS record found; absent otherwise
  setpoint,        ///< W at AC-in, acknowledged by the inverter; stamped at the acknowledgement
  input_limit,     ///< A, AC-in current limit
  // Of the cells of a module or, at Point::battery, of all modules. For people; they gate no
  // control.
  cell_voltage_min,      ///< V
  cell_voltage_max,      ///< V
  cell_temperature_min,  ///< degC
  cell_temperature_max,  ///< degC
};

[[nodiscard]] std::string_view name(Point point);  ///< "grid", ..., "circuit1", ..., "module1"...
[[nodiscard]] std::string_view name(Measure measure);  ///< "power", "soc", ...

struct Channel {
  Point point;
  Measure measure;
  friend constexpr bool operator==(Channel, Channel) = default;
};

/// Of what a device is asked or tells about every second: how old a value may become before it is
/// not current any more. Also the limit of control/settings at its most patient.
constexpr Duration default_max_age = 3s;

/// Trivially copyable, so that it travels through the lock-free queue.
struct Sample {
  Channel channel;
  double value;  ///< in the unit of channel.measure
  Instant at;    ///< when its last byte arrived (steady clock)
  /// How long it may be shown as current: the source knows how often it measures the channel.
  Duration max_age = default_max_age;
};
static_assert(sizeof(Sample) == 32 && std::is_trivially_copyable_v<Sample>);

/// What an inverter does, in no maker's words. One that does not tell, or tells what nobody knows,
/// has no status: it is not taken for grid-connected.
enum class InverterStatus : std::uint8_t {
  off,             ///< switched off, starting, or out of its interface's reach
  grid_connected,  ///< on the mains: follows a setpoint, charges, passes through, assists
  islanded,        ///< feeds the loads without mains
  fault,           ///< switched itself off because of an error
};
[[nodiscard]] std::string_view name(InverterStatus status);  ///< "off", ..., "?" for no such status

/// A value, when it was true, and how long its source lets it count as current.
template <class T>
struct Reading {
  T value;
  Instant at;
  Duration max_age = default_max_age;
};

/// The value if it is there and not older than max_age at `now`; otherwise nothing: stale is not
/// current.
template <class T>
[[nodiscard]] constexpr std::optional<T> fresh(const std::optional<Reading<T>>& reading,
                                               Instant now, Duration max_age) {
  if (!reading || now - reading->at > max_age) return std::nullopt;
  return reading->value;
}

/// The same by the maximum age that came with the reading.
template <class T>
[[nodiscard]] constexpr std::optional<T> fresh(const std::optional<Reading<T>>& reading,
                                               Instant now) {
  if (!reading) return std::nullopt;
  return fresh(reading, now, reading->max_age);
}

}  // namespace esshub
