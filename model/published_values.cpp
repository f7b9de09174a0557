#include "model/published_values.hpp"

#include <algorithm>

#include "model/derived.hpp"

namespace esshub {
namespace {

using Number = std::optional<double>;
using Text = std::optional<std::string>;
using Taken = std::optional<Instant>;
using M = Measure;
using P = Point;
using V = ValueId;

constexpr double watt_hours_per_kwh = 1000.0;
constexpr double joules_per_kwh = 3.6e6;

// ---- readings -----------------------------------------------------------------------------------
template <Point point, Measure measure>
Number current(const View& view) {
  return view.current(point, measure);
}
template <Point point, Measure measure>
Taken taken(const View& view) {
  const auto& reading = view.snapshot.raw(point, measure);
  return reading ? Taken{reading->at} : std::nullopt;
}
template <Point point, Measure measure>
Number kwh(const View& view) {
  const auto watt_hours = view.current(point, measure);
  return watt_hours ? Number{*watt_hours / watt_hours_per_kwh} : std::nullopt;
}
template <Point point>
constexpr PublishedValue power(V id, std::string_view label) {
  return {id,
          label,
          Unit::watt,
          0,
          ValueKind::gauge,
          &current<point, M::power>,
          nullptr,
          &taken<point, M::power>};
}
template <Point point, Measure measure>
constexpr PublishedValue reading(V id, std::string_view label, Unit unit, int decimals) {
  return {id,
          label,
          unit,
          decimals,
          ValueKind::gauge,
          &current<point, measure>,
          nullptr,
          &taken<point, measure>};
}
/// A meter's own counter.
template <Point point, Measure measure>
constexpr PublishedValue register_of(V id, std::string_view label) {
  return {id,
          label,
          Unit::kilowatt_hour,
          2,
          ValueKind::counter,
          &kwh<point, measure>,
          nullptr,
          &taken<point, measure>};
}

Number soc(const View& view) {
  const auto soc = fresh(view.snapshot.soc(), view.now);
  return soc ? Number{soc->percent()} : std::nullopt;
}
/// Of the source that battery_power_w takes; where neither is current, of the newer one.
Taken battery_power_taken(const View& view) {
  const auto by_inverter = taken<P::inverter, M::dc_power>(view);
  const auto by_bms = taken<P::battery, M::current>(view);
  if (!by_inverter || !by_bms) return by_inverter ? by_inverter : by_bms;
  if (view.current(P::inverter, M::dc_power)) return by_inverter;
  return battery_dc_w(view) ? by_bms : std::max(by_inverter, by_bms);
}
Number inverter_dc_power(const View& view) {
  return product(view, P::inverter, M::dc_voltage, M::dc_current);
}
Text inverter_state(const View& view) {
  const auto state = fresh(view.snapshot.vebus_state(), view.now);
  return state ? Text{name(*state)} : std::nullopt;
}

// ---- what the hub itself makes -----------------------------------------------------------------
Taken decided_at(const View& view) {
  return view.decision.at == Instant{} ? std::nullopt : Taken{view.decision.at};
}
Taken house_taken(const View& view) {
  return view.decision.house ? decided_at(view) : std::nullopt;
}
constexpr PublishedValue made(V id, std::string_view label, Unit unit, int decimals,
                              Number (*number)(const View&)) {
  return {id, label, unit, decimals, ValueKind::gauge, number, nullptr, &decided_at};
}
constexpr PublishedValue words(V id, std::string_view label, ValueKind kind,
                               Text (*text)(const View&)) {
  return {id, label, Unit::none, 0, kind, nullptr, text, &decided_at};
}

/// Zero is what a total is before it was read back from the disk: who took it for a value would
/// see a new meter, and count everything again.
template <Flow flow>
Number total(const View& view) {
  const double joules = view.energies[flow];
  return joules > 0.0 ? Number{joules / joules_per_kwh} : std::nullopt;
}
template <Flow flow>
constexpr PublishedValue total_of(V id, std::string_view label) {
  return {id,           label,   Unit::kilowatt_hour, 3, ValueKind::counter,
          &total<flow>, nullptr, &decided_at};
}

/// A part of the decision, while decisions are made.
template <auto part>
auto decided(const View& view) -> decltype(part(view.decision)) {
  const auto* decision = current_decision(view);
  if (!decision) return std::nullopt;
  return part(*decision);
}

Number proposed(const Decision& d) {
  return d.proposed.value();
}
Number reserve(const Decision& d) {
  return d.policy.reserve.percent();
}
Number floor(const Decision& d) {
  return d.policy.floor.percent();
}
Number ceiling(const Decision& d) {
  return d.policy.ceiling.percent();
}
Number cutoff(const Decision& d) {
  return d.policy.cutoff.percent();
}
Number backup_left(const Decision& d) {
  return d.policy.backup_left ? Number{Seconds(*d.policy.backup_left).count()} : std::nullopt;
}
Number import_price(const Decision& d) {
  return d.policy.import_price;
}
Number export_price(const Decision& d) {
  return d.policy.export_price;
}
Text inverter_mode(const Decision& d) {
  return Text{name(d.setpoint.mode)};
}
Text mode_of(const Decision& d) {
  return Text{name(d.policy.mode)};
}
Text instruction(const Decision& d) {
  return Text{name(d.policy.instruction.kind)};
}
Text authority(const Decision& d) {
  return Text{name(d.policy.authority)};
}
Text reason(const Decision& d) {
  std::string text;
  for (const auto& reason : d.reasons) {
    // What keeps the battery at rest says more than that it rests.
    if (reason.cause == Cause::idle && d.reasons.size() > 1) continue;
    if (!text.empty()) text += "; ";
    text += phrase(reason.cause);
  }
  return text.empty() ? Text{} : text;
}
Text faults(const Decision& d) {
  std::string text;
  for (const Fault fault : enum_values<Fault>) {
    if (!d.faults.active(fault)) continue;
    if (!text.empty()) text += ", ";
    text += title(fault);
  }
  return text.empty() ? "none" : text;
}
/// A fault that asks for attention.
Number problem(const Decision& d) {
  for (const Fault fault : enum_values<Fault>) {
    if (d.faults.active(fault) && severity(fault) != Severity::info) return 1.0;
  }
  return 0.0;
}
Number mains(const Decision& d) {
  return d.faults.active(Fault::islanded) ? 0.0 : 1.0;
}
constexpr PublishedValue flag(V id, std::string_view label, Number (*number)(const View&)) {
  return {id, label, Unit::none, 0, ValueKind::flag, number, nullptr, &decided_at};
}

// ---- the table ----------------------------------------------------------------------------------
constexpr EnumTable<PublishedValue> rows{{
    power<P::grid>(V::grid_power, "Grid power"),
    reading<P::grid, M::voltage>(V::grid_voltage, "Grid voltage", Unit::volt, 1),
    reading<P::grid, M::current>(V::grid_current, "Grid current", Unit::ampere, 2),
    reading<P::grid, M::frequency>(V::grid_frequency, "Grid frequency", Unit::hertz, 2),
    register_of<P::grid, M::energy_forward>(V::grid_energy_forward, "Grid meter, import"),
    register_of<P::grid, M::energy_reverse>(V::grid_energy_reverse, "Grid meter, export"),
    power<P::solar>(V::solar_power, "Solar power"),
    reading<P::solar, M::voltage>(V::solar_voltage, "Solar voltage", Unit::volt, 1),
    reading<P::solar, M::current>(V::solar_current, "Solar current", Unit::ampere, 2),
    reading<P::solar, M::frequency>(V::solar_frequency, "Solar frequency", Unit::hertz, 2),
    register_of<P::solar, M::energy_forward>(V::solar_energy_forward, "Solar meter, generation"),
    register_of<P::solar, M::energy_reverse>(V::solar_energy_reverse, "Solar meter, drawn"),
    {V::house_power, "House power", Unit::watt, 0, ValueKind::gauge, &house_w, nullptr,
     &house_taken},
    {V::battery_power, "Battery power", Unit::watt, 0, ValueKind::gauge, &battery_power_w, nullptr,
     &battery_power_taken},
    {V::battery_dc_power, "Battery DC power", Unit::watt, 0, ValueKind::gauge, &battery_dc_w,
     nullptr, &taken<P::battery, M::current>},
    {V::battery_soc, "State of charge", Unit::percent, 1, ValueKind::gauge, &soc, nullptr,
     &taken<P::battery, M::soc>},
    reading<P::battery, M::soh>(V::battery_soh, "State of health", Unit::percent, 1),
    reading<P::battery, M::voltage>(V::battery_voltage, "Battery voltage", Unit::volt, 2),
    reading<P::battery, M::current>(V::battery_current, "Battery current", Unit::ampere, 1),
    reading<P::battery, M::temperature>(V::battery_temperature, "Battery temperature",
                                        Unit::celsius, 1),
    reading<P::battery, M::capacity>(V::battery_capacity, "Battery capacity", Unit::ampere_hour, 1),
    reading<P::battery, M::modules>(V::battery_modules, "Battery modules online", Unit::none, 0),
    reading<P::battery, M::cvl>(V::battery_charge_voltage_limit, "Max. charge voltage", Unit::volt,
                                2),
    reading<P::battery, M::dvl>(V::battery_discharge_voltage_limit, "Min. discharge voltage",
                                Unit::volt, 2),
    reading<P::battery, M::ccl>(V::battery_charge_current_limit, "Max. charge current",
                                Unit::ampere, 1),
    reading<P::battery, M::dcl>(V::battery_discharge_current_limit, "Max. discharge current",
                                Unit::ampere, 1),
    reading<P::battery, M::cell_voltage_min>(V::battery_cell_voltage_min, "Lowest cell voltage",
                                             Unit::volt, 3),
    reading<P::battery, M::cell_voltage_max>(V::battery_cell_voltage_max, "Highest cell voltage",
                                             Unit::volt, 3),
    reading<P::battery, M::cell_temperature_min>(V::battery_cell_temperature_min,
                                                 "Lowest cell temperature", Unit::celsius, 1),
    reading<P::battery, M::cell_temperature_max>(V::battery_cell_temperature_max,
                                                 "Highest cell temperature", Unit::celsius, 1),
    power<P::battery_meter>(V::battery_meter_power, "Battery meter power"),
    reading<P::battery_meter, M::voltage>(V::battery_meter_voltage, "Battery meter voltage",
                                          Unit::volt, 1),
    reading<P::battery_meter, M::current>(V::battery_meter_current, "Battery meter current",
                                          Unit::ampere, 2),
    reading<P::battery_meter, M::frequency>(V::battery_meter_frequency, "Battery meter frequency",
                                            Unit::hertz, 2),
    register_of<P::battery_meter, M::energy_forward>(V::battery_meter_energy_forward,
                                                     "Battery meter, charged"),
    register_of<P::battery_meter, M::energy_reverse>(V::battery_meter_energy_reverse,
                                                     "Battery meter, discharged"),
    power<P::inverter>(V::inverter_power, "Inverter AC-in power"),
    reading<P::inverter, M::voltage>(V::inverter_voltage, "Inverter AC-in voltage", Unit::volt, 1),
    reading<P::inverter, M::frequency>(V::inverter_frequency, "Inverter AC-in frequency",
                                       Unit::hertz, 2),
    {V::inverter_dc_power, "Inverter DC power", Unit::watt, 0, ValueKind::gauge, &inverter_dc_power,
     nullptr, &taken<P::inverter, M::dc_current>},
    reading<P::inverter, M::dc_voltage>(V::inverter_dc_voltage, "Inverter DC voltage", Unit::volt,
                                        2),
    reading<P::inverter, M::dc_current>(V::inverter_dc_current, "Inverter DC current", Unit::ampere,
                                        1),
    reading<P::inverter, M::input_limit>(V::inverter_input_limit, "Inverter AC-in current limit",
                                         Unit::ampere, 1),
    reading<P::inverter, M::error>(V::inverter_error, "Inverter error code", Unit::none, 0),
    {V::inverter_state, "Inverter state", Unit::none, 0, ValueKind::state, nullptr, &inverter_state,
     &taken<P::inverter, M::main_state>},
    power<P::ac_out>(V::ac_out_power, "Backup loads (AC-out) power"),
    total_of<Flow::grid_import>(V::grid_import_energy, "Grid import"),
    total_of<Flow::grid_export>(V::grid_export_energy, "Grid export"),
    total_of<Flow::solar>(V::solar_energy, "Solar energy"),
    total_of<Flow::house>(V::house_energy, "House energy"),
    total_of<Flow::battery_charge>(V::battery_charge_energy, "Battery charged"),
    total_of<Flow::battery_discharge>(V::battery_discharge_energy, "Battery discharged"),
    made(V::battery_command, "Battery power commanded", Unit::watt, 0, &battery_command_w),
    made(V::battery_proposed, "Battery power before limits", Unit::watt, 0, &decided<&proposed>),
    made(V::setpoint, "Setpoint", Unit::watt, 0, &setpoint_w),
    reading<P::inverter, M::setpoint>(V::setpoint_acknowledged, "Setpoint acknowledged", Unit::watt,
                                      0),
    words(V::inverter_mode, "Inverter mode", ValueKind::state, &decided<&inverter_mode>),
    words(V::mode, "Mode", ValueKind::state, &decided<&mode_of>),
    words(V::instruction, "Instruction", ValueKind::state, &decided<&instruction>),
    words(V::authority, "Instructed by", ValueKind::state, &decided<&authority>),
    words(V::reason, "Reason", ValueKind::text, &decided<&reason>),
    made(V::reserve_in_force, "Reserve in force", Unit::percent, 1, &decided<&reserve>),
    made(V::floor, "Floor", Unit::percent, 1, &decided<&floor>),
    made(V::ceiling, "Ceiling", Unit::percent, 1, &decided<&ceiling>),
    made(V::cutoff, "Cut-off", Unit::percent, 1, &decided<&cutoff>),
    made(V::backup_left, "Backup time left", Unit::second, 0, &decided<&backup_left>),
    made(V::import_price, "Import price", Unit::price, 4, &decided<&import_price>),
    made(V::export_price, "Export price", Unit::price, 4, &decided<&export_price>),
    words(V::faults, "Faults", ValueKind::text, &decided<&faults>),
    flag(V::problem, "Problem", &decided<&problem>),
    flag(V::mains, "Mains", &decided<&mains>),
}};

}  // namespace

std::string_view symbol(Unit unit) {
  struct Row {
    Unit id;
    std::string_view symbol;
  };
  constexpr EnumTable<Row> symbols{{{Unit::none, ""},
                                    {Unit::watt, "W"},
                                    {Unit::volt, "V"},
                                    {Unit::ampere, "A"},
                                    {Unit::hertz, "Hz"},
                                    {Unit::celsius, "°C"},
                                    {Unit::percent, "%"},
                                    {Unit::kilowatt_hour, "kWh"},
                                    {Unit::ampere_hour, "Ah"},
                                    {Unit::second, "s"},
                                    {Unit::price, ""}}};
  return symbols[unit].symbol;
}

const PublishedValue& published(ValueId id) {
  return rows[id];
}

std::string_view name(ValueId id) {
  return enum_name(id);
}

Number number_of(const View& view, ValueId id) {
  const auto& row = published(id);
  return row.number ? row.number(view) : std::nullopt;
}
Text text_of(const View& view, ValueId id) {
  const auto& row = published(id);
  return row.text ? row.text(view) : std::nullopt;
}

}  // namespace esshub
