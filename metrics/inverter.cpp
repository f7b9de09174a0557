#include "metrics/sections.hpp"

namespace esshub::metrics {
namespace {

void add_state(Page& page, const View& view) {
  const auto state = fresh(view.snapshot.vebus_state(), view.now);
  page.gauge("esshub_inverter_state_active",
             "1 for the main state that the inverter reports, else 0. Absent while not current.");
  if (!state) return;
  page.add_states<VebusState>("state", [&](auto each) { return each == *state; });
  const auto charging = view.current(Point::inverter, Measure::charge_state);
  page.gauge("esshub_inverter_charge_state_active",
             "1 for the charge state that the inverter reports, else 0. Absent unless charging.");
  if (!charging || *state != VebusState::charge) return;
  if (const auto known = state_of<VebusChargeState>(*charging))
    page.add_states<VebusChargeState>("state", [&](auto each) { return each == *known; });
}

void add_alarms(Page& page, const View& view) {
  page.gauge("esshub_inverter_alarm_active",
             "1 while the inverter warns (level=warning) or alarms, else 0. Absent while not "
             "current.");
  const auto bits = fresh(view.snapshot.bits(Point::inverter, Measure::alarms), view.now);
  if (!bits) return;
  for (const auto alarm : enum_values<VebusAlarm>) {
    page.add({{"alarm", name(alarm)}, {"level", "warning"}}, (*bits & warning_bit(alarm)) != 0);
    page.add({{"alarm", name(alarm)}, {"level", "alarm"}}, (*bits & alarm_bit(alarm)) != 0);
  }
}

}  // namespace

void add_inverter(Page& page, const View& view) {
  add_state(page, view);
  add_alarms(page, view);
}

}  // namespace esshub::metrics
