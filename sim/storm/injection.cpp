#include "sim/storm/injection.hpp"

#include <cstdio>

namespace esshub::sim::storm {
namespace {

constexpr EnumTable<InjectionRow> rows({
    {Injected::line_off, "line.off", Where::any_bus, "", ""},
    {Injected::line_drop, "line.drop", Where::any_bus, "pct", ""},
    {Injected::line_noise, "line.noise", Where::any_bus, "pct", ""},
    {Injected::line_late, "line.late", Where::any_bus, "delay_s", ""},
    {Injected::line_stuck, "line.stuck", Where::any_bus, "", ""},
    {Injected::line_unplug, "line.unplug", Where::any_bus, "", ""},
    {Injected::line_flood, "line.flood", Where::any_bus, "", ""},
    {Injected::line_other_master, "line.other_master", Where::meters_bus, "", ""},
    {Injected::meter_reversed, "meter.reversed", Where::meters_bus, "", ""},
    {Injected::bms_limits, "bms.limits", Where::battery_bus, "ccl_a", "dcl_a"},
    {Injected::bms_protection, "bms.protection", Where::battery_bus, "bit", ""},
    {Injected::bms_soc, "bms.soc", Where::battery_bus, "soc_pct", ""},
    {Injected::bms_temperature, "bms.temperature", Where::battery_bus, "temp_c", ""},
    {Injected::bms_module_lost, "bms.module_lost", Where::battery_bus, "", ""},
    {Injected::inverter_gain, "inverter.gain", Where::inverter_bus, "gain", ""},
    {Injected::inverter_derate, "inverter.derate", Where::inverter_bus, "w", ""},
    {Injected::inverter_ac_out_word, "inverter.ac_out_word", Where::inverter_bus, "error_w", ""},
    {Injected::inverter_alarm, "inverter.alarm", Where::inverter_bus, "alarms", ""},
    {Injected::mains_lost, "mains.lost", Where::house, "", ""},
    {Injected::broker_off, "broker.off", Where::house, "", ""},
    {Injected::clients_flood, "clients.flood", Where::house, "", ""},
    {Injected::disk_full, "disk.full", Where::house, "", ""},
    {Injected::disk_slow, "disk.slow", Where::house, "delay_s", ""},
    {Injected::disk_lost, "disk.lost", Where::house, "", ""},
    {Injected::disk_torn, "disk.torn", Where::house, "bytes", ""},
    {Injected::disk_unreadable, "disk.unreadable", Where::house, "", ""},
    {Injected::clock_step, "clock.step", Where::house, "by_s", ""},
    {Injected::clock_unsynchronised, "clock.unsynchronised", Where::house, "", ""},
    {Injected::control_stall, "control.stall", Where::house, "", ""},
    {Injected::actor_stuck, "actor.stuck", Where::any_bus, "", ""},
    {Injected::actor_death, "actor.death", Where::any_bus, "control", ""},
    {Injected::hub_killed, "hub.killed", Where::house, "", "bytes"},
    {Injected::hub_stopped, "hub.stopped", Where::house, "", ""},
    {Injected::power_cut, "power.cut", Where::house, "wall", "bytes"},
});

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

}  // namespace

const InjectionRow& row(Injected what) {
  return rows[what];
}

std::string text(const Injection& injection) {
  const InjectionRow& r = row(injection.what);
  std::string out{r.name};
  if (r.where != Where::house) out += " " + std::string{name(injection.bus)};
  out += " from " + number(Seconds{injection.begin}.count()) + " s for " +
         number(Seconds{injection.length}.count()) + " s";
  if (!r.first.empty()) out += ", " + std::string{r.first} + " " + number(injection.first);
  if (!r.second.empty()) out += ", " + std::string{r.second} + " " + number(injection.second);
  return out;
}

std::optional<InjectionKinds> parse_kinds(std::string_view list, std::string& unknown) {
  InjectionKinds kinds{};
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto word = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    bool known = word == "none";
    for (const auto what : enum_values<Injected>) {
      const auto kind = row(what).name;
      const bool asked = word == "all" || word == kind || word == kind.substr(0, kind.find('.'));
      if (asked) kinds[what] = known = true;
    }
    if (known) continue;
    unknown = word;
    return std::nullopt;
  }
  return kinds;
}

std::string kinds_help() {
  std::string out;
  for (const auto what : enum_values<Injected>)
    out += (out.empty() ? "" : ", ") + std::string{row(what).name};
  return out;
}

}  // namespace esshub::sim::storm
