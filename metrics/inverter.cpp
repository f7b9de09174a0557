#include <array>

#include "metrics/sections.hpp"

namespace esshub::metrics {
namespace {

// VE.Bus sub-states 0 to 8 while charging (reference: vebus-mk3#8.1).
constexpr std::array<std::string_view, 9> charge_states{"init",
                                                        "bulk",
                                                        "absorption",
                                                        "float",
                                                        "storage",
                                                        "repeated_absorption",
                                                        "forced_absorption",
                                                        "equalise",
                                                        "bulk_stopped"};

// Bits 0 to 3 of the LED frame's alarm byte, before the alarm; bits 4 to 7, the alarm itself
// (reference: vebus-mk3#3.3).
constexpr std::array<std::string_view, 4> alarms{"temperature", "low_battery", "overload",
                                                 "dc_ripple"};

void add_state(Page& page, const View& view) {
  const auto state = fresh(view.snapshot.inverter_state(), view.now);
  page.gauge("esshub_inverter_state_active",
             "1 for the main state that the inverter reports, else 0. Absent while not current.");
  if (!state) return;
  page.add_states<InverterState>("state", [&](auto each) { return each == *state; });
  const auto charging = view.current(Point::inverter, Measure::charge_state);
  page.gauge("esshub_inverter_charge_state_active",
             "1 for the charge state that the inverter reports, else 0. Absent unless charging.");
  if (charging && *state == InverterState::charge)
    for (std::size_t i = 0; i < charge_states.size(); ++i)
      page.add({{"state", charge_states[i]}}, *charging == static_cast<double>(i));
}

void add_alarms(Page& page, const View& view) {
  page.gauge("esshub_inverter_alarm_active",
             "1 while the inverter warns (level=warning) or alarms, else 0. Absent while not "
             "current.");
  const auto bits = fresh(view.snapshot.bits(Point::inverter, Measure::alarms), view.now);
  if (!bits) return;
  for (std::size_t i = 0; i < alarms.size(); ++i) {
    page.add({{"alarm", alarms[i]}, {"level", "warning"}}, (*bits >> i & 1u) != 0);
    page.add({{"alarm", alarms[i]}, {"level", "alarm"}}, (*bits >> (i + 4) & 1u) != 0);
  }
}

}  // namespace

void add_inverter(Page& page, const View& view) {
  add_state(page, view);
  add_alarms(page, view);
  page.gauge("esshub_inverter_error_code",
             "VE.Bus error code, 0 = none. Absent while not current.");
  page.add({}, view.current(Point::inverter, Measure::error));
  page.gauge("esshub_inverter_input_limit_amperes",
             "Current limit at AC-in in amperes. Absent while not current.");
  page.add({}, view.current(Point::inverter, Measure::input_limit));
  page.gauge("esshub_setpoint_acknowledged_watts",
             "Setpoint at AC-in in watts as the inverter acknowledged it, + = drawn from mains. "
             "Absent while not current.");
  page.add({}, view.current(Point::inverter, Measure::setpoint));
}

}  // namespace esshub::metrics
