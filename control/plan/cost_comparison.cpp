#include "control/plan/cost_comparison.hpp"

#include <algorithm>

#include "control/plan/flows.hpp"

namespace esshub::control {

CostComparison compare_costs(std::span<const MeasuredMinute> minutes, const PlanBattery& model,
                             WattHours reserve, const std::optional<ModelledCharge>& before) {
  PlanBattery battery = model;
  battery.wear = 0.0;
  SlotTerms terms;
  terms.hours = 1.0 / 60.0;
  terms.reserve = reserve.value();
  const MarkLevels self_consumption = levels(Marks{}, battery);
  CostComparison costs;
  std::optional<ModelledCharge> end = before;
  if (end) {  // of a battery that held more then
    end->used = std::min(end->used, battery.capacity);
    end->balance = std::min(end->balance, battery.capacity);
  }
  std::optional<WattHours> measured;  // at the minute before
  for (const auto& minute : minutes) {
    if (!end || minute.begin - end->at > comparison_gap) {
      end = ModelledCharge{minute.begin, minute.stored, minute.stored};
      measured.reset();
    }
    terms.import_price = minute.import_price / 1000.0;
    terms.export_price = minute.export_price / 1000.0;
    const double net = ((minute.load - minute.solar) * Hours{terms.hours}).value();
    const SlotFlows flows{std::max(net, 0.0), std::max(-net, 0.0)};
    const double at_ac = (minute.battery * Hours{terms.hours}).value();
    const double change =
        at_ac > 0.0 ? at_ac * battery.charge_efficiency : at_ac / battery.discharge_efficiency;
    const auto add = [](ModelledCost& modelled, WattHours& stored, const SlotOutcome& done) {
      modelled.cost += done.cost;
      modelled.gained += WattHours{done.stored} - stored;
      stored = WattHours{done.stored};
    };
    add(costs.used, end->used, follow_change(terms, flows, battery, change, end->used.value()));
    add(costs.balance, end->balance,
        follow_marks(terms, flows, battery, self_consumption, end->balance.value(), 0.0));
    costs.no_battery += slot_actions(terms, flows, battery, 0.0).rest.cost;
    costs.gained += minute.stored - measured.value_or(minute.stored);
    measured = minute.stored;
    costs.cheapest =
        costs.minutes == 0 ? minute.import_price : std::min(costs.cheapest, minute.import_price);
    ++costs.minutes;
    end->at = minute.begin + 60;
  }
  costs.end = end.value_or(ModelledCharge{});
  return costs;
}

}  // namespace esshub::control
