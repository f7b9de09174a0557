#include "publish/web/values.hpp"

#include <algorithm>
#include <array>

namespace esshub::publish {
namespace {

using V = ValueId;
using enum RestForm;
using enum OnPage;

constexpr auto rows = std::to_array<RestValue>({
    {V::grid_power, "/grid/power_w", reading, yes},
    {V::grid_voltage, "/grid/voltage_v", reading, no},
    {V::grid_current, "/grid/current_a", reading, no},
    {V::grid_frequency, "/grid/frequency_hz", reading, no},
    {V::grid_energy_forward, "/grid/energy_forward_kwh", reading, no},
    {V::grid_energy_reverse, "/grid/energy_reverse_kwh", reading, no},
    {V::solar_power, "/solar/power_w", reading, yes},
    {V::solar_voltage, "/solar/voltage_v", reading, no},
    {V::solar_current, "/solar/current_a", reading, no},
    {V::solar_frequency, "/solar/frequency_hz", reading, no},
    {V::solar_energy_forward, "/solar/energy_forward_kwh", reading, no},
    {V::solar_energy_reverse, "/solar/energy_reverse_kwh", reading, no},
    {V::house_power, "/house/power_w", reading, yes},
    {V::battery_power, "/battery/power_w", reading, yes},
    {V::battery_dc_power, "/battery/dc_power_w", reading, no},
    {V::battery_soc, "/battery/soc_percent", reading, yes},
    {V::battery_soh, "/battery/soh_percent", reading, yes},
    {V::battery_voltage, "/battery/voltage_v", reading, yes},
    {V::battery_current, "/battery/current_a", reading, no},
    {V::battery_temperature, "/battery/temperature_c", reading, yes},
    {V::battery_capacity, "/battery/capacity_ah", reading, no},
    {V::battery_modules, "/battery/modules", reading, no},
    {V::battery_charge_voltage_limit, "/battery/charge_voltage_limit_v", reading, no},
    {V::battery_discharge_voltage_limit, "/battery/discharge_voltage_limit_v", reading, no},
    {V::battery_charge_current_limit, "/battery/charge_current_limit_a", reading, yes},
    {V::battery_discharge_current_limit, "/battery/discharge_current_limit_a", reading, yes},
    {V::battery_cell_voltage_min, "/battery/cell_voltage_min_v", reading, yes},
    {V::battery_cell_voltage_max, "/battery/cell_voltage_max_v", reading, yes},
    {V::battery_cell_temperature_min, "/battery/cell_temperature_min_c", reading, no},
    {V::battery_cell_temperature_max, "/battery/cell_temperature_max_c", reading, no},
    {V::battery_meter_power, "/battery_meter/power_w", reading, no},
    {V::battery_meter_voltage, "/battery_meter/voltage_v", reading, no},
    {V::battery_meter_current, "/battery_meter/current_a", reading, no},
    {V::battery_meter_frequency, "/battery_meter/frequency_hz", reading, no},
    {V::battery_meter_energy_forward, "/battery_meter/energy_forward_kwh", reading, no},
    {V::battery_meter_energy_reverse, "/battery_meter/energy_reverse_kwh", reading, no},
    {V::inverter_power, "/inverter/power_w", reading, no},
    {V::inverter_voltage, "/inverter/voltage_v", reading, no},
    {V::inverter_frequency, "/inverter/frequency_hz", reading, no},
    {V::inverter_dc_power, "/inverter/dc_power_w", reading, no},
    {V::inverter_dc_voltage, "/inverter/dc_voltage_v", reading, no},
    {V::inverter_dc_current, "/inverter/dc_current_a", reading, no},
    {V::inverter_input_limit, "/inverter/input_limit_a", reading, no},
    {V::inverter_error, "/inverter/error", reading, no},
    {V::inverter_state, "/inverter/state", reading, yes},
    {V::ac_out_power, "/ac_out/power_w", reading, no},
    {V::grid_import_energy, "/energies/grid_import_kwh", plain, no},
    {V::grid_export_energy, "/energies/grid_export_kwh", plain, no},
    {V::solar_energy, "/energies/solar_kwh", plain, no},
    {V::house_energy, "/energies/house_kwh", plain, no},
    {V::battery_charge_energy, "/energies/battery_charge_kwh", plain, no},
    {V::battery_discharge_energy, "/energies/battery_discharge_kwh", plain, no},
    {V::battery_command, "/decision/battery_command_w", plain, yes},
    {V::battery_proposed, "/decision/battery_proposed_w", plain, no},
    {V::setpoint, "/decision/setpoint_w", plain, no},
    {V::setpoint_acknowledged, "/inverter/setpoint_acknowledged_w", reading, no},
    {V::inverter_mode, "/decision/inverter_mode", plain, yes},
    {V::mode, "/decision/policy/mode", plain, yes},
    {V::instruction, "/decision/policy/instruction/kind", plain, yes},
    {V::authority, "/decision/policy/authority", plain, yes},
    {V::reserve_in_force, "/decision/policy/reserve_percent", plain, yes},
    {V::floor, "/decision/policy/floor_percent", plain, no},
    {V::ceiling, "/decision/policy/ceiling_percent", plain, yes},
    {V::cutoff, "/decision/policy/cutoff_percent", plain, yes},
    {V::backup_left, "/decision/policy/backup_left_s", plain, yes},
    {V::import_price, "/decision/policy/import_price", plain, yes},
    {V::export_price, "/decision/policy/export_price", plain, no},
});
static_assert(accounts_for_every_value(rows,
                                       {{"lists with more to each: /decision/reasons, /faults",
                                         {V::reason, V::faults, V::problem, V::mains}}}),
              "every published value has a place in the state or a reason to have none");

}  // namespace

std::span<const RestValue> rest_values() {
  return rows;
}

std::string_view rest_path(ValueId id) {
  const auto* row = std::ranges::find(rows, id, &RestValue::id);
  return row == rows.end() ? "" : row->path;
}

}  // namespace esshub::publish
