// The outlet of the published values: metric names, help and labels.
#include <algorithm>
#include <array>

#include "metrics/sections.hpp"
#include "model/published_values.hpp"

namespace esshub::metrics {
namespace {

using V = ValueId;

/// Families as they follow each other. `label` and `second` name the labels, empty for none.
struct Family {
  std::string_view name;
  std::string_view help;
  std::string_view label{};
  std::string_view second{};
};
constexpr auto families = std::to_array<Family>({
    {"esshub_power_watts",
     "Active power in watts. grid + = import, solar + = generation, battery (AC side of the "
     "conversion, by the inverter, else battery_dc), battery_dc (by the BMS), battery_meter and "
     "inverter (at AC-in) + = charging, house, ac_out and circuits + = consumption. Absent while "
     "not current.",
     "channel"},
    {"esshub_voltage_volts",
     "Voltage in volts; battery, modules and inverter_dc: DC. Absent while not current.",
     "channel"},
    {"esshub_current_amperes",
     "Current in amperes; battery, modules and inverter_dc: DC, + = charging. Absent while not "
     "current.",
     "channel"},
    {"esshub_frequency_hertz", "Mains frequency in hertz. Absent while not current.", "channel"},
    {"esshub_temperature_celsius",
     "Temperature in degrees Celsius; modules: mean of the module. Absent while not current.",
     "channel"},
    {"esshub_energy_joules_total",
     "Energy counted by the meter itself in joules; forward is the + direction of "
     "esshub_power_watts (import, generation, charging, consumption). Absent while not current.",
     "channel", "direction"},
    {"esshub_battery_soc_ratio",
     "State of charge (SOC), 0 to 1, by the BMS. Absent while not current."},
    {"esshub_battery_soh_ratio", "State of health, 0 to 1, by the BMS. Absent while not current."},
    {"esshub_battery_limit_amperes",
     "Charge and discharge current limits (CCL, DCL) of the BMS in amperes, both positive. Absent "
     "while not current.",
     "limit"},
    {"esshub_battery_limit_volts",
     "Charge and discharge voltage limits (CVL, DVL) of the BMS in volts. Absent while not "
     "current.",
     "limit"},
    {"esshub_battery_modules", "Battery modules online, by the BMS. Absent while not current."},
    {"esshub_battery_capacity_coulombs",
     "Capacity by the BMS in coulombs, 3600 of which are 1 Ah. Absent while not current."},
    {"esshub_cell_voltage_volts",
     "Voltage of the lowest and the highest cell in volts. Absent while not current.", "channel",
     "cell"},
    {"esshub_cell_temperature_celsius",
     "Temperature of the coldest (lowest) and the warmest (highest) cell in degrees Celsius. "
     "Absent while not current.",
     "channel", "cell"},
    {"esshub_inverter_error_code", "VE.Bus error code, 0 = none. Absent while not current."},
    {"esshub_inverter_input_limit_amperes",
     "Current limit at AC-in in amperes. Absent while not current."},
    {"esshub_setpoint_acknowledged_watts",
     "Setpoint at AC-in in watts as the inverter acknowledged it, + = drawn from mains. Absent "
     "while not current."},
    {"esshub_flow_energy_joules_total",
     "Energy that has flowed since the hub was installed in joules, summed by the hub over current "
     "readings only; kept over restarts. Absent before the first joule.",
     "flow"},
    {"esshub_setpoint_watts",
     "Power commanded to the inverter at AC-in in watts, + = drawn from mains. Absent while none "
     "is written."},
    {"esshub_battery_command_watts",
     "Power commanded at the battery (AC side) in watts, + = charging. Absent while none is "
     "written."},
    {"esshub_battery_proposed_watts",
     "Power at the battery (AC side) in watts that was wanted before any limit, + = charging."},
    {"esshub_soc_threshold_ratio",
     "SOC thresholds in force, 0 to 1: reserve and floor end discharging on grid, ceiling ends "
     "charging, cutoff switches the inverter off in a power cut.",
     "threshold"},
    {"esshub_backup_left_seconds",
     "Time to the cut-off at the present draw if the mains fails or has failed, estimated, in "
     "seconds. Absent while unknown."},
    {"esshub_energy_price_per_kwh",
     "Price now in the tariff's currency per kWh: import is paid, export is earned. Absent without "
     "a tariff.",
     "direction"},
});

/// Which series of which family a value is.
struct Row {
  ValueId id;
  std::string_view family;
  std::string_view label{};
  std::string_view second{};
};
constexpr auto rows = std::to_array<Row>({
    {V::grid_power, "esshub_power_watts", "grid"},
    {V::solar_power, "esshub_power_watts", "solar"},
    {V::house_power, "esshub_power_watts", "house"},
    {V::battery_power, "esshub_power_watts", "battery"},
    {V::battery_dc_power, "esshub_power_watts", "battery_dc"},
    {V::battery_meter_power, "esshub_power_watts", "battery_meter"},
    {V::inverter_power, "esshub_power_watts", "inverter"},
    {V::inverter_dc_power, "esshub_power_watts", "inverter_dc"},
    {V::ac_out_power, "esshub_power_watts", "ac_out"},
    {V::grid_voltage, "esshub_voltage_volts", "grid"},
    {V::solar_voltage, "esshub_voltage_volts", "solar"},
    {V::battery_voltage, "esshub_voltage_volts", "battery"},
    {V::battery_meter_voltage, "esshub_voltage_volts", "battery_meter"},
    {V::inverter_voltage, "esshub_voltage_volts", "inverter"},
    {V::inverter_dc_voltage, "esshub_voltage_volts", "inverter_dc"},
    {V::grid_current, "esshub_current_amperes", "grid"},
    {V::solar_current, "esshub_current_amperes", "solar"},
    {V::battery_current, "esshub_current_amperes", "battery"},
    {V::battery_meter_current, "esshub_current_amperes", "battery_meter"},
    {V::inverter_dc_current, "esshub_current_amperes", "inverter_dc"},
    {V::grid_frequency, "esshub_frequency_hertz", "grid"},
    {V::solar_frequency, "esshub_frequency_hertz", "solar"},
    {V::battery_meter_frequency, "esshub_frequency_hertz", "battery_meter"},
    {V::inverter_frequency, "esshub_frequency_hertz", "inverter"},
    {V::battery_temperature, "esshub_temperature_celsius", "battery"},
    {V::grid_energy_forward, "esshub_energy_joules_total", "grid", "forward"},
    {V::grid_energy_reverse, "esshub_energy_joules_total", "grid", "reverse"},
    {V::solar_energy_forward, "esshub_energy_joules_total", "solar", "forward"},
    {V::solar_energy_reverse, "esshub_energy_joules_total", "solar", "reverse"},
    {V::battery_meter_energy_forward, "esshub_energy_joules_total", "battery_meter", "forward"},
    {V::battery_meter_energy_reverse, "esshub_energy_joules_total", "battery_meter", "reverse"},
    {V::battery_soc, "esshub_battery_soc_ratio"},
    {V::battery_soh, "esshub_battery_soh_ratio"},
    {V::battery_charge_current_limit, "esshub_battery_limit_amperes", "charge"},
    {V::battery_discharge_current_limit, "esshub_battery_limit_amperes", "discharge"},
    {V::battery_charge_voltage_limit, "esshub_battery_limit_volts", "charge"},
    {V::battery_discharge_voltage_limit, "esshub_battery_limit_volts", "discharge"},
    {V::battery_modules, "esshub_battery_modules"},
    {V::battery_capacity, "esshub_battery_capacity_coulombs"},
    {V::battery_cell_voltage_min, "esshub_cell_voltage_volts", "battery", "lowest"},
    {V::battery_cell_voltage_max, "esshub_cell_voltage_volts", "battery", "highest"},
    {V::battery_cell_temperature_min, "esshub_cell_temperature_celsius", "battery", "lowest"},
    {V::battery_cell_temperature_max, "esshub_cell_temperature_celsius", "battery", "highest"},
    {V::inverter_error, "esshub_inverter_error_code"},
    {V::inverter_input_limit, "esshub_inverter_input_limit_amperes"},
    {V::setpoint_acknowledged, "esshub_setpoint_acknowledged_watts"},
    {V::grid_import_energy, "esshub_flow_energy_joules_total", "grid_import"},
    {V::grid_export_energy, "esshub_flow_energy_joules_total", "grid_export"},
    {V::solar_energy, "esshub_flow_energy_joules_total", "solar"},
    {V::house_energy, "esshub_flow_energy_joules_total", "house"},
    {V::battery_charge_energy, "esshub_flow_energy_joules_total", "battery_charge"},
    {V::battery_discharge_energy, "esshub_flow_energy_joules_total", "battery_discharge"},
    {V::setpoint, "esshub_setpoint_watts"},
    {V::battery_command, "esshub_battery_command_watts"},
    {V::battery_proposed, "esshub_battery_proposed_watts"},
    {V::reserve_in_force, "esshub_soc_threshold_ratio", "reserve"},
    {V::floor, "esshub_soc_threshold_ratio", "floor"},
    {V::ceiling, "esshub_soc_threshold_ratio", "ceiling"},
    {V::cutoff, "esshub_soc_threshold_ratio", "cutoff"},
    {V::backup_left, "esshub_backup_left_seconds"},
    {V::import_price, "esshub_energy_price_per_kwh", "import"},
    {V::export_price, "esshub_energy_price_per_kwh", "export"},
});
static_assert(accounts_for_every_value(
                  rows,
                  {{"state sets: esshub_inverter_state_active, ..._mode_active, ...",
                    {V::inverter_state, V::inverter_mode, V::mode, V::instruction, V::authority}},
                   {"a series for each: esshub_decision_reason, esshub_fault_active",
                    {V::reason, V::faults, V::problem, V::mains}}}),
              "every published value has a series or a reason to have none");

/// A measure of each circuit and module, in the family of the same value of the named channels.
struct ListRow {
  std::string_view family;
  Measure measure;
  double factor = 1.0;  ///< from the measure's unit to the base unit
  std::string_view second{};
};
constexpr auto lists = std::to_array<ListRow>({
    {"esshub_power_watts", Measure::power},
    {"esshub_voltage_volts", Measure::voltage},
    {"esshub_current_amperes", Measure::current},
    {"esshub_frequency_hertz", Measure::frequency},
    {"esshub_temperature_celsius", Measure::temperature},
    {"esshub_energy_joules_total", Measure::energy_forward, 3600.0, "forward"},
    {"esshub_energy_joules_total", Measure::energy_reverse, 3600.0, "reverse"},
    {"esshub_cell_voltage_volts", Measure::cell_voltage_min, 1.0, "lowest"},
    {"esshub_cell_voltage_volts", Measure::cell_voltage_max, 1.0, "highest"},
    {"esshub_cell_temperature_celsius", Measure::cell_temperature_min, 1.0, "lowest"},
    {"esshub_cell_temperature_celsius", Measure::cell_temperature_max, 1.0, "highest"},
});

consteval bool families_and_rows_match() {
  const auto has = [](const auto& list, auto member, std::string_view name) {
    return std::ranges::find(list, name, member) != list.end();
  };
  for (const auto& family : families)
    if (!has(rows, &Row::family, family.name)) return false;
  for (const auto& row : rows)
    if (!has(families, &Family::name, row.family)) return false;
  for (const auto& list : lists)
    if (!has(families, &Family::name, list.family)) return false;
  return true;
}
static_assert(families_and_rows_match());

/// From the table's unit to the base unit of Prometheus.
constexpr double base_factor(Unit unit) {
  switch (unit) {
    case Unit::percent:
      return 0.01;
    case Unit::kilowatt_hour:
      return 3.6e6;
    case Unit::ampere_hour:
      return 3600.0;
    default:
      return 1.0;
  }
}

void add(Page& page, const Family& family, std::string_view label, std::string_view second,
         double value) {
  if (!second.empty()) {
    page.add({{family.label, label}, {family.second, second}}, value);
  } else if (!label.empty()) {
    page.add({{family.label, label}}, value);
  } else {
    page.add({}, value);
  }
}

void add_lists(Page& page, const View& view, const Family& family, const ListRow& row) {
  for (const Point point : enum_values<Point>) {
    if (point < Point::circuit1) continue;
    if (const auto value = view.current(point, row.measure))
      add(page, family, name(point), row.second, *value * row.factor);
  }
}

}  // namespace

void add_values(Page& page, const View& view) {
  for (const auto& family : families) {
    const auto* first = std::ranges::find(rows, family.name, &Row::family);
    if (published(first->id).kind == ValueKind::counter) {
      page.counter(family.name, family.help);
    } else {
      page.gauge(family.name, family.help);
    }
    for (const auto& row : rows) {
      if (row.family != family.name) continue;
      const auto& value = published(row.id);
      if (const auto number = value.number(view))
        add(page, family, row.label, row.second, *number * base_factor(value.unit));
    }
    for (const auto& list : lists)
      if (list.family == family.name) add_lists(page, view, family, list);
  }
}

}  // namespace esshub::metrics
