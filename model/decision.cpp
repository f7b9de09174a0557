#include "model/decision.hpp"

namespace esshub {
namespace {

struct Row {
  Cause id;
  std::string_view phrase;
};

constexpr EnumTable<Row> rows({
    {Cause::self_consumption, "following the house load"},
    {Cause::force_charge, "the battery asks to be charged"},
    {Cause::full_charge, "a full charge, for the battery to measure itself"},
    {Cause::storm_fill, "charging up to the reserve for bad weather"},
    {Cause::reserve_recharge, "the reserve for a power cut is brought back"},
    {Cause::export_charge, "charging what would be exported above its cap"},
    {Cause::charge, "charging as instructed"},
    {Cause::discharge, "discharging as instructed"},
    {Cause::target_reached, "the instructed state of charge is reached"},
    {Cause::cheap_charge, "charging while energy is cheap"},
    {Cause::idle, "resting"},
    {Cause::override_overruled, "the manual override has to wait"},
    {Cause::dispatch_overruled, "the dispatch has to wait"},
    {Cause::schedule_overruled, "the weekly plan has to wait"},
    {Cause::tariff_overruled, "the tariff's rules have to wait"},
    {Cause::smart_overruled, "the Smart plan has to wait"},
    {Cause::clock_untrusted,
     "the clock is not set: weekly plan, tariff and Smart plan stand aside"},
    {Cause::starting, "waiting until every source is fresh"},
    {Cause::shutting_down, "stopping: the battery rests"},
    {Cause::grid_meter_lost, "no current reading of the grid meter"},
    {Cause::grid_meter_reversed, "the grid meter shows import as export"},
    {Cause::bms_lost, "no current values from the battery's BMS"},
    {Cause::inverter_lost, "no current values from the inverter"},
    {Cause::islanded, "the mains is lost: the inverter runs the house by itself"},
    {Cause::inverter_off, "the inverter is switched off"},
    {Cause::setpoint_not_followed, "the inverter does not follow: control released for a minute"},
    {Cause::bms_protection, "the BMS protects the battery"},
    {Cause::bms_charge_disabled, "the BMS forbids charging"},
    {Cause::bms_discharge_disabled, "the BMS forbids discharging"},
    {Cause::bms_charge_limit, "the BMS's charge current limit (CCL)"},
    {Cause::bms_discharge_limit, "the BMS's discharge current limit (DCL)"},
    {Cause::charge_voltage, "the battery is at its charge voltage"},
    {Cause::soc_ceiling, "the battery is full to the set ceiling"},
    {Cause::soc_floor, "the battery is at the set floor"},
    {Cause::reserve, "the rest is kept in reserve for a power cut"},
    {Cause::storm, "the reserve is raised before bad weather"},
    {Cause::range_low, "kept back: the lower end of the instructed range"},
    {Cause::range_high, "full enough: the upper end of the instructed range"},
    {Cause::cheap, "energy is cheap: the battery keeps what it has"},
    {Cause::excluded_load, "a circuit the battery does not serve takes part of the load"},
    {Cause::excluded_load_stale, "no current reading of a circuit the battery does not serve"},
    {Cause::inverter_rating, "the inverter's rating"},
    {Cause::charge_limit, "the set charge power limit"},
    {Cause::discharge_limit, "the set discharge power limit"},
    {Cause::import_cap, "the set cap on import"},
    {Cause::export_cap, "the set cap on export"},
    {Cause::slew, "changing no faster than the set slew rate"},
    {Cause::components_failing, "a component of the hub keeps failing: the battery rests"},
    {Cause::control_overrun, "the control period was missed"},
    {Cause::bms_limit_exceeded, "more current flows than the BMS allows: the battery rests"},
    {Cause::transfer_switch, "what the inverter's transfer switch carries"},
    {Cause::main_fuse, "what the main fuse carries"},
    {Cause::inverter_derating, "the inverter holds back by itself"},
    {Cause::battery_temperature, "the battery is too cold or too hot"},
    {Cause::export_lockout, "export was above its cap three times: the battery exports nothing"},
});

}  // namespace

std::string_view name(Cause cause) {
  return enum_name(cause);
}
std::string_view phrase(Cause cause) {
  return rows[cause].phrase;
}

std::string_view name(InverterMode mode) {
  return enum_name(mode);
}

}  // namespace esshub
