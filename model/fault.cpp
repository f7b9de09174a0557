#include "model/fault.hpp"

namespace esshub {
namespace {

struct Row {
  Fault id;
  Severity severity;
  std::string_view title;
  std::string_view advice;
};

constexpr EnumTable<Row> rows({
    {Fault::grid_meter_lost, Severity::warning, "Grid meter lost",
     "The grid meter does not answer or, with grid.witness, shows exactly 0 W or repeats the same "
     "power and voltage: "
     "the battery rests. Check the meter's supply and its clamp, then the RS485 pair and the "
     "adapter or gateway."},
    {Fault::grid_meter_frozen, Severity::warning, "Grid meter frozen",
     "The grid meter repeats the same registers: the battery rests. Power-cycle the meter."},
    {Fault::implausible_reading, Severity::info, "Impossible reading",
     "A reading that cannot be was dropped. If it recurs, check the wiring, the word order and the "
     "meter itself."},
    {Fault::bms_lost, Severity::critical, "Battery's BMS lost",
     "The battery's BMS is silent: the battery rests. Check that the battery is switched on, then "
     "the CAN cable and the adapter or gateway."},
    {Fault::bms_protection, Severity::warning, "BMS protects the battery",
     "The direction that the BMS protects the battery against is stopped until the BMS clears it."},
    {Fault::inverter_lost, Severity::critical, "Inverter lost",
     "The inverter does not answer or has no ESS assistant. Check its switch, the MK3 cable, and "
     "that the assistant is installed."},
    {Fault::setpoint_not_followed, Severity::warning, "Inverter does not follow",
     "The inverter acknowledges setpoints but does something else. Check its limits, its switch "
     "and the DC voltage."},
    {Fault::islanded, Severity::warning, "Power cut",
     "The mains is lost: the battery carries the loads on AC-out."},
    {Fault::backup_cutoff, Severity::critical, "Battery cut off",
     "The battery reached the cut-off in a power cut: the inverter was switched off. It comes back "
     "with the mains."},
    {Fault::control_overrun, Severity::warning, "Control too slow",
     "Control periods were missed: the machine is overloaded or stalls. Give the hub real-time "
     "priority, or the machine less to do."},
    {Fault::actor_stuck, Severity::critical, "A component died or hangs",
     "A component that dies is started again; one that hangs in a system call is left alone until "
     "the call returns. The log (journalctl -u esshub) names both: unplug the adapter that hangs, "
     "or restart the machine. After repeated deaths: esshub acknowledge."},
    {Fault::clock_untrusted, Severity::info, "Clock not trusted",
     "No time source has confirmed the clock. Check timedatectl and the way to the time server; "
     "site.clock lets a board without one use its RTC."},
    {Fault::plan_suspended, Severity::warning, "Weekly plan, tariff and Smart plan suspended",
     "The clock is not trusted, so weekly plan, tariff and Smart plan stand aside. Check "
     "timedatectl and the way to the time server, or set site.clock."},
    {Fault::storage_failed, Severity::warning, "Data cannot be stored",
     "History, orders, told prices or savings cannot be written; control goes on from memory. "
     "Check the disk's free space and the card, and whether a file in state_dir is another "
     "user's: it is left as it is (the log names it)."},
    {Fault::config_rejected, Severity::warning, "New configuration refused",
     "The new configuration has errors; the running one is kept. esshub check FILE names every "
     "error."},
    {Fault::soc_inconsistent, Severity::warning, "State of charge in doubt",
     "The SOC jumped or disagrees with the battery's voltage: the lower value rules. A full charge "
     "lets the BMS count anew."},
    {Fault::reserve_not_kept, Severity::warning, "Reserve is not there",
     "The battery is below what is kept for a power cut: after one, by its own consumption, or "
     "because more is to be kept now. battery.reserve_recharge says when it is brought back."},
    {Fault::bus_contended, Severity::critical, "Two masters on a bus",
     "Another master talks on this bus, so the hub asks nothing. Two controllers must not share a "
     "bus: take one off, or set mode = \"sniff\"."},
    {Fault::cutoff_near, Severity::warning, "Cut-off is near",
     "Power cut: the battery is near its cut-off, half an hour or less at the present draw. There "
     "the inverter is switched off until the mains is back: switch loads off."},
    {Fault::grid_meter_reversed, Severity::critical, "Grid meter reversed",
     "The grid meter shows import as export: the battery rests. Turn its CT, or set invert for its "
     "channel."},
    {Fault::line_flooded, Severity::warning, "Line flooded",
     "More arrives on a line than its wire can carry: no more is read than that. The log "
     "(journalctl -u esshub) names the bus: power-cycle its adapter or gateway, and check baud."},
    {Fault::line_silent, Severity::warning, "Line silent",
     "A line is open but has brought nothing valid for 30 s: it is opened anew every minute. The "
     "log (journalctl -u esshub) names the bus and what came instead: nothing, or another speed's "
     "or protocol's bytes."},
    {Fault::inverter_overload, Severity::warning, "Inverter overloaded",
     "The loads on AC-out ask for more than the inverter can carry: in a power cut it trips and "
     "the house goes dark. Switch large loads off now."},
    {Fault::inverter_temperature, Severity::warning, "Inverter too hot",
     "The inverter nears the temperature at which it switches itself off. Switch loads off, and "
     "see that air reaches its fans."},
    {Fault::inverter_low_battery, Severity::warning, "Battery low at the inverter",
     "The inverter measures a battery voltage near that at which it switches itself off: in a "
     "power cut, switch loads off. With a well charged battery, check its cables and fuse."},
    {Fault::inverter_dc_ripple, Severity::warning, "Ripple on the battery's cables",
     "The battery's voltage at the inverter swings under load. If it goes on the inverter switches "
     "itself off: check the DC cables' size, length and every bolt, and the fuse."},
    {Fault::bms_limit_exceeded, Severity::critical, "Battery current beyond its limit",
     "More current flows than the battery's BMS allows: the battery rests, then control is "
     "released "
     "for a minute. Check for a second charger or load at the battery, and the inverter's "
     "readings."},
    {Fault::ac_out_inconsistent, Severity::warning, "Inverter contradicts itself",
     "The inverter's own power readings do not add up: the load on AC-out is taken from AC-in less "
     "battery power. Check its firmware and that it is a single unit."},
    {Fault::inverter_derating, Severity::info, "Inverter holds back",
     "The inverter does less than commanded: hot, in absorption, or at a limit of its own. Control "
     "goes on with what it can do. Check its ventilation and its charger's settings."},
    {Fault::battery_temperature, Severity::warning, "Battery too cold or too hot",
     "The battery is outside its temperature limits, so that direction is stopped; or it does not "
     "tell its temperature, and only its BMS guards it. Warm, shade or ventilate the room."},
    {Fault::bms_implausible, Severity::critical, "Battery's values cannot be",
     "The battery's BMS sends a value that cannot be: the battery rests. The log (journalctl -u "
     "esshub) names frame, value and accepted range: check that it has the 15 or 16 cells in "
     "series that its bus is set to."},
    {Fault::export_lockout, Severity::critical, "Battery's export locked out",
     "Three times within 24 h the export passed its cap by the battery's doing, or the grid meter "
     "or its clamp was lost: for 4 h the battery charges and serves the house, but does not "
     "export. Check the meter, its clamp and its cable."},
    {Fault::plan_missing, Severity::warning, "No plan for Smart mode",
     "No plan was made for 8 h, or none within 2 h of Smart mode; when the last one ends the "
     "tariff's rule takes its place. It needs two days of the house's history, prices (told or the "
     "tariff's) and the battery's capacity; the log's no_plan says why."},
    {Fault::server_unavailable, Severity::warning, "Page or metrics not served",
     "The address of the page or of the metrics cannot be had, or its certificate cannot be read: "
     "the log says which and why. It is tried again every few seconds; the battery is controlled "
     "all the same."},
});

}  // namespace

std::string_view name(Fault fault) {
  return enum_name(fault);
}
Severity severity(Fault fault) {
  return rows[fault].severity;
}
std::string_view title(Fault fault) {
  return rows[fault].title;
}
std::string_view advice(Fault fault) {
  return rows[fault].advice;
}

std::string_view name(Severity severity) {
  return enum_name(severity);
}

}  // namespace esshub
