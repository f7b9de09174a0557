#include "model/decision.hpp"

namespace esshub {
namespace {

struct Row {
  Why why;
  std::string_view name;
  std::string_view phrase;
};

constexpr std::array<Row, why_count> rows{{
    {Why::self_consumption, "self_consumption", "following the house load"},
    {Why::force_charge, "force_charge", "the battery asks to be charged"},
    {Why::full_charge, "full_charge", "a full charge, for the battery to measure itself"},
    {Why::charge, "charge", "charging as instructed"},
    {Why::discharge, "discharge", "discharging as instructed"},
    {Why::target_reached, "target_reached", "the instructed state of charge is reached"},
    {Why::cheap_charge, "cheap_charge", "charging while energy is cheap"},
    {Why::idle, "idle", "resting"},
    {Why::override_overruled, "override_overruled", "the manual override has to wait"},
    {Why::dispatch_overruled, "dispatch_overruled", "the dispatch has to wait"},
    {Why::schedule_overruled, "schedule_overruled", "the weekly plan has to wait"},
    {Why::tariff_overruled, "tariff_overruled", "the tariff's rules have to wait"},
    {Why::clock_untrusted, "clock_untrusted",
     "the clock is not set: weekly plan and tariff stand aside"},
    {Why::starting, "starting", "waiting until every source is fresh"},
    {Why::shutting_down, "shutting_down", "stopping: battery to rest"},
    {Why::grid_meter_stale, "grid_meter_stale", "no fresh reading of the grid meter"},
    {Why::grid_meter_reversed, "grid_meter_reversed",
     "the grid meter answers the battery the wrong way round"},
    {Why::bms_stale, "bms_stale", "no fresh word from the battery's BMS"},
    {Why::inverter_stale, "inverter_stale", "no fresh word from the inverter"},
    {Why::islanded, "islanded", "the mains is lost: the inverter runs the house by itself"},
    {Why::inverter_off, "inverter_off", "the inverter is switched off"},
    {Why::not_followed, "not_followed",
     "the inverter does not follow: control released for a minute"},
    {Why::bms_protection, "bms_protection", "the BMS protects the battery"},
    {Why::bms_charge_disabled, "bms_charge_disabled", "the BMS forbids charging"},
    {Why::bms_discharge_disabled, "bms_discharge_disabled", "the BMS forbids discharging"},
    {Why::bms_charge_limit, "bms_charge_limit", "the BMS's charge current limit (CCL)"},
    {Why::bms_discharge_limit, "bms_discharge_limit", "the BMS's discharge current limit (DCL)"},
    {Why::charge_voltage, "charge_voltage", "the battery is at its charge voltage"},
    {Why::soc_ceiling, "soc_ceiling", "the battery is full to the set ceiling"},
    {Why::soc_floor, "soc_floor", "the battery is at the set floor"},
    {Why::reserve, "reserve", "the rest is kept in reserve for a power cut"},
    {Why::storm, "storm", "the reserve is raised before bad weather"},
    {Why::range_low, "range_low", "kept back: the lower end of the instructed range"},
    {Why::range_high, "range_high", "full enough: the upper end of the instructed range"},
    {Why::cheap, "cheap", "energy is cheap: the battery keeps what it has"},
    {Why::unserved, "unserved", "a circuit the battery does not serve takes part of the load"},
    {Why::unserved_stale, "unserved_stale",
     "no fresh reading of a circuit the battery does not serve"},
    {Why::inverter_rating, "inverter_rating", "the inverter's rating"},
    {Why::charge_limit, "charge_limit", "the set charge power limit"},
    {Why::discharge_limit, "discharge_limit", "the set discharge power limit"},
    {Why::import_cap, "import_cap", "the set cap on import"},
    {Why::export_cap, "export_cap", "the set cap on export"},
    {Why::slew, "slew", "changing no faster than the set slew rate"},
    {Why::parts_failing, "parts_failing", "a part of the hub keeps failing: battery to rest"},
    {Why::overrun, "overrun", "the control period was missed"},
}};

constexpr bool rows_in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i)
    if (static_cast<std::size_t>(rows[i].why) != i) return false;
  return true;
}
static_assert(rows_in_order());

}  // namespace

std::string_view name(Why why) {
  return rows.at(static_cast<std::size_t>(why)).name;
}
std::string_view phrase(Why why) {
  return rows.at(static_cast<std::size_t>(why)).phrase;
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
