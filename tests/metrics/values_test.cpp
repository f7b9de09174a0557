#include "tests/metrics/full_view.hpp"

namespace esshub::metrics {
namespace {

TEST(Sections, ValuesAreInBaseUnits) {
  expect_shown(series(text(full_view(), 250ms)),
               {{"esshub_power_watts{channel=\"battery\"}", 1750},
                {"esshub_power_watts{channel=\"house\"}", 500},
                {"esshub_voltage_volts{channel=\"inverter_dc\"}", 51.5},
                {"esshub_battery_soc_ratio", 0.57},
                {"esshub_battery_soh_ratio", 0.98},
                {"esshub_battery_capacity_coulombs", 360000},
                {"esshub_battery_limit_volts{limit=\"charge\"}", 53.2},
                {"esshub_cell_voltage_volts{channel=\"battery\",cell=\"highest\"}", 3.41},
                {"esshub_cell_temperature_celsius{channel=\"module2\",cell=\"lowest\"}", 17.5},
                {"esshub_inverter_error_code", 0},
                {"esshub_setpoint_acknowledged_watts", 1830},
                {"esshub_battery_proposed_watts", 2500},
                {"esshub_battery_command_watts", 1800},
                {"esshub_soc_threshold_ratio{threshold=\"reserve\"}", 0.6},
                {"esshub_soc_threshold_ratio{threshold=\"cutoff\"}", 0.05},
                {"esshub_backup_left_seconds", 5400},
                {"esshub_energy_price_per_kwh{direction=\"import\"}", 0.25},
                {"esshub_energy_price_per_kwh{direction=\"export\"}", 0.15},
                {"esshub_flow_energy_joules_total{flow=\"grid_import\"}", 3.6e6}});
}

}  // namespace
}  // namespace esshub::metrics
