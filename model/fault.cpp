#include "model/fault.hpp"

namespace esshub {
namespace {

struct Row {
  Fault id;
  Severity severity;
  std::string_view advice;
};

constexpr EnumTable<Row> rows({
    {Fault::grid_meter_lost, Severity::warning,
     "The grid meter does not answer: check its supply and the RS485 pair. The battery rests."},
    {Fault::grid_meter_frozen, Severity::warning,
     "The grid meter repeats the same registers: power-cycle it. The battery rests."},
    {Fault::implausible_reading, Severity::info,
     "A reading that cannot be was dropped; if it recurs, check wiring and word order."},
    {Fault::bms_lost, Severity::critical,
     "The battery's BMS is silent: check the CAN cable and that the battery is on. The battery "
     "rests."},
    {Fault::bms_protection, Severity::warning,
     "The BMS protects the battery: that direction is stopped until it clears."},
    {Fault::inverter_lost, Severity::critical,
     "The inverter does not answer or has no ESS assistant: check the MK3 cable and the "
     "assistant."},
    {Fault::setpoint_not_followed, Severity::warning,
     "The inverter acknowledges but does not follow: check its limits, switch and DC voltage."},
    {Fault::islanded, Severity::warning,
     "The mains is lost: the battery carries the loads on AC-out."},
    {Fault::backup_cutoff, Severity::critical,
     "The battery reached the cut-off while islanded: the inverter was switched off."},
    {Fault::control_overrun, Severity::warning,
     "The control period was missed: the machine is overloaded."},
    {Fault::actor_stuck, Severity::critical, "A part of the hub died or hangs and was restarted."},
    {Fault::clock_untrusted, Severity::info,
     "The wall clock is not synchronised: schedules stand aside."},
    {Fault::storage_failed, Severity::warning, "History cannot be written."},
    {Fault::config_rejected, Severity::warning,
     "The new configuration has mistakes; the running one is kept."},
    {Fault::soc_inconsistent, Severity::warning,
     "The SOC jumped or disagrees with the voltage: the lower one rules."},
    {Fault::bus_contended, Severity::critical,
     "Another master talks on this bus: two controllers must not share it."},
    {Fault::cutoff_near, Severity::warning,
     "Power cut: less than half an hour to the cut-off at the present draw. Switch loads off."},
    {Fault::grid_meter_reversed, Severity::critical,
     "The grid meter shows import as export: turn its CT or set invert. The battery rests."},
});

}  // namespace

std::string_view name(Fault fault) {
  return enum_name(fault);
}
Severity severity(Fault fault) {
  return rows[fault].severity;
}
std::string_view advice(Fault fault) {
  return rows[fault].advice;
}

std::string_view name(Severity severity) {
  return enum_name(severity);
}

}  // namespace esshub
