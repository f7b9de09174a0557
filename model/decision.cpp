#include "model/decision.hpp"

namespace esshub {
namespace {

struct Row {
  Cause cause;
  std::string_view name;
  std::string_view phrase;
};

constexpr std::array<Row, cause_count> rows{{
    {Cause::self_consumption, "self_consumption", "following the house load"},
    {Cause::force_charge, "force_charge", "the battery asks to be charged"},
    {Cause::full_charge, "full_charge", "a full charge, for the battery to measure itself"},
    {Cause::charge, "charge", "charging as instructed"},
    {Cause::discharge, "discharge", "discharging as instructed"},
    {Cause::target_reached, "target_reached", "the instructed state of charge is reached"},
    {Cause::cheap_charge, "cheap_charge", "charging while energy is cheap"},
    {Cause::idle, "idle", "resting"},
    {Cause::override_overruled, "override_overruled", "the manual override has to wait"},
    {Cause::dispatch_overruled, "dispatch_overruled", "the dispatch has to wait"},
    {Cause::schedule_overruled, "schedule_overruled", "the weekly plan has to wait"},
    {Cause::tariff_overruled, "tariff_overruled", "the tariff's rules have to wait"},
    {Cause::clock_untrusted, "clock_untrusted",
     "the clock is not set: weekly plan and tariff stand aside"},
    {Cause::starting, "starting", "waiting until every source is fresh"},
    {Cause::shutting_down, "shutting_down", "stopping: battery to rest"},
    {Cause::grid_meter_stale, "grid_meter_stale", "no fresh reading of the grid meter"},
    {Cause::grid_meter_reversed, "grid_meter_reversed",
     "the grid meter answers the battery the wrong way round"},
    {Cause::bms_stale, "bms_stale", "no fresh word from the battery's BMS"},
    {Cause::inverter_stale, "inverter_stale", "no fresh word from the inverter"},
    {Cause::islanded, "islanded", "the mains is lost: the inverter runs the house by itself"},
    {Cause::inverter_off, "inverter_off", "the inverter is switched off"},
    {Cause::not_followed, "not_followed",
     "the inverter does not follow: control released for a minute"},
    {Cause::bms_protection, "bms_protection", "the BMS protects the battery"},
    {Cause::bms_charge_disabled, "bms_charge_disabled", "the BMS forbids charging"},
    {Cause::bms_discharge_disabled, "bms_discharge_disabled", "the BMS forbids discharging"},
    {Cause::bms_charge_limit, "bms_charge_limit", "the BMS's charge current limit (CCL)"},
    {Cause::bms_discharge_limit, "bms_discharge_limit", "the BMS's discharge current limit (DCL)"},
    {Cause::charge_voltage, "charge_voltage", "the battery is at its charge voltage"},
    {Cause::soc_ceiling, "soc_ceiling", "the battery is full to the set ceiling"},
    {Cause::soc_floor, "soc_floor", "the battery is at the set floor"},
    {Cause::reserve, "reserve", "the rest is kept in reserve for a power cut"},
    {Cause::storm, "storm", "the reserve is raised before bad weather"},
    {Cause::range_low, "range_low", "kept back: the lower end of the instructed range"},
    {Cause::range_high, "range_high", "full enough: the upper end of the instructed range"},
    {Cause::cheap, "cheap", "energy is cheap: the battery keeps what it has"},
    {Cause::excluded_load, "excluded_load",
     "a circuit the battery does not serve takes part of the load"},
    {Cause::excluded_load_stale, "excluded_load_stale",
     "no fresh reading of a circuit the battery does not serve"},
    {Cause::inverter_rating, "inverter_rating", "the inverter's rating"},
    {Cause::charge_limit, "charge_limit", "the set charge power limit"},
    {Cause::discharge_limit, "discharge_limit", "the set discharge power limit"},
    {Cause::import_cap, "import_cap", "the set cap on import"},
    {Cause::export_cap, "export_cap", "the set cap on export"},
    {Cause::slew, "slew", "changing no faster than the set slew rate"},
    {Cause::components_failing, "components_failing",
     "a part of the hub keeps failing: battery to rest"},
    {Cause::overrun, "overrun", "the control period was missed"},
}};

constexpr bool rows_in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (static_cast<std::size_t>(rows[i].cause) != i) return false;
  return true;
}
static_assert(rows_in_order());

}  // namespace

std::string_view name(Cause cause) {
  return rows.at(static_cast<std::size_t>(cause)).name;
}
std::string_view phrase(Cause cause) {
  return rows.at(static_cast<std::size_t>(cause)).phrase;
}

std::string_view name(InverterMode mode) {
  switch (mode) {
    case InverterMode::follow:
      return "follow";
    case InverterMode::release:
      return "release";
    case InverterMode::charger_only:
      return "charger_only";
    case InverterMode::off:
      return "off";
  }
  return "?";
}

}  // namespace esshub
