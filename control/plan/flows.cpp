#include "control/plan/flows.hpp"

#include <algorithm>
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

/// What is done next, and until which charge.
struct Step {
  SlotAction action;
  double until = 0.0;
  bool held = false;  ///< at a mark, both ways at once: the charge stays
};

SlotAction mixed(const SlotAction& a, const SlotAction& b, double share_of_b) {
  const auto mix = [&](double x, double y) { return x + (y - x) * share_of_b; };
  return {mix(a.change, b.change), mix(a.cost, b.cost), mix(a.bought, b.bought),
          mix(a.sold, b.sold)};
}

/// With so little of `away` among `toward` that the charge stays as it is.
Step held(const SlotAction& toward, const SlotAction& away, double stored) {
  const double share = toward.change / (toward.change - away.change);
  return {mixed(toward, away, share), stored, true};
}

Step next_step(const SlotTerms& terms, const SlotActions& can, const MarkLevels& marks,
               double stored, double of_it_bought, const PlanBattery& battery) {
  if (stored < marks.buy - no_energy && can.buy.bought > no_energy) return {can.buy, marks.buy};
  const double kept = battery.bought_to_grid ? 0.0 : of_it_bought;
  const double sell = std::max({marks.sell, terms.reserve, terms.sell_floor, kept});
  if (stored > sell + no_energy && can.sell.sold > no_energy) return {can.sell, sell};
  const double serve = std::max(marks.serve, terms.reserve);
  const double store = std::min(marks.store, battery.capacity.value());
  const bool serves = stored > serve + no_energy;
  const bool stores = stored < store - no_energy;
  if (serves && stores) return {can.both, can.both.change > 0.0 ? store : serve};
  if (stores) {  // what was just stored can be served
    if (can.both.change >= 0.0) return {can.both, store};
    if (stored >= serve - no_energy && can.store.change > no_energy)
      return held(can.store, can.both, stored);
    return {can.store, stored < serve ? std::min(serve, store) : store};
  }
  if (serves) {
    if (can.both.change <= 0.0 && stored <= store + no_energy) return {can.both, serve};
    if (stored <= store + no_energy && can.serve.change < -no_energy)
      return held(can.both, can.serve, stored);
    return {can.serve, stored > store ? std::max(serve, store) : serve};
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
  const double served = std::min(deficit, discharge);
  double bought = 0.0;
  if (battery.from_grid)
    bought = std::clamp(most(battery.import_cap, terms.hours) - deficit, 0.0, charge - from_sun);
  double sold = 0.0;
  if (battery.to_grid) sold = std::clamp(most_exported - surplus, 0.0, discharge - served);
  SlotActions can;
  can.rest = action(0.0, 0.0, 0.0, 0.0);
  can.store = action(from_sun, 0.0, 0.0, 0.0);
  can.serve = action(0.0, 0.0, served, 0.0);
  can.both = action(from_sun, 0.0, served, 0.0);
  can.buy = bought > 0.0 ? action(from_sun, bought, 0.0, 0.0) : can.store;
  can.sell = sold > 0.0 ? action(0.0, 0.0, served, sold) : can.serve;
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
    const double given = std::max(-action.change * share, 0.0);
    const double sold = action.sold * share / battery.discharge_efficiency;
    out.of_it_bought = std::max(out.of_it_bought - std::max(given - sold, 0.0), 0.0);
  };
  double left = 1.0;
  constexpr int most_steps = 8;
  for (int n = 0; n < most_steps && left > 0.0; ++n) {
    const SlotActions can = slot_actions(terms, flows, battery, out.stored);
    Step step = next_step(terms, can, marks, out.stored, out.of_it_bought, battery);
    const double change = step.held ? 0.0 : step.action.change;
    const double until = std::clamp(step.until, 0.0, battery.capacity.value());
    const bool reaches = (change > no_energy && out.stored + change * left > until) ||
                         (change < -no_energy && out.stored + change * left < until);
    const double share = reaches ? std::max((until - out.stored) / change, 0.0) : left;
    take(step.action, share);
    out.stored =
        reaches ? until : std::clamp(out.stored + change * share, 0.0, battery.capacity.value());
    left -= share;
  }
  if (left > 0.0) take(slot_actions(terms, flows, battery, out.stored).rest, left);
  out.of_it_bought = std::min(out.of_it_bought, out.stored);
  return out;
}

}  // namespace esshub::control
