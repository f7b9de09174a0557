#include <algorithm>

#include "metrics/sections.hpp"
#include "model/same_action.hpp"

namespace esshub::metrics {
namespace {

void add_costs(Page& page, const SmartPlan& plan) {
  page.gauge(
      "esshub_plan_cost",
      "Expected cost over the 48 h that the Smart plan was made for, less what is then "
      "stored, in the tariff's currency: of the plan, of self-consumption (balance), without a "
      "battery. Absent without a plan.");
  page.add({{"policy", "smart"}}, plan.cost);
  page.add({{"policy", "balance"}}, plan.cost_balance);
  page.add({{"policy", "no_battery"}}, plan.cost_no_battery);
}

void add_now(Page& page, const SmartSlot& slot) {
  page.gauge("esshub_plan_charge_ratio",
             "SOC that the Smart plan expects now, 0 to 1; a tenth of the days replayed lies below "
             "low and a tenth above high. Absent without a plan.");
  page.add({{"bound", "low"}}, slot.charge_low.ratio());
  page.add({{"bound", "mean"}}, slot.charge.ratio());
  page.add({{"bound", "high"}}, slot.charge_high.ratio());
  page.gauge("esshub_plan_value_per_kwh",
             "What a kWh stored now is worth by the Smart plan, in the tariff's currency. Absent "
             "without a plan.");
  page.add({}, slot.value);
}

/// From when on the plan does something else.
void add_next_action(Page& page, const SmartPlan& plan, const SmartSlot& now) {
  const auto next = std::ranges::find_if(plan.slots, [&](const SmartSlot& slot) {
    return slot.begin > now.begin && !same_action(slot.instruction, now.instruction);
  });
  if (next == plan.slots.end()) return;
  page.gauge("esshub_plan_next_action_timestamp_seconds",
             "When the Smart plan goes over to another instruction, in seconds since 1970, and to "
             "which. Absent without a plan, and where it does not.");
  page.add({{"instruction", name(next->instruction.kind)}}, unix_seconds(next->begin));
}

}  // namespace

void add_smart(Page& page, const View& view, const SmartState& smart) {
  page.gauge("esshub_plan_problem",
             "1 for what keeps the Smart plan from being made anew. Absent while nothing does.");
  if (!smart.problem.empty()) page.add({{"problem", smart.problem}}, 1.0);
  if (!smart.plan || !view.local.trusted) return;
  page.gauge("esshub_plan_made_timestamp_seconds",
             "When the newest Smart plan was made, in seconds since 1970. Absent without a plan, "
             "and while the clock is not trusted.");
  page.add({}, unix_seconds(smart.plan->made));
  add_costs(page, *smart.plan);
  if (const auto* const slot = slot_at(*smart.plan, view.wall)) {
    add_now(page, *slot);
    add_next_action(page, *smart.plan, *slot);
  }
}

}  // namespace esshub::metrics
