// What can happen to a house and its hub: one small struct for each thing, with the fields it
// needs.
#pragma once

#include <array>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <variant>

#include "control/policy/mark_table.hpp"
#include "control/policy/price_table.hpp"
#include "model/bms.hpp"
#include "model/command.hpp"
#include "model/fault.hpp"
#include "model/instruction.hpp"
#include "model/sample.hpp"

namespace esshub::properties {

/// The lines of the house.
enum class Bus : std::uint8_t { meters, battery, inverter };

/// Every single measure that the control reads. A table row each: what it is, by which bus it
/// comes.
enum class Wire : std::uint8_t {
  grid_power,
  grid_voltage,
  solar_power,
  ev_power,
  heatpump_power,
  soc,
  pack_voltage,
  pack_current,
  cvl,
  ccl,
  dcl,
  protections,
  requests,
  modules,
  capacity,
  controllable,
  inverter_power,
  status,
  mains_voltage,
  dc_voltage,
  setpoint,
  ac_out_power,
  converter_power,
  temperature,
};

struct WireRow {
  Wire id;
  Channel channel;
  Bus bus;
};
constexpr EnumTable<WireRow> wires{{
    {Wire::grid_power, {Point::grid, Measure::power}, Bus::meters},
    {Wire::grid_voltage, {Point::grid, Measure::voltage}, Bus::meters},
    {Wire::solar_power, {Point::solar, Measure::power}, Bus::meters},
    {Wire::ev_power, {circuit(0), Measure::power}, Bus::meters},
    {Wire::heatpump_power, {circuit(1), Measure::power}, Bus::meters},
    {Wire::soc, {Point::battery, Measure::soc}, Bus::battery},
    {Wire::pack_voltage, {Point::battery, Measure::voltage}, Bus::battery},
    {Wire::pack_current, {Point::battery, Measure::current}, Bus::battery},
    {Wire::cvl, {Point::battery, Measure::cvl}, Bus::battery},
    {Wire::ccl, {Point::battery, Measure::ccl}, Bus::battery},
    {Wire::dcl, {Point::battery, Measure::dcl}, Bus::battery},
    {Wire::protections, {Point::battery, Measure::protections}, Bus::battery},
    {Wire::requests, {Point::battery, Measure::requests}, Bus::battery},
    {Wire::modules, {Point::battery, Measure::modules}, Bus::battery},
    {Wire::capacity, {Point::battery, Measure::capacity}, Bus::battery},
    {Wire::controllable, {Point::inverter, Measure::controllable}, Bus::inverter},
    {Wire::inverter_power, {Point::inverter, Measure::power}, Bus::inverter},
    {Wire::status, {Point::inverter, Measure::status}, Bus::inverter},
    {Wire::mains_voltage, {Point::inverter, Measure::voltage}, Bus::inverter},
    {Wire::dc_voltage, {Point::inverter, Measure::dc_voltage}, Bus::inverter},
    {Wire::setpoint, {Point::inverter, Measure::setpoint}, Bus::inverter},
    {Wire::ac_out_power, {Point::ac_out, Measure::power}, Bus::inverter},
    {Wire::converter_power, {Point::inverter, Measure::dc_power}, Bus::inverter},
    {Wire::temperature, {Point::battery, Measure::temperature}, Bus::battery},
}};
[[nodiscard]] std::string_view name(Wire wire);

/// What an SOC or a pack voltage is told relative to, so that an edge is met exactly under any
/// settings.
enum class SocMark : std::uint8_t { empty, cutoff, floor, reserve, ceiling, full };
enum class VoltMark : std::uint8_t { cutoff, resting, cap, cvl };

/// What the inverter makes of the setpoint that it acknowledges.
enum class Response : std::uint8_t { follows, stands_still, mirrors, overshoots, holds_back };

// ---- what lasts for a while and then is over
// ------------------------------------------------------
struct Residual {
  double watts;  ///< loads minus sun on the grid side
};
struct Solar {
  double watts;
};
struct AcOut {
  double watts;
};
/// The inverter's word for it is wrong by so much.
struct AcOutError {
  double watts;
};
struct Circuit {
  Wire wire;
  double watts;
};
struct PackVoltage {
  VoltMark mark;
  double plus;  ///< V
};
struct PackCurrent {
  double amperes;
};
struct Limit {
  Wire wire;  ///< cvl, ccl, dcl or temperature
  double value;
};
struct Protections {
  std::uint32_t bits;
};
struct Requests {
  std::uint32_t bits;
};
struct Missing {
  Wire wire;
};
struct Silent {
  Bus bus;
};
/// A value that no device can mean: the control must drop it.
struct Garbage {
  Wire wire;
  double value;
};
/// No number where the control's rules expect one, as if the filter before them had a hole.
struct NoNumber {
  Wire wire;
};
struct Status {
  double value;
};
struct PowerCut {
  double mains_v;
  bool empty;  ///< the pack is at the cut-off voltage, and its BMS has switched itself off
};
struct Mains {
  double volts;
};
struct Responds {
  Response how;
};
struct MeterReversed {};
struct MeterFrozen {
  bool told;  ///< by its bus (F2)
};
struct ClampOff {};  ///< of the grid meter: it shows exactly 0 W
struct Contended {
  Bus bus;
};
struct Overrun {
  unsigned missed;  ///< periods before each tick
  Duration late;
};
struct ComponentsFail {
  bool hold_safe;  ///< else only stuck
};
struct Raised {
  Fault fault;  ///< one of told_by_others, or bms_implausible of the battery's bus
};
/// Told by the parts around the control; they change no decision.
inline constexpr std::array told_by_others{
    Fault::storage_failed,       Fault::config_rejected,    Fault::line_flooded,
    Fault::line_silent,          Fault::inverter_overload,  Fault::inverter_temperature,
    Fault::inverter_low_battery, Fault::inverter_dc_ripple, Fault::server_unavailable};
struct ClockUntrusted {};
/// The hour that clocks show twice or leave out.
struct LocalStep {
  int minutes;
  bool second_pass;
};
/// Orders that no door lets through: the control must hold its limits by itself (I8).
struct Wild {
  Orders orders;  ///< ends count from 0 = now
};

/// A plan for Smart mode, sane or not: the control must hold its limits by itself (I8).
struct Plans {
  std::array<control::TimedMarks, 3> entries;  ///< begin and end count from 0 = now
  std::size_t count;                           ///< of the entries, as it is told
  Duration age;
};

/// Prices that others told, sane or not.
struct Told {
  std::array<control::TimedPrices, 12> entries;  ///< begin and end count from 0 = now
  std::size_t count;                             ///< of the entries, as it is told
};

struct SocTo {
  SocMark mark;
  double plus;  ///< percentage points
  bool jump;    ///< at once; else no more than 4 points from one word of the BMS to the next
};

// ---- what happens at once
// -------------------------------------------------------------------------
struct SocMoves {
  double points;
};
struct Pause {
  Duration length;  ///< no tick, no sample
};
struct WallStep {
  std::chrono::seconds by;
};
struct Ask {
  Command command;
};
struct ControlRestarts {};
struct ProgramRestarts {
  Duration off;
  bool told;    ///< to stop, before; else killed
  bool heard;   ///< the inverter acknowledges the stop
  bool reboot;  ///< the steady clock begins anew
};

using Change =
    std::variant<Residual, Solar, AcOut, AcOutError, Circuit, PackVoltage, PackCurrent, Limit,
                 Protections, Requests, Missing, Silent, Garbage, NoNumber, Status, PowerCut, Mains,
                 Responds, MeterReversed, MeterFrozen, ClampOff, Contended, Overrun, ComponentsFail,
                 Raised, ClockUntrusted, LocalStep, Wild, Plans, Told, SocTo, SocMoves, Pause,
                 WallStep, Ask, ControlRestarts, ProgramRestarts>;

struct Event {
  unsigned after = 0;  ///< ticks after the event before
  unsigned lasts = 0;  ///< ticks; of what happens at once: nothing
  Change change;
};
std::ostream& operator<<(std::ostream& out, const Event& event);

/// The bits of both directions by the safety contract F5: what a protection is against.
/// (reference: pylontech-can#3)
constexpr std::uint32_t against_charging_alone =
    bit(BmsFlag::high_voltage) | bit(BmsFlag::high_charge_current) |
    bit(BmsFlag::high_charge_temperature) | bit(BmsFlag::low_charge_temperature);
constexpr std::uint32_t against_discharging_alone =
    bit(BmsFlag::low_voltage) | bit(BmsFlag::high_discharge_current);

}  // namespace esshub::properties
