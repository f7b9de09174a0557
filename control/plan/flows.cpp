#include "control/plan/flows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace esshub::control {
namespace {

constexpr double no_energy = 1e-9;  // Wh

/// AC side, in the whole slot.
double most_charged(const PlanBattery& battery, double stored, double hours) {
  double power = battery.charge.value();
  for (const auto& [from, at_most] : battery.taper)
    if (stored >= from.value()) power = std::min(power, at_most.value());
  return power * hours;
}

double most(const std::optional<Watts>& cap, double hours) {
  return cap ? cap->value() * hours : std::numeric_limits<double>::infinity();
}

/// What is done next, and until which charge, which lies that way.
struct Step {
  SlotAction action;
  double until;
};

/// At a mark, with so much of `away` among `toward` that the charge stays as it is.
Step held(const SlotAction& toward, const SlotAction& away, double stored) {
  const double share = toward.change / (toward.change - away.change);
  return {{.cost = toward.cost * (1.0 - share) + away.cost * share}, stored};
}

Step next_step(const SlotTerms& terms, const SlotActions& can, const MarkLevels& marks,
               double stored, double of_it_bought, const PlanBattery& battery) {
  if (stored < marks.buy - no_energy && can.buy.bought > no_energy) return {can.buy, marks.buy};
  if (terms.fixed && terms.fixed->sell_power > Watts{}) {  // a rate, whoever draws it
    const double sell = std::max(marks.sell, terms.reserve);
    if (stored > sell + no_energy) return {can.sell, sell};
  }
  const double sell = std::max({marks.sell, terms.reserve, terms.sell_floor});
  const double kept = battery.bought_to_grid ? 0.0 : of_it_bought;
  if (stored > std::max(sell, kept) + no_energy && can.sell.sold > no_energy) {
    // The house takes from what is kept meanwhile: only what is sold brings the charge near it.
    const double not_kept = (stored - kept) * battery.discharge_efficiency / can.sell.sold;
    return {can.sell, std::max(sell, stored + can.sell.change * not_kept)};
  }
  const double serve = std::max(marks.serve, terms.reserve);
  const double store = marks.store;
  const bool serves = stored > serve + no_energy;
  const bool stores = stored < store - no_energy;
  if (serves && stores) return {can.both, can.both.change > 0.0 ? store : serve};
  if (stores) {  // what was just stored can be served
    if (can.both.change >= 0.0) return {can.both, store};
    if (stored < serve - no_energy) return {can.store, std::min(serve, store)};
    return held(can.store, can.both, stored);
  }
  if (serves) {
    if (stored > store + no_energy) return {can.serve, std::max(serve, store)};
    if (can.both.change <= 0.0) return {can.both, serve};
    return held(can.both, can.serve, stored);
  }
  return {can.rest, stored};
}

}  // namespace

SlotActions slot_actions(const SlotTerms& terms, const SlotFlows& flows, const PlanBattery& battery,
                         double stored) {
  const double deficit = flows.deficit;
  const double surplus = flows.surplus;
  const double charge = most_charged(battery, stored, terms.hours);
  const double discharge = battery.discharge.value() * terms.hours;
  const double most_exported = most(battery.export_cap, terms.hours);
  const double wear = battery.wear / 1000.0;
  const auto action = [&](double from_sun, double bought, double served, double sold) {
    const double in = from_sun + bought;
    const double out = served + sold;
    const double imported = deficit - served + bought;
    const double exported = std::min(surplus - from_sun + sold, most_exported);
    return SlotAction{in * battery.charge_efficiency - out / battery.discharge_efficiency,
                      imported * terms.import_price - exported * terms.export_price + out * wear,
                      bought, sold};
  };
  const double from_sun = std::min(surplus, charge);
  // The control never discharges while one is paid to draw, and sells nothing that costs
  // (priced()).
  const bool gives = terms.ordered || terms.import_price >= 0.0;
  const double served = gives ? std::min(deficit, discharge) : 0.0;
  double charge_rate = charge;
  double sale_rate = discharge;
  if (terms.fixed) {
    charge_rate = std::clamp(terms.fixed->buy_power.value() * terms.hours, from_sun, charge);
    sale_rate = std::min(terms.fixed->sell_power.value() * terms.hours, discharge);
  }
  double bought = 0.0;
  if (battery.from_grid)
    bought =
        std::clamp(most(battery.import_cap, terms.hours) - deficit, 0.0, charge_rate - from_sun);
  const double served_meanwhile = std::min(served, sale_rate);
  double sold = 0.0;
  if ((battery.to_grid || terms.fixed) && gives && (terms.ordered || terms.export_price >= 0.0))
    sold = std::clamp(most_exported - surplus, 0.0, sale_rate - served_meanwhile);
  SlotActions can;
  can.rest = action(0.0, 0.0, 0.0, 0.0);
  can.store = action(from_sun, 0.0, 0.0, 0.0);
  can.serve = action(0.0, 0.0, served, 0.0);
  can.both = action(from_sun, 0.0, served, 0.0);
  can.buy = action(from_sun, bought, 0.0, 0.0);
  can.sell = action(0.0, 0.0, served_meanwhile, sold);
  return can;
}

MarkLevels levels(const Marks& marks, const PlanBattery& battery) {
  const auto level = [&](Soc soc) { return battery.capacity.value() * soc.ratio(); };
  const double full = battery.capacity.value();
  return {marks.buy_power > Watts{} ? level(marks.buy) : 0.0, level(marks.store),
          level(marks.serve), marks.sell_power > Watts{} ? level(marks.sell) : full};
}

SlotOutcome follow_marks(const SlotTerms& terms, const SlotFlows& flows, const PlanBattery& battery,
                         const MarkLevels& marks, double stored, double of_it_bought) {
  SlotOutcome out{stored, of_it_bought};
  const auto take = [&](const SlotAction& action, double share) {
    out.cost += action.cost * share;
    out.bought += action.bought * share;
    out.sold += action.sold * share;
    out.of_it_bought += action.bought * share * battery.charge_efficiency;
    const double given = -action.change * share;
    const double sold = action.sold * share / battery.discharge_efficiency;
    out.of_it_bought = std::max(out.of_it_bought - std::max(given - sold, 0.0), 0.0);
  };
  double left = 1.0;
  constexpr int most_steps = 8;
  for (int n = 0; n < most_steps && left > 0.0; ++n) {
    const SlotActions can = slot_actions(terms, flows, battery, out.stored);
    const Step step = next_step(terms, can, marks, out.stored, out.of_it_bought, battery);
    const double change = step.action.change;
    const double way = std::abs(step.until - out.stored);
    const bool reaches = std::abs(change) * left > way;
    const double share = reaches ? way / std::abs(change) : left;
    take(step.action, share);
    out.stored = reaches ? step.until : out.stored + change * share;
    left -= share;
  }
  take(slot_actions(terms, flows, battery, out.stored).rest, left);
  out.of_it_bought = std::min(out.of_it_bought, out.stored);
  return out;
}

SlotOutcome follow_change(const SlotTerms& terms, const SlotFlows& flows,
                          const PlanBattery& battery, double change, double stored) {
  change = std::clamp(change, -stored, battery.capacity.value() - stored);
  const double at_ac =
      change > 0.0 ? change / battery.charge_efficiency : change * battery.discharge_efficiency;
  const double grid =
      std::max(flows.deficit - flows.surplus + at_ac, -most(battery.export_cap, terms.hours));
  SlotOutcome out{stored + change};
  out.cost = grid * (grid > 0.0 ? terms.import_price : terms.export_price);
  return out;
}

}  // namespace esshub::control
