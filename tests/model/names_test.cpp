// The names seen outside: metric labels, JSON, MQTT, history. They come from the enumerators, so a
// renamed enumerator renames a label: this list says which names somebody may rely on.
#include <gmock/gmock.h>

#include "model/circuit.hpp"
#include "model/decision.hpp"
#include "model/energy.hpp"
#include "model/health.hpp"
#include "model/published_values.hpp"
#include "model/setting_row.hpp"
#include "model/snapshot.hpp"

namespace esshub {
namespace {

using ::testing::ElementsAre;

template <class E>
std::vector<std::string_view> names() {
  std::vector<std::string_view> all;
  for (const E each : enum_values<E>) all.push_back(name(each));
  return all;
}

TEST(OutwardNames, OfPoints) {
  EXPECT_THAT(names<Point>(),
              ElementsAre("grid", "solar", "battery_meter", "battery", "inverter", "ac_out",
                          "circuit1", "circuit2", "circuit3", "circuit4", "circuit5", "circuit6",
                          "circuit7", "circuit8", "circuit9", "circuit10", "module1", "module2",
                          "module3", "module4", "module5", "module6", "module7", "module8"));
  EXPECT_EQ(name(circuit(max_circuits - 1)), "circuit10");
  EXPECT_EQ(name(battery_module(max_modules - 1)), "module8");
  EXPECT_EQ(name(static_cast<Point>(enum_count<Point>)), "?");
}

TEST(OutwardNames, OfMeasures) {
  EXPECT_THAT(
      names<Measure>(),
      ElementsAre("power", "voltage", "current", "frequency", "energy_forward", "energy_reverse",
                  "temperature", "soc", "soh", "cvl", "ccl", "dcl", "dvl", "protections",
                  "warnings", "requests", "modules", "capacity", "dc_power", "dc_voltage",
                  "dc_current", "status", "main_state", "charge_state", "leds", "alarms", "error",
                  "controllable", "setpoint", "input_limit", "cell_voltage_min", "cell_voltage_max",
                  "cell_temperature_min", "cell_temperature_max"));
  EXPECT_EQ(name(static_cast<Measure>(enum_count<Measure>)), "?");
}

TEST(OutwardNames, OfFaults) {
  EXPECT_THAT(names<Fault>(),
              ElementsAre("grid_meter_lost", "grid_meter_frozen", "implausible_reading", "bms_lost",
                          "bms_protection", "inverter_lost", "setpoint_not_followed", "islanded",
                          "backup_cutoff", "control_overrun", "actor_stuck", "clock_untrusted",
                          "storage_failed", "config_rejected", "soc_inconsistent", "bus_contended",
                          "cutoff_near", "grid_meter_reversed", "line_flooded", "line_silent"));
  EXPECT_THAT(names<Severity>(), ElementsAre("info", "warning", "critical"));
}

TEST(OutwardNames, OfCauses) {
  EXPECT_THAT(
      names<Cause>(),
      ElementsAre("self_consumption", "force_charge", "full_charge", "charge", "discharge",
                  "target_reached", "cheap_charge", "idle", "override_overruled",
                  "dispatch_overruled", "schedule_overruled", "tariff_overruled", "clock_untrusted",
                  "starting", "shutting_down", "grid_meter_lost", "grid_meter_reversed", "bms_lost",
                  "inverter_lost", "islanded", "inverter_off", "setpoint_not_followed",
                  "bms_protection", "bms_charge_disabled", "bms_discharge_disabled",
                  "bms_charge_limit", "bms_discharge_limit", "charge_voltage", "soc_ceiling",
                  "soc_floor", "reserve", "storm", "range_low", "range_high", "cheap",
                  "excluded_load", "excluded_load_stale", "inverter_rating", "charge_limit",
                  "discharge_limit", "import_cap", "export_cap", "slew", "components_failing",
                  "control_overrun"));
}

TEST(OutwardNames, OfTheInverter) {
  EXPECT_THAT(names<InverterStatus>(), ElementsAre("off", "grid_connected", "islanded", "fault"));
  EXPECT_THAT(names<VebusState>(),
              ElementsAre("down", "startup", "off", "slave", "invert_full", "invert_half",
                          "invert_search", "power_assist", "passthru", "charge"));
  EXPECT_THAT(names<VebusChargeState>(),
              ElementsAre("init", "bulk", "absorption", "float", "storage", "repeated_absorption",
                          "forced_absorption", "equalise", "bulk_stopped"));
  EXPECT_THAT(names<VebusAlarm>(),
              ElementsAre("temperature", "low_battery", "overload", "dc_ripple"));
}

TEST(OutwardNames, OfTheBms) {
  EXPECT_THAT(names_of<BmsFlag>(~0u),
              ElementsAre("high_voltage", "low_voltage", "high_temperature", "low_temperature",
                          "high_charge_current", "high_discharge_current", "system",
                          "internal_communication", "high_charge_temperature",
                          "low_charge_temperature", "contactor", "short_circuit",
                          "internal_failure", "cell_imbalance", "general", "unknown"));
  EXPECT_THAT(names_of<BmsRequest>(~0u),
              ElementsAre("charge_enable", "discharge_enable", "force_charge_1", "force_charge_2",
                          "full_charge"));
}

TEST(OutwardNames, OfTheRest) {
  EXPECT_THAT(names<Flow>(), ElementsAre("grid_import", "grid_export", "solar", "house",
                                         "battery_charge", "battery_discharge"));
  EXPECT_THAT(names<FrameResult>(), ElementsAre("ok", "checksum", "length", "content", "exception",
                                                "timeout", "late", "resync", "unknown"));
  EXPECT_THAT(names<InverterMode>(), ElementsAre("follow", "release", "off"));
  EXPECT_THAT(names<InstructionKind>(), ElementsAre("balance", "charge", "discharge", "idle"));
  EXPECT_THAT(names<Authority>(),
              ElementsAre("balance", "tariff", "schedule", "dispatch", "manual"));
  EXPECT_THAT(names<Mode>(), ElementsAre("balance", "scheduled"));
  EXPECT_THAT(names<CircuitRole>(), ElementsAre("other", "ev", "heatpump"));
  EXPECT_EQ(name(ValueId::grid_power), "grid_power");
  EXPECT_EQ(name(ValueId::mains), "mains");
}

TEST(OutwardNames, AreFoundAgain) {
  for (const Mode each : enum_values<Mode>) EXPECT_EQ(mode(name(each)), each);
  for (const InstructionKind each : enum_values<InstructionKind>)
    EXPECT_EQ(instruction_kind(name(each)), each);
  EXPECT_EQ(mode("off"), std::nullopt);
  EXPECT_EQ(instruction_kind("nothing"), std::nullopt);
}

struct OneSetting {
  double value = 0.0;
};

TEST(SettingRow, IsNamedBySectionAndKeyAndHoldsAnyNumberByDefault) {
  const SettingRow<OneSetting> row{"control.loop",  "gain", &OneSetting::value, "", {},
                                   Reload::at_once, ""};
  EXPECT_EQ(row.name(), "control.loop.gain");
  EXPECT_EQ(row.range.least, std::numeric_limits<double>::lowest());
  EXPECT_EQ(row.range.most, std::numeric_limits<double>::max());
}

}  // namespace
}  // namespace esshub
