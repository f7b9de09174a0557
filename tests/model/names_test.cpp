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
#include "tests/model/names.hpp"

namespace esshub {
namespace {

using ::testing::ElementsAre;

TEST(OutwardNames, OfFaults) {
  EXPECT_THAT(
      names<Fault>(),
      ElementsAre("grid_meter_lost", "grid_meter_frozen", "implausible_reading", "bms_lost",
                  "bms_protection", "inverter_lost", "setpoint_not_followed", "islanded",
                  "backup_cutoff", "control_overrun", "actor_stuck", "clock_untrusted",
                  "plan_suspended", "storage_failed", "config_rejected", "soc_inconsistent",
                  "reserve_not_kept", "bus_contended", "cutoff_near", "grid_meter_reversed",
                  "line_flooded", "line_silent", "inverter_overload", "inverter_temperature",
                  "inverter_low_battery", "inverter_dc_ripple", "bms_limit_exceeded",
                  "ac_out_inconsistent", "inverter_derating", "battery_temperature",
                  "bms_implausible", "export_lockout", "plan_missing", "server_unavailable"));
  EXPECT_THAT(names<Severity>(), ElementsAre("info", "warning", "critical"));
}

TEST(OutwardNames, OfCauses) {
  EXPECT_THAT(
      names<Cause>(),
      ElementsAre("self_consumption", "force_charge", "full_charge", "storm_fill",
                  "reserve_recharge", "export_charge", "charge", "discharge", "target_reached",
                  "cheap_charge", "idle", "override_overruled", "dispatch_overruled",
                  "schedule_overruled", "tariff_overruled", "smart_overruled", "clock_untrusted",
                  "starting", "shutting_down", "grid_meter_lost", "grid_meter_reversed", "bms_lost",
                  "inverter_lost", "islanded", "inverter_off", "setpoint_not_followed",
                  "bms_protection", "bms_charge_disabled", "bms_discharge_disabled",
                  "bms_charge_limit", "bms_discharge_limit", "charge_voltage", "soc_ceiling",
                  "soc_floor", "reserve", "storm", "range_low", "range_high", "cheap",
                  "excluded_load", "excluded_load_stale", "inverter_rating", "charge_limit",
                  "discharge_limit", "import_cap", "export_cap", "slew", "components_failing",
                  "control_overrun", "bms_limit_exceeded", "transfer_switch", "main_fuse",
                  "inverter_derating", "battery_temperature", "export_lockout"));
}

TEST(OutwardNames, OfTheInverter) {
  EXPECT_THAT(names<InverterStatus>(), ElementsAre("off", "grid_connected", "islanded", "fault"));
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
              ElementsAre("balance", "tariff", "smart", "schedule", "dispatch", "manual"));
  EXPECT_THAT(names<Mode>(), ElementsAre("balance", "scheduled", "smart"));
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
