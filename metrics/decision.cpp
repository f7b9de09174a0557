#include <cmath>

#include "metrics/sections.hpp"

namespace esshub::metrics {
namespace {

void add_mode(Page& page, const View& view) {
  const auto& decision = view.decision;
  page.gauge(
      "esshub_inverter_mode_active",
      "1 for what the inverter is told to do, else 0: follow the setpoint, released or off.");
  page.add_states<InverterMode>("mode", [&](auto mode) { return mode == decision.setpoint.mode; });
}

void add_reasons(Page& page, const Reasons& reasons) {
  page.gauge("esshub_decision_reason", "1 for every rule that shaped the newest decision, else 0.");
  page.add_states<Cause>("reason", [&](auto why) { return reasons.has(why); });
  page.gauge("esshub_decision_without_reason_watts",
             "What the power at the battery (AC side) would have been in watts without this limit; "
             "of one overruled, its wish. Absent for what did not act.");
  // The first reason is the target: without it there is no power to speak of.
  for (const auto* reason = reasons.begin(); reason != reasons.end(); ++reason)
    if (reason != reasons.begin())
      page.add({{"reason", name(reason->cause)}}, reason->power_without.value());
}

}  // namespace

std::optional<double> timestamp(const View& view, Instant at) {
  if (!view.local.trusted) return std::nullopt;
  const auto wall = std::chrono::duration<double>(view.wall.time_since_epoch());
  // To the millisecond: the clocks' own noise must not look like change.
  return std::round((wall + Seconds(at - view.now)).count() * 1e3) / 1e3;
}

void add_decision(Page& page, const View& view) {
  add_mode(page, view);
  add_reasons(page, view.decision.reasons);
}

void add_faults(Page& page, const View& view) {
  const auto& faults = view.decision.faults;
  page.gauge("esshub_fault_active", "1 while the fault is raised, else 0.");
  for (const Fault fault : enum_values<Fault>) {
    page.add({{"fault", name(fault)}, {"severity", name(severity(fault))}}, faults.active(fault));
  }
  page.gauge("esshub_fault_since_timestamp_seconds",
             "When the fault was raised, in seconds since 1970. Absent while it is not, and while "
             "the clock is not trusted.");
  for (const Fault fault : enum_values<Fault>) {
    if (const auto since = faults.since(fault))
      page.add({{"fault", name(fault)}, {"severity", name(severity(fault))}},
               timestamp(view, *since));
  }
}

}  // namespace esshub::metrics
