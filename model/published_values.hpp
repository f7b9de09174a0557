// The table of published values: what the outlets (metrics, Venus, Home Assistant, REST, status,
// live table, page) show of a View, each under the same name, from the same getter, in the same
// unit.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "model/enums.hpp"
#include "model/view.hpp"

namespace esshub {

/// Named by where it is measured and what: `grid_power`. Every outlet uses this name in its own
/// spelling. Lists (circuits, battery modules, buses, faults) and histograms are no values.
enum class ValueId : std::uint8_t {
  grid_power,  ///< + = import
  grid_voltage,
  grid_current,
  grid_frequency,
  grid_energy_forward,  ///< the meter's own counter, import
  grid_energy_reverse,  ///< the meter's own counter, export
  solar_power,          ///< + = generation
  solar_voltage,
  solar_current,
  solar_frequency,
  solar_energy_forward,  ///< the meter's own counter, generation
  solar_energy_reverse,
  house_power,       ///< all consumption, the control's time-aligned estimate
  battery_power,     ///< + = charging; AC side of the conversion, else battery_dc_power
  battery_dc_power,  ///< + = charging; at the terminals, by the BMS
  battery_soc,
  battery_soh,
  battery_voltage,
  battery_current,  ///< + = charging
  battery_temperature,
  battery_capacity,
  battery_modules,
  battery_charge_voltage_limit,     ///< CVL
  battery_discharge_voltage_limit,  ///< DVL
  battery_charge_current_limit,     ///< CCL
  battery_discharge_current_limit,  ///< DCL
  battery_cell_voltage_min,
  battery_cell_voltage_max,
  battery_cell_temperature_min,
  battery_cell_temperature_max,
  battery_meter_power,  ///< + = charging
  battery_meter_voltage,
  battery_meter_current,
  battery_meter_frequency,
  battery_meter_energy_forward,
  battery_meter_energy_reverse,
  inverter_power,  ///< at AC-in, + = drawn from mains
  inverter_voltage,
  inverter_frequency,
  inverter_dc_power,  ///< + = charging
  inverter_dc_voltage,
  inverter_dc_current,  ///< + = charging
  inverter_input_limit,
  inverter_error,
  inverter_state,
  ac_out_power,
  grid_import_energy,  ///< this and the next five: counted by the hub since it was installed
  grid_export_energy,
  solar_energy,
  house_energy,
  battery_charge_energy,
  battery_discharge_energy,
  battery_command,        ///< + = charging; nothing while no setpoint is written
  battery_proposed,       ///< + = charging; what was wanted before any limit
  setpoint,               ///< at AC-in, + = drawn from mains; nothing while none is written
  setpoint_acknowledged,  ///< the same as the inverter acknowledged it
  inverter_mode,          ///< what the inverter is told to do
  mode,
  instruction,
  authority,
  reason,
  reserve_in_force,  ///< a storm's raise included
  floor,
  ceiling,
  cutoff,
  backup_left,
  import_price,
  export_price,
  faults,
  problem,
  mains,
};

enum class Unit : std::uint8_t {
  none,
  watt,
  volt,
  ampere,
  hertz,
  celsius,
  percent,
  kilowatt_hour,
  ampere_hour,
  second,
  price,  ///< the tariff's currency per kWh
};
/// As people write it: "W", "°C", "kWh"; empty for none and price.
[[nodiscard]] std::string_view symbol(Unit unit);

enum class ValueKind : std::uint8_t {
  gauge,    ///< a number of the moment
  counter,  ///< a number that never falls
  flag,     ///< 0 or 1
  state,    ///< one word of a fixed list
  text,     ///< words for a person
};

/// A row. Exactly one of `number` and `text` is set, by kind.
struct PublishedValue {
  ValueId id;
  std::string_view label;  ///< for people: "Grid power"
  Unit unit = Unit::none;
  int decimals = 0;  ///< that are worth showing
  ValueKind kind = ValueKind::gauge;
  /// In `unit`, signs as at the ValueId; nothing while it is unknown or not current.
  std::optional<double> (*number)(const View&) = nullptr;
  std::optional<std::string> (*text)(const View&) = nullptr;
  /// When the newest reading behind it was taken, current or not: what its age counts from.
  std::optional<Instant> (*taken_at)(const View&) = nullptr;

  [[nodiscard]] constexpr bool is_number() const { return number != nullptr; }
};

[[nodiscard]] const PublishedValue& published(ValueId id);
/// "grid_power"
[[nodiscard]] std::string_view name(ValueId id);

/// The number in the row's unit; nothing for texts, and while it is unknown or not current.
[[nodiscard]] std::optional<double> number_of(const View& view, ValueId id);
[[nodiscard]] std::optional<std::string> text_of(const View& view, ValueId id);

/// What an outlet does not show, and why.
struct LeftOut {
  std::string_view why;
  std::initializer_list<ValueId> ids;
};

/// Groups that an outlet for a quick look leaves out as a whole. A new value belongs to one of them
/// or is a decision of each such outlet.
inline constexpr std::initializer_list<ValueId> device_details = {
    ValueId::grid_voltage,
    ValueId::grid_current,
    ValueId::grid_frequency,
    ValueId::grid_energy_forward,
    ValueId::grid_energy_reverse,
    ValueId::solar_voltage,
    ValueId::solar_current,
    ValueId::solar_frequency,
    ValueId::solar_energy_forward,
    ValueId::solar_energy_reverse,
    ValueId::battery_dc_power,
    ValueId::battery_voltage,
    ValueId::battery_current,
    ValueId::battery_temperature,
    ValueId::battery_capacity,
    ValueId::battery_modules,
    ValueId::battery_charge_voltage_limit,
    ValueId::battery_discharge_voltage_limit,
    ValueId::battery_charge_current_limit,
    ValueId::battery_discharge_current_limit,
    ValueId::battery_cell_voltage_min,
    ValueId::battery_cell_voltage_max,
    ValueId::battery_cell_temperature_min,
    ValueId::battery_cell_temperature_max,
    ValueId::battery_meter_power,
    ValueId::battery_meter_voltage,
    ValueId::battery_meter_current,
    ValueId::battery_meter_frequency,
    ValueId::battery_meter_energy_forward,
    ValueId::battery_meter_energy_reverse,
    ValueId::inverter_voltage,
    ValueId::inverter_frequency,
    ValueId::inverter_dc_power,
    ValueId::inverter_dc_voltage,
    ValueId::inverter_dc_current,
    ValueId::inverter_input_limit,
    ValueId::inverter_error,
};
inline constexpr std::initializer_list<ValueId> totals_since_installed = {
    ValueId::grid_import_energy, ValueId::grid_export_energy,    ValueId::solar_energy,
    ValueId::house_energy,       ValueId::battery_charge_energy, ValueId::battery_discharge_energy};

/// Compile-time check of an outlet: every value is either in `shown`, rows with a member `id`, or
/// in `left_out`, and in one of them only. The compiler's error points at the outlet.
template <class Rows>
consteval bool accounts_for_every_value(const Rows& shown,
                                        std::initializer_list<LeftOut> left_out) {
  EnumArray<ValueId, bool> is_shown;
  EnumArray<ValueId, bool> is_left_out;
  for (const auto& row : shown) is_shown[row.id] = true;
  for (const auto& group : left_out)
    for (const ValueId id : group.ids) is_left_out[id] = true;
  for (const ValueId id : enum_values<ValueId>)
    if (is_shown[id] == is_left_out[id]) throw id;  // neither shown nor left out, or both
  return true;
}

}  // namespace esshub
