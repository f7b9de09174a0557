#include "metrics/sections.hpp"

namespace esshub::metrics {
namespace {

void add_instruction(Page& page, const Instruction& instruction) {
  const bool runs =
      instruction.kind == InstructionKind::charge || instruction.kind == InstructionKind::discharge;
  page.gauge("esshub_instruction_active", "1 for the instruction in force, else 0.");
  page.add_states<InstructionKind>("instruction",
                                   [&](auto kind) { return kind == instruction.kind; });
  page.gauge("esshub_instruction_power_watts",
             "Rate at the battery (AC side) that the instruction wants in watts, positive for "
             "charge and discharge alike. Absent for the others.");
  if (runs) page.add({}, instruction.power.value());
  page.gauge("esshub_instruction_soc_ratio",
             "SOC bounds of the instruction, 0 to 1: target of charge and discharge, low and high "
             "of balance and idle.");
  if (runs) {
    page.add({{"bound", "target"}}, instruction.target.ratio());
  } else {
    page.add({{"bound", "low"}}, instruction.low.ratio());
    page.add({{"bound", "high"}}, instruction.high.ratio());
  }
}

void add_ends(Page& page, const View& view) {
  const auto& policy = view.decision.policy;
  page.gauge(
      "esshub_instruction_until_timestamp_seconds",
      "When the instruction in force ends, in seconds since 1970. Absent where it has no end "
      "and while the clock is not trusted.");
  if (policy.until) page.add({}, timestamp(view, *policy.until));
  page.gauge(
      "esshub_storm_until_timestamp_seconds",
      "When the storm that is ordered ends, in seconds since 1970. Absent while none is, and "
      "while the clock is not trusted.");
  if (policy.storm_until) page.add({}, timestamp(view, *policy.storm_until));
  page.gauge(
      "esshub_storm_reached_timestamp_seconds",
      "About when the reserve for the storm will be there, in seconds since 1970; not in the "
      "future once it is. Absent where it is not filled, while the time is not known, and "
      "while the clock is not trusted.");
  if (policy.storm_reached) page.add({}, timestamp(view, *policy.storm_reached));
  page.gauge("esshub_battery_last_full_timestamp_seconds",
             "When the battery was last at 100 %, in seconds since 1970. Absent while unknown, and "
             "while the clock is not trusted.");
  if (policy.last_full) page.add({}, timestamp(view, *policy.last_full));
}

void add_margin(Page& page, const View& view) {
  const auto& policy = view.decision.policy;
  page.gauge("esshub_reserve_margin_ratio",
             "SOC above the reserve in force, -1 to 1; negative below it. Absent while the SOC is "
             "not current.");
  if (const auto soc = fresh(view.snapshot.soc(), view.now))
    page.add({}, soc->ratio() - policy.reserve.ratio());
}

}  // namespace

void add_policy(Page& page, const View& view) {
  const auto& policy = view.decision.policy;
  add_instruction(page, policy.instruction);
  page.gauge("esshub_authority_active", "1 for who gave the instruction in force, else 0.");
  page.add_states<Authority>("authority", [&](auto each) { return each == policy.authority; });
  page.gauge("esshub_mode_active", "1 for the mode that the owner chose, else 0.");
  page.add_states<Mode>("mode", [&](auto each) { return each == policy.mode; });
  add_ends(page, view);
  add_margin(page, view);
  page.gauge("esshub_local_weekday",
             "Day of the week at the site, 1 = Monday to 7 = Sunday: it changes when a local day "
             "begins. Absent while the clock is not trusted.");
  if (view.local.trusted) page.add({}, static_cast<double>(view.local.weekday));
}

}  // namespace esshub::metrics
