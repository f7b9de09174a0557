#include "publish/mqtt/home_assistant_entities.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>

#include "model/derived.hpp"
#include "publish/history/collector.hpp"

namespace esshub::publish {
namespace {

using Text = std::optional<std::string>;
using M = Measure;
using P = Point;
using V = ValueId;

Text number(std::optional<double> value, int decimals) {
  if (!value || !std::isfinite(*value)) return std::nullopt;
  std::array<char, 64> text{};
  const double scale = std::pow(10.0, decimals);
  // Adding 0.0 turns a rounded "-0" into "0".
  std::snprintf(text.data(), text.size(), "%.*f", decimals,
                std::round(*value * scale) / scale + 0.0);
  return text.data();
}

/// The words of a text, as many as a state holds.
std::string shortened(std::string text) {
  constexpr std::size_t longest = 250;  // a state has 255 characters at most
  if (text.size() <= longest) return text;
  const auto end = text.find_last_of(";,", longest);
  text.resize(end == std::string::npos ? longest : end);
  return text;
}

template <ValueId id>
Text word(const View& view) {
  return text_of(view, id);
}
template <ValueId id>
Text percent(const View& view) {
  return number(number_of(view, id), 0);
}
Text override_of(const View& view) {
  const auto* decision = current_decision(view);
  if (!decision) return std::nullopt;
  if (decision->policy.authority != Authority::manual) return "off";
  return word<V::instruction>(view);
}
Text storm(const View& view) {
  const auto* decision = current_decision(view);
  if (!decision) return std::nullopt;
  const auto& until = decision->policy.storm_until;
  return until && decision->at < *until ? "ON" : "OFF";
}

/// "GBP/kWh"; empty where the currency is not said.
std::string price_unit(const HouseFacts& house) {
  return house.currency.empty() ? "" : house.currency + "/kWh";
}

// ---- of the outlook -----------------------------------------------------------------------------
constexpr double joules_per_kwh = 3.6e6;

/// Null at another day, and where nobody has looked for too long.
const DayRow* row_of_today(const View& view, const Outlook& outlook) {
  const bool current = outlook.today && view.local.trusted &&
                       view.now - outlook.at <= Outlook::max_age &&
                       outlook.today->date == local_date(view);
  return current ? &*outlook.today : nullptr;
}
template <Flow flow>
Text today(const View& view, const Outlook& outlook) {
  const auto* day = row_of_today(view, outlook);
  return day ? number(day->energies[flow] / joules_per_kwh, 3) : std::nullopt;
}
template <std::optional<double> DayRow::*money>
Text money_today(const View& view, const Outlook& outlook) {
  const auto* day = row_of_today(view, outlook);
  return day ? number(day->*money, 2) : std::nullopt;
}
bool plan_is_current(const View& view, const Outlook& outlook) {
  return view.local.trusted && !outlook.plan.empty() && view.now - outlook.at <= Outlook::max_age;
}
Text next_action_text(const View& view, const Outlook& outlook) {
  if (!plan_is_current(view, outlook)) return std::nullopt;
  const auto next = next_action(outlook.plan, view.wall);
  return next ? words(next->instruction) : "nothing planned";
}
Text next_action_at(const View& view, const Outlook& outlook) {
  if (!plan_is_current(view, outlook)) return std::nullopt;
  const auto next = next_action(outlook.plan, view.wall);
  return next ? Text{moment_text(next->begin)} : std::nullopt;
}
const SmartPlan* smart_plan(const View& view, const Outlook& outlook) {
  const bool current = view.local.trusted && view.now - outlook.at <= Outlook::max_age;
  return current ? outlook.smart.plan.get() : nullptr;
}
const SmartSlot* smart_now(const View& view, const Outlook& outlook) {
  const auto* const plan = smart_plan(view, outlook);
  return plan ? slot_at(*plan, view.wall) : nullptr;
}
Text smart_charge(const View& view, const Outlook& outlook) {
  const auto* const slot = smart_now(view, outlook);
  return slot ? number(slot->charge.percent(), 0) : std::nullopt;
}
Text smart_value(const View& view, const Outlook& outlook) {
  const auto* const slot = smart_now(view, outlook);
  return slot ? number(slot->value, 4) : std::nullopt;
}
Text smart_reason(const View& view, const Outlook& outlook) {
  const auto* const slot = smart_now(view, outlook);
  return slot ? Text{slot->reason} : std::nullopt;
}
Text smart_made(const View& view, const Outlook& outlook) {
  const auto* const plan = smart_plan(view, outlook);
  return plan ? Text{moment_text(plan->made)} : std::nullopt;
}
Text smart_problem(const View& view, const Outlook& outlook) {
  if (!outlook.smart.in_force || view.now - outlook.at > Outlook::max_age) return std::nullopt;
  return outlook.smart.problem.empty() ? "none" : outlook.smart.problem;
}
/// By when the reserve that a storm asks for will be there.
Text storm_reached(const View& view, const Outlook&) {
  const auto* decision = current_decision(view);
  if (!decision || !view.local.trusted || !decision->policy.storm_reached) return std::nullopt;
  const auto ahead = *decision->policy.storm_reached - view.now;
  return moment_text(view.wall + std::chrono::duration_cast<WallTime::duration>(ahead));
}

bool always(const HouseFacts&) {
  return true;
}
bool has_history(const HouseFacts& house) {
  return house.history;
}
bool has_solar_history(const HouseFacts& house) {
  return house.history && house.solar_metered;
}
// An amount of money says nothing without its currency.
bool has_cost(const HouseFacts& house) {
  return house.history && house.import_priced && !house.currency.empty();
}
bool has_income(const HouseFacts& house) {
  return house.history && house.export_priced && !house.currency.empty();
}
bool is_planned(const HouseFacts& house) {
  return house.planned;
}

using Kind = HaOutlookEntity::Kind;
constexpr auto outlook_entities = std::to_array<HaOutlookEntity>({
    {"grid_import_today", "Grid import today", Kind::energy, &has_history,
     &today<Flow::grid_import>},
    {"grid_export_today", "Grid export today", Kind::energy, &has_history,
     &today<Flow::grid_export>},
    {"solar_today", "Solar energy today", Kind::energy, &has_solar_history, &today<Flow::solar>},
    {"house_today", "House energy today", Kind::energy, &has_history, &today<Flow::house>},
    {"battery_charge_today", "Battery charged today", Kind::energy, &has_history,
     &today<Flow::battery_charge>},
    {"battery_discharge_today", "Battery discharged today", Kind::energy, &has_history,
     &today<Flow::battery_discharge>},
    {"import_cost_today", "Import cost today", Kind::money, &has_cost,
     &money_today<&DayRow::import_cost>},
    {"export_income_today", "Export income today", Kind::money, &has_income,
     &money_today<&DayRow::export_income>},
    {"next_action", "Next planned action", Kind::text, &is_planned, &next_action_text},
    {"next_action_at", "Next planned action at", Kind::moment, &is_planned, &next_action_at},
    {"smart_charge", "Charge expected by the Smart plan", Kind::percent, &is_planned,
     &smart_charge},
    {"smart_value", "Value of a stored kWh", Kind::price, &is_planned, &smart_value},
    {"smart_reason", "Reason of the Smart plan", Kind::text, &is_planned, &smart_reason},
    {"smart_made", "Smart plan made at", Kind::moment, &is_planned, &smart_made},
    {"smart_problem", "Smart plan's problem", Kind::text, &is_planned, &smart_problem},
    {"storm_reached", "Storm reserve reached at", Kind::moment, &always, &storm_reached},
});

bool meter_reachable(const View& view) {
  return view.current(P::grid, M::power).has_value();
}
bool battery_reachable(const View& view) {
  return view.current(P::battery, M::soc).has_value();
}
bool inverter_reachable(const View& view) {
  return view.current(P::inverter, M::main_state).has_value();
}

constexpr auto sources = std::to_array<HaSource>({
    {"meter", "Meter link", &meter_reachable},
    {"battery", "Battery link", &battery_reachable},
    {"inverter", "Inverter link", &inverter_reachable},
});

// id, device class, source, diagnostic, options
constexpr auto entities = std::to_array<HaEntity>({
    {V::grid_power, "power", "meter", false, ""},
    {V::solar_power, "power", "meter", false, ""},
    {V::house_power, "power", "meter", false, ""},
    {V::battery_power, "power", "inverter", false, ""},
    {V::ac_out_power, "power", "inverter", false, ""},
    {V::battery_command, "power", "", true, ""},

    {V::grid_import_energy, "energy", "", false, ""},
    {V::grid_export_energy, "energy", "", false, ""},
    {V::solar_energy, "energy", "", false, ""},
    {V::house_energy, "energy", "", false, ""},
    {V::battery_charge_energy, "energy", "", false, ""},
    {V::battery_discharge_energy, "energy", "", false, ""},

    {V::battery_soc, "battery", "battery", false, ""},
    {V::battery_soh, "", "battery", true, ""},
    {V::battery_voltage, "voltage", "battery", false, ""},
    {V::battery_current, "current", "battery", false, ""},
    {V::battery_temperature, "temperature", "battery", false, ""},
    {V::battery_charge_current_limit, "current", "battery", true, ""},
    {V::battery_discharge_current_limit, "current", "battery", true, ""},
    {V::battery_cell_voltage_min, "voltage", "battery", true, ""},
    {V::battery_cell_voltage_max, "voltage", "battery", true, ""},

    {V::grid_voltage, "voltage", "meter", true, ""},
    {V::grid_current, "current", "meter", true, ""},
    {V::grid_frequency, "frequency", "meter", true, ""},
    {V::inverter_state, "enum", "inverter", true,
     "down,startup,off,slave,invert_full,invert_half,invert_search,power_assist,passthru,charge"},

    {V::instruction, "enum", "", false, "balance,charge,discharge,idle"},
    {V::authority, "enum", "", false, "balance,tariff,smart,schedule,dispatch,manual"},
    {V::reason, "", "", false, ""},
    {V::reserve_in_force, "", "", false, ""},
    {V::backup_left, "duration", "battery", false, ""},
    {V::import_price, "", "", false, ""},
    {V::faults, "", "", true, ""},

    {V::problem, "problem", "", false, ""},
    {V::mains, "power", "inverter", false, ""},
});
static_assert(accounts_for_every_value(
                  entities,
                  {{"a control shows it", {V::mode}},
                   {"the hub's own totals are what the energy panel counts",
                    {V::grid_energy_forward, V::grid_energy_reverse, V::solar_energy_forward,
                     V::solar_energy_reverse, V::battery_meter_energy_forward,
                     V::battery_meter_energy_reverse}},
                   {"details of the wires: each entity is kept in Home Assistant's database every "
                    "few seconds",
                    {V::solar_voltage,
                     V::solar_current,
                     V::solar_frequency,
                     V::battery_dc_power,
                     V::battery_capacity,
                     V::battery_modules,
                     V::battery_charge_voltage_limit,
                     V::battery_discharge_voltage_limit,
                     V::battery_cell_temperature_min,
                     V::battery_cell_temperature_max,
                     V::battery_meter_power,
                     V::battery_meter_voltage,
                     V::battery_meter_current,
                     V::battery_meter_frequency,
                     V::inverter_power,
                     V::inverter_voltage,
                     V::inverter_frequency,
                     V::inverter_dc_power,
                     V::inverter_dc_voltage,
                     V::inverter_dc_current,
                     V::inverter_input_limit,
                     V::inverter_error}},
                   {"how the control came to battery_command",
                    {V::battery_proposed, V::setpoint, V::setpoint_acknowledged, V::inverter_mode}},
                   {"configuration", {V::floor, V::ceiling, V::cutoff, V::export_price}}}),
              "every published value is an entity or has a reason to be none");

constexpr auto controls = std::to_array<HaControl>({
    {"mode", "select", "Mode", {}, "balance,scheduled,smart", &word<V::mode>},
    {"reserve", "number", "Reserve", OrderLimitId::reserve, "", &percent<V::reserve_in_force>},
    {"override", "select", "Override", {}, "off,balance,charge,discharge,idle", &override_of},
    {"override_power", "number", "Override power", OrderLimitId::power, "", nullptr},
    {"override_minutes", "number", "Override length", OrderLimitId::override_length, "", nullptr},
    {"storm", "switch", "Storm reserve", {}, "", &storm},
    {"acknowledge", "button", "Acknowledge", {}, "", nullptr},
});

}  // namespace

std::string_view HaEntity::platform() const {
  return published(id).kind == ValueKind::flag ? "binary_sensor" : "sensor";
}

std::string_view HaEntity::state_class() const {
  const auto kind = published(id).kind;
  return kind == ValueKind::gauge     ? "measurement"
         : kind == ValueKind::counter ? "total_increasing"
                                      : "";
}

std::string HaEntity::unit(const HouseFacts& house) const {
  const auto unit = published(id).unit;
  if (unit == Unit::price) return price_unit(house);
  return unit == Unit::second ? "min" : std::string{symbol(unit)};
}

bool HaEntity::exists(const HouseFacts& house) const {
  if (id == V::solar_power || id == V::solar_energy) return house.solar_metered;
  if (id == V::battery_soh) return house.state_of_health;
  if (id == V::battery_cell_voltage_min || id == V::battery_cell_voltage_max)
    return house.cell_voltages;
  if (id == V::import_price) return house.import_priced;
  return true;
}

Text HaEntity::state(const View& view) const {
  const auto& value = published(id);
  if (value.text) {
    auto text = value.text(view);
    if (text) text = shortened(*std::move(text));
    return text;
  }
  const auto shown = value.number(view);
  if (!shown) return std::nullopt;
  if (value.kind == ValueKind::flag) return *shown != 0.0 ? "ON" : "OFF";
  return number(value.unit == Unit::second ? *shown / 60.0 : *shown, value.decimals);
}

std::string_view HaOutlookEntity::device_class() const {
  switch (kind) {
    case Kind::energy:
      return "energy";
    case Kind::money:
      return "monetary";
    case Kind::moment:
      return "timestamp";
    case Kind::price:
    case Kind::percent:
    case Kind::text:
      break;
  }
  return "";
}

std::string_view HaOutlookEntity::state_class() const {
  // Money has none: of a sum that begins anew Home Assistant wants to be told when, also on the two
  // days on which the clocks change.
  return kind == Kind::energy ? "total_increasing" : "";
}

std::string HaOutlookEntity::unit(const HouseFacts& house) const {
  switch (kind) {
    case Kind::energy:
      return "kWh";
    case Kind::money:
      return house.currency;
    case Kind::price:
      return price_unit(house);
    case Kind::percent:
      return "%";
    case Kind::text:
    case Kind::moment:
      break;
  }
  return "";
}

std::span<const HaSource> ha_sources() {
  return sources;
}
std::span<const HaEntity> ha_entities() {
  return entities;
}
std::span<const HaOutlookEntity> ha_outlook_entities() {
  return outlook_entities;
}
std::span<const HaControl> ha_controls() {
  return controls;
}

}  // namespace esshub::publish
