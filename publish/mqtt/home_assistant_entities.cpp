#include "publish/mqtt/home_assistant_entities.hpp"

#include <array>
#include <cmath>
#include <cstdio>

#include "model/derived.hpp"

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
  if (decision->policy.authority != Authority::manual) return "none";
  return word<V::instruction>(view);
}
Text storm(const View& view) {
  const auto* decision = current_decision(view);
  if (!decision) return std::nullopt;
  const auto& until = decision->policy.storm_until;
  return until && decision->at < *until ? "ON" : "OFF";
}

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
    {V::authority, "enum", "", false, "balance,tariff,schedule,dispatch,manual"},
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
    {"mode", "select", "Mode", {}, "balance,scheduled", &word<V::mode>},
    {"reserve", "number", "Reserve", OrderLimitId::reserve, "", &percent<V::reserve_in_force>},
    {"override", "select", "Override", {}, "none,balance,charge,discharge,idle", &override_of},
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

std::string_view HaEntity::unit() const {
  const auto unit = published(id).unit;
  return unit == Unit::second ? "min" : symbol(unit);
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

std::span<const HaSource> ha_sources() {
  return sources;
}
std::span<const HaEntity> ha_entities() {
  return entities;
}
std::span<const HaControl> ha_controls() {
  return controls;
}

}  // namespace esshub::publish
