#include "model/sample.hpp"

namespace esshub {

std::string_view name(Point point) {
  constexpr std::array<std::string_view, point_count> names{
      "grid",     "solar",    "battery_meter", "battery",   "inverter", "ac_out",
      "circuit1", "circuit2", "circuit3",      "circuit4",  "circuit5", "circuit6",
      "circuit7", "circuit8", "circuit9",      "circuit10", "module1",  "module2",
      "module3",  "module4",  "module5",       "module6",   "module7",  "module8"};
  const auto i = static_cast<std::size_t>(point);
  return i < names.size() ? names[i] : "?";
}

std::string_view name(Measure measure) {
  constexpr std::array<std::string_view, measure_count> names{"power",
                                                              "voltage",
                                                              "current",
                                                              "frequency",
                                                              "energy_forward",
                                                              "energy_reverse",
                                                              "temperature",
                                                              "soc",
                                                              "soh",
                                                              "cvl",
                                                              "ccl",
                                                              "dcl",
                                                              "dvl",
                                                              "protections",
                                                              "warnings",
                                                              "requests",
                                                              "modules",
                                                              "capacity",
                                                              "dc_power",
                                                              "dc_voltage",
                                                              "dc_current",
                                                              "main_state",
                                                              "charge_state",
                                                              "leds",
                                                              "alarms",
                                                              "error",
                                                              "controllable",
                                                              "setpoint",
                                                              "input_limit",
                                                              "cell_voltage_min",
                                                              "cell_voltage_max",
                                                              "cell_temperature_min",
                                                              "cell_temperature_max"};
  const auto i = static_cast<std::size_t>(measure);
  return i < names.size() ? names[i] : "?";
}

std::string_view name(InverterState state) {
  switch (state) {
    case InverterState::down:
      return "down";
    case InverterState::startup:
      return "startup";
    case InverterState::off:
      return "off";
    case InverterState::slave:
      return "slave";
    case InverterState::invert_full:
      return "invert_full";
    case InverterState::invert_half:
      return "invert_half";
    case InverterState::invert_search:
      return "invert_search";
    case InverterState::power_assist:
      return "power_assist";
    case InverterState::passthru:
      return "passthru";
    case InverterState::charge:
      return "charge";
  }
  return "unknown";
}

}  // namespace esshub
