#include "publish/mqtt/home_assistant_entities.hpp"

#include <array>
#include <cmath>
#include <cstdio>

#include "publish/derived.hpp"

namespace esshub::publish {
namespace {

using Text = std::optional<std::string>;
using M = Measure;
using P = Point;

Text number(std::optional<double> value, int decimals) {
  if (!value || !std::isfinite(*value)) return std::nullopt;
  std::array<char, 64> text{};
  const double scale = std::pow(10.0, decimals);
  // Adding 0.0 turns a rounded "-0" into "0".
  std::snprintf(text.data(), text.size(), "%.*f", decimals,
                std::round(*value * scale) / scale + 0.0);
  return text.data();
}

template <Point point, Measure measure, int decimals>
Text reading(const View& view) {
  return number(view.current(point, measure), decimals);
}

template <std::optional<double> (*derived)(const View&)>
Text watts(const View& view) {
  return number(derived(view), 0);
}

/// kWh. Zero is not said: it is what a total is before it was read back from the disk, and a fall
/// to zero would be taken for a new meter that then counts everything again.
template <Flow flow>
Text energy(const View& view) {
  const double joules = view.energies[flow];
  if (!(joules > 0.0)) return std::nullopt;
  return number(joules / 3.6e6, 3);
}

/// A text of the decision, while decisions are made.
template <auto field>
Text decided(const View& view) {
  const auto* decision = current_decision(view);
  if (!decision) return std::nullopt;
  return field(*decision);
}

Text instruction(const Decision& d) {
  return std::string{name(d.policy.instruction.kind)};
}
Text authority(const Decision& d) {
  return std::string{name(d.policy.authority)};
}
Text mode_of(const Decision& d) {
  return std::string{name(d.policy.mode)};
}
Text reserve(const Decision& d) {
  return number(d.policy.reserve.percent(), 0);
}
Text import_price(const Decision& d) {
  return number(d.policy.import_price, 4);
}
Text backup_minutes(const Decision& d) {
  if (!d.policy.backup_left) return std::nullopt;
  return number(Seconds(*d.policy.backup_left).count() / 60.0, 0);
}
Text override_of(const Decision& d) {
  if (d.policy.authority != Authority::manual) return "none";
  return std::string{name(d.policy.instruction.kind)};
}
Text storm(const Decision& d) {
  return d.policy.storm_until && d.at < *d.policy.storm_until ? "ON" : "OFF";
}
Text reason(const Decision& d) {
  constexpr std::size_t longest = 250;  // a state has 255 characters at most
  std::string text;
  for (const auto& r : d.reasons) {
    if (text.size() + 2 + phrase(r.cause).size() > longest) break;
    if (!text.empty()) text += "; ";
    text += phrase(r.cause);
  }
  return text.empty() ? Text{} : text;
}
Text problem(const Decision& d) {
  for (const Fault fault : enum_values<Fault>) {
    if (d.faults.active(fault) && severity(fault) != Severity::info) return "ON";
  }
  return "OFF";
}
Text fault_names(const Decision& d) {
  constexpr std::size_t longest = 250;
  std::string text;
  for (const Fault fault : enum_values<Fault>) {
    if (!d.faults.active(fault) || text.size() + 2 + name(fault).size() > longest) continue;
    if (!text.empty()) text += ", ";
    text += name(fault);
  }
  return text.empty() ? "none" : text;
}
Text mains(const Decision& d) {
  return d.faults.active(Fault::islanded) ? "OFF" : "ON";
}

Text inverter_state(const View& view) {
  const auto state =
      fresh(view.snapshot.inverter_state(), view.now, view.max_age_of(M::main_state));
  if (!state) return std::nullopt;
  return std::string{name(*state)};
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

template <bool (*reachable)(const View&)>
Text link(const View& view) {
  return reachable(view) ? "ON" : "OFF";
}

constexpr auto sources = std::to_array<HaSource>({
    {"meter", "Meter link", &meter_reachable},
    {"battery", "Battery link", &battery_reachable},
    {"inverter", "Inverter link", &inverter_reachable},
});

constexpr std::string_view sensor = "sensor";
constexpr std::string_view binary = "binary_sensor";
constexpr std::string_view measured = "measurement";
constexpr std::string_view total = "total_increasing";

// id, platform, name, device class, unit, state class, source, diagnostic, state, options
constexpr auto entities = std::to_array<HaEntity>({
    {"grid_power", sensor, "Grid power", "power", "W", measured, "meter", false,
     &reading<P::grid, M::power, 0>, ""},
    {"solar_power", sensor, "Solar power", "power", "W", measured, "meter", false,
     &reading<P::solar, M::power, 0>, ""},
    {"house_power", sensor, "House power", "power", "W", measured, "meter", false,
     &watts<&house_load_w>, ""},
    {"battery_power", sensor, "Battery power", "power", "W", measured, "inverter", false,
     &watts<&battery_power_w>, ""},
    {"backup_power", sensor, "Backup loads power", "power", "W", measured, "inverter", false,
     &reading<P::ac_out, M::power, 0>, ""},
    {"battery_command", sensor, "Battery power commanded", "power", "W", measured, "", true,
     &watts<&battery_command_w>, ""},

    {"grid_import_energy", sensor, "Grid import", "energy", "kWh", total, "", false,
     &energy<Flow::grid_import>, ""},
    {"grid_export_energy", sensor, "Grid export", "energy", "kWh", total, "", false,
     &energy<Flow::grid_export>, ""},
    {"solar_energy", sensor, "Solar energy", "energy", "kWh", total, "", false,
     &energy<Flow::solar>, ""},
    {"house_energy", sensor, "House energy", "energy", "kWh", total, "", false, &energy<Flow::load>,
     ""},
    {"battery_charge_energy", sensor, "Battery charged", "energy", "kWh", total, "", false,
     &energy<Flow::battery_charge>, ""},
    {"battery_discharge_energy", sensor, "Battery discharged", "energy", "kWh", total, "", false,
     &energy<Flow::battery_discharge>, ""},

    {"soc", sensor, "State of charge", "battery", "%", measured, "battery", false,
     &reading<P::battery, M::soc, 1>, ""},
    {"soh", sensor, "State of health", "", "%", measured, "battery", true,
     &reading<P::battery, M::soh, 1>, ""},
    {"battery_voltage", sensor, "Battery voltage", "voltage", "V", measured, "battery", false,
     &reading<P::battery, M::voltage, 2>, ""},
    {"battery_current", sensor, "Battery current", "current", "A", measured, "battery", false,
     &reading<P::battery, M::current, 1>, ""},
    {"battery_temperature", sensor, "Battery temperature", "temperature", "°C", measured, "battery",
     false, &reading<P::battery, M::temperature, 1>, ""},
    {"charge_current_limit", sensor, "Charge current limit", "current", "A", measured, "battery",
     true, &reading<P::battery, M::ccl, 1>, ""},
    {"discharge_current_limit", sensor, "Discharge current limit", "current", "A", measured,
     "battery", true, &reading<P::battery, M::dcl, 1>, ""},
    {"cell_voltage_min", sensor, "Lowest cell voltage", "voltage", "V", measured, "battery", true,
     &reading<P::battery, M::cell_voltage_min, 3>, ""},
    {"cell_voltage_max", sensor, "Highest cell voltage", "voltage", "V", measured, "battery", true,
     &reading<P::battery, M::cell_voltage_max, 3>, ""},

    {"grid_voltage", sensor, "Grid voltage", "voltage", "V", measured, "meter", true,
     &reading<P::grid, M::voltage, 1>, ""},
    {"grid_current", sensor, "Grid current", "current", "A", measured, "meter", true,
     &reading<P::grid, M::current, 2>, ""},
    {"grid_frequency", sensor, "Grid frequency", "frequency", "Hz", measured, "meter", true,
     &reading<P::grid, M::frequency, 2>, ""},
    {"inverter_state", sensor, "Inverter state", "enum", "", "", "inverter", true, &inverter_state,
     "down,startup,off,slave,invert_full,invert_half,invert_search,power_assist,passthru,charge"},

    {"instruction", sensor, "Instruction", "enum", "", "", "", false, &decided<&instruction>,
     "balance,charge,discharge,idle"},
    {"authority", sensor, "Instructed by", "enum", "", "", "", false, &decided<&authority>,
     "balance,tariff,schedule,dispatch,manual"},
    {"reason", sensor, "Reason", "", "", "", "", false, &decided<&reason>, ""},
    {"reserve_in_force", sensor, "Reserve in force", "", "%", measured, "", false,
     &decided<&reserve>, ""},
    {"backup_left", sensor, "Backup time left", "duration", "min", measured, "battery", false,
     &decided<&backup_minutes>, ""},
    {"import_price", sensor, "Import price", "", "", measured, "", false, &decided<&import_price>,
     ""},
    {"faults", sensor, "Faults", "", "", "", "", true, &decided<&fault_names>, ""},

    {"problem", binary, "Problem", "problem", "", "", "", false, &decided<&problem>, ""},
    {"mains", binary, "Mains", "power", "", "", "inverter", false, &decided<&mains>, ""},
    {"meter_link", binary, "Meter link", "connectivity", "", "", "", true, &link<&meter_reachable>,
     ""},
    {"battery_link", binary, "Battery link", "connectivity", "", "", "", true,
     &link<&battery_reachable>, ""},
    {"inverter_link", binary, "Inverter link", "connectivity", "", "", "", true,
     &link<&inverter_reachable>, ""},
});

constexpr auto controls = std::to_array<HaControl>({
    {"mode", "select", "Mode", {}, "balance,scheduled", &decided<&mode_of>},
    {"reserve", "number", "Reserve", OrderLimitId::reserve, "", &decided<&reserve>},
    {"override",
     "select",
     "Override",
     {},
     "none,balance,charge,discharge,idle",
     &decided<&override_of>},
    {"override_power", "number", "Override power", OrderLimitId::power, "", nullptr},
    {"override_minutes", "number", "Override length", OrderLimitId::override_length, "", nullptr},
    {"storm", "switch", "Storm reserve", {}, "", &decided<&storm>},
    {"cutoff_reset", "button", "Switch on after cut-off", {}, "", nullptr},
});

}  // namespace

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
