// The planner once more, plain and slow, as docs/smart.md tells it, for its tests to compare with;
// the bounds of the work (eight steps, an eighth of a cell, groups of days) are the code's own. And
// small random cases of few different numbers, so that ties and edges are met often.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <random>
#include <span>
#include <tuple>
#include <vector>

#include "control/plan/programme.hpp"

namespace esshub::control::plain {

constexpr double near = 1e-6;     // Wh
constexpr double at_mark = 1e-9;  // Wh
constexpr double tie = 1e-9;      // cost, and worth of a Wh

// ---- random cases

class Draw {
 public:
  explicit Draw(unsigned seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return random_() % n; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  double of(std::initializer_list<double> values) { return values.begin()[below(values.size())]; }

 private:
  std::mt19937 random_;
};

/// 400 Wh.
inline PlanBattery some_battery(Draw& draw) {
  PlanBattery b;
  b.capacity = WattHours{400};
  b.charge = Watts{draw.of({50, 100, 160, 1000})};
  b.discharge = Watts{draw.of({50, 80, 250, 1000})};
  b.charge_efficiency = draw.of({1.0, 0.8, 0.5});
  b.discharge_efficiency = draw.of({1.0, 0.8, 0.625});
  b.wear = draw.of({0.0, 0.0, 0.02, 0.3});
  if (draw.one_in(4)) b.import_cap = Watts{draw.of({60, 120, 200})};
  if (draw.one_in(4)) b.export_cap = Watts{draw.of({0, 40, 150})};
  b.from_grid = !draw.one_in(4);
  b.to_grid = draw.one_in(2);
  b.bought_to_grid = draw.one_in(2);
  return b;
}

inline SlotTerms some_terms(Draw& draw) {
  SlotTerms terms;
  terms.hours = draw.of({0.5, 1.0, 2.0});
  terms.import_price = draw.of({-0.05, 0.05, 0.1, 0.2, 0.3}) / 1000.0;
  terms.export_price = draw.of({-0.02, 0.0, 0.05, 0.1, 0.15}) / 1000.0;
  if (draw.one_in(3)) terms.reserve = draw.of({50, 100, 130, 200, 400, 500});
  if (draw.one_in(4)) terms.sell_floor = draw.of({150, 200, 330});
  return terms;
}

inline SlotFlows some_flows(Draw& draw) {
  const double a = draw.of({0, 0.5, 30, 64, 80, 100, 250, 600});
  const double b = draw.of({0, 20, 64, 100});
  switch (draw.below(4)) {
    case 0:
      return {a, 0.0};
    case 1:
      return {0.0, a};
    case 2:
      return {a, b};
    default:
      return {64.0, 100.0};  // as much given as taken where both lose a fifth
  }
}

/// What each cell's Wh is worth, falling if `convex`.
inline CostToCome some_worth(Draw& draw, std::size_t cells, bool convex) {
  std::vector<double> worth(cells);
  for (auto& value : worth) value = draw.of({-0.1, 0.0, 0.05, 0.1, 0.125, 0.2, 0.25, 0.3}) / 1000.0;
  if (convex) std::ranges::sort(worth, std::greater{});
  CostToCome cost{400.0, cells};
  for (std::size_t i = 0; i < cells; ++i)
    cost.points()[i + 1] = cost.points()[i] - worth[i] * cost.width();
  return cost;
}

/// buy <= store, buy <= serve <= sell.
inline MarkLevels some_marks(Draw& draw) {
  const auto level = [&] { return draw.of({0, 20, 100, 150, 200, 200.5, 203, 300, 380, 400}); };
  std::array<double, 3> up{level(), level(), level()};
  std::ranges::sort(up);
  if (draw.one_in(8)) up = {0.0, 0.0, 0.0};
  const double buy = draw.one_in(3) ? 0.0 : up[0];
  const double sell = draw.one_in(3) ? 400.0 : up[2];
  return {buy, std::max(buy, level()), up[1], sell};
}

/// At a negative price the control serves and sells nothing, whatever a mark says (docs/policy.md).
inline MarkLevels done_at(const SlotTerms& terms, const PlanBattery& b, MarkLevels marks) {
  const double full = b.capacity.value();
  if (terms.import_price < 0.0) marks.serve = marks.sell = full;
  if (terms.export_price < 0.0) marks.sell = full;
  return marks;
}

// ---- a slot

/// What is charged from the sun and the grid, what the house and the grid are given, AC side, Wh.
inline SlotAction action(const SlotTerms& terms, const SlotFlows& flows, const PlanBattery& b,
                         double sun, double bought, double served, double sold) {
  double sent = flows.surplus - sun + sold;
  if (b.export_cap) sent = std::min(sent, b.export_cap->value() * terms.hours);
  const double drawn = flows.deficit - served + bought;
  const double wear = (served + sold) * b.wear / 1000.0;
  return {(sun + bought) * b.charge_efficiency - (served + sold) / b.discharge_efficiency,
          drawn * terms.import_price - sent * terms.export_price + wear, bought, sold};
}

inline SlotActions actions(const SlotTerms& terms, const SlotFlows& flows, const PlanBattery& b,
                           double stored) {
  double most_in = b.charge.value() * terms.hours;
  for (const auto& taper : b.taper)
    if (stored >= taper.from.value())
      most_in = std::min(most_in, taper.at_most.value() * terms.hours);
  const double most_out = b.discharge.value() * terms.hours;
  const double sun = std::min(flows.surplus, most_in);
  const bool paid_to_draw = !terms.ordered && terms.import_price < 0.0;  // nothing is discharged
  const double served = paid_to_draw ? 0.0 : std::min(flows.deficit, most_out);
  // What is fixed has powers of its own, which let the sun in and the house share in a sale.
  const double in_rate =
      terms.fixed ? std::max(sun, std::min(most_in, terms.fixed->buy_power.value() * terms.hours))
                  : most_in;
  const double out_rate =
      terms.fixed ? std::min(most_out, terms.fixed->sell_power.value() * terms.hours) : most_out;
  const double alongside = std::min(served, out_rate);
  double bought = b.from_grid ? in_rate - sun : 0.0;
  if (b.import_cap)
    bought = std::max(0.0, std::min(bought, b.import_cap->value() * terms.hours - flows.deficit));
  double sold =
      (b.to_grid || terms.fixed) && !paid_to_draw && (terms.ordered || !(terms.export_price < 0.0))
          ? out_rate - alongside
          : 0.0;
  if (b.export_cap)
    sold = std::max(0.0, std::min(sold, b.export_cap->value() * terms.hours - flows.surplus));
  const auto of = [&](double s, double p, double h, double g) {
    return action(terms, flows, b, s, p, h, g);
  };
  return {of(sun, bought, 0, 0), of(sun, 0, 0, 0),    of(sun, 0, served, 0),
          of(0, 0, 0, 0),        of(0, 0, served, 0), of(0, 0, alongside, sold)};
}

/// Minute for minute would be plainer, but not exact: from one mark to the next instead. After
/// eight of them the battery rests.
inline SlotOutcome follow(const SlotTerms& terms, const SlotFlows& flows, const PlanBattery& b,
                          const MarkLevels& marks, double stored, double of_it_bought) {
  SlotOutcome out{stored, of_it_bought};
  double left = 1.0;
  for (int n = 0; left > 0.0; ++n) {
    const SlotActions can = actions(terms, flows, b, out.stored);
    const double e = out.stored;
    const double net = can.both.change;
    double low = std::max(marks.serve, terms.reserve);
    const double lowest_sale = std::max({marks.sell, terms.reserve, terms.sell_floor});
    const double kept = b.bought_to_grid ? 0.0 : out.of_it_bought;
    const auto under = [&](double mark) { return e < mark - at_mark; };
    const auto over = [&](double mark) { return e > mark + at_mark; };
    SlotAction does = can.rest;
    double end = e;
    // Of two actions so much of each that the charge stays.
    const auto stay = [&](const SlotAction& up, const SlotAction& down) {
      const double sum = up.change - down.change;
      does = SlotAction{};
      does.cost = up.cost * (-down.change / sum) + down.cost * (up.change / sum);
    };
    if (n == 8) {
      // rests
    } else if (under(marks.buy) && can.buy.bought > 0.0) {
      does = can.buy, end = marks.buy;
    } else if (terms.fixed && terms.fixed->sell_power > Watts{} &&
               over(std::max(marks.sell, terms.reserve))) {
      does = can.sell, end = std::max(marks.sell, terms.reserve);
    } else if (over(std::max(lowest_sale, kept)) && can.sell.sold > 0.0) {
      does = can.sell;
      // What was not bought lasts for a share of the slot; the house takes of the other.
      const double lasts = (e - kept) / (can.sell.sold / b.discharge_efficiency);
      end = std::max(lowest_sale, e + can.sell.change * lasts);
    } else if (under(marks.store)) {
      if (net >= 0.0 || over(low))
        does = can.both, end = net >= 0.0 ? marks.store : low;
      else if (under(low))
        does = can.store, end = std::min(low, marks.store);
      else
        stay(can.store, can.both);
    } else if (over(low)) {
      if (over(marks.store))
        does = can.serve, end = std::max(low, marks.store);
      else if (net <= 0.0)
        does = can.both, end = low;
      else
        stay(can.both, can.serve);
    }
    const bool ends = does.change != 0.0 && (end - e) / does.change < left;
    const double share = ends ? (end - e) / does.change : left;
    out.cost += does.cost * share;
    out.bought += does.bought * share;
    out.sold += does.sold * share;
    out.of_it_bought += does.bought * share * b.charge_efficiency;
    // What is given but for what is sold is taken from what was bought first.
    const double given = does.change < 0.0 ? -does.change * share : 0.0;
    const double to_house = std::max(0.0, given - does.sold * share / b.discharge_efficiency);
    out.of_it_bought = std::max(0.0, out.of_it_bought - to_house);
    out.stored = ends ? end : e + does.change * share;
    left -= share;
    if (n == 8) break;
  }
  out.of_it_bought = std::min(out.of_it_bought, out.stored);
  return out;
}

// ---- the programme

/// The least over all that a slot can do: two neighbouring actions, each for a share of it, so that
/// the charge ends at a point, a limit, or as one of them alone leaves it.
inline double least_cost(const SlotTerms& terms, const SlotFlows& flows, const PlanBattery& b,
                         const CostToCome& after, double stored) {
  const auto can = actions(terms, flows, b, stored);
  const double sale = std::max(terms.reserve, terms.sell_floor);
  double least = can.rest.cost + after(stored);
  const auto neighbours = [&](const SlotAction& x, const SlotAction& y, double lowest) {
    std::vector<double> ends{stored + x.change, stored + y.change, lowest, 400.0};
    for (std::size_t i = 0; i <= after.cells(); ++i) ends.push_back(after.level(i));
    for (const double end : ends) {
      if (std::abs(y.change - x.change) < near) continue;
      const double share = (end - stored - x.change) / (y.change - x.change);
      if (share < -1e-12 || share > 1.0 + 1e-12) continue;
      if (end < lowest - 1e-10 || end > 400.0 + 1e-10 || end < 0.0) continue;
      least = std::min(least, x.cost + (y.cost - x.cost) * share + after(std::min(end, 400.0)));
    }
  };
  const double lowest = std::min(stored, terms.reserve);
  neighbours(can.buy, can.store, lowest);
  neighbours(can.store, can.rest, lowest);
  neighbours(can.rest, can.serve, lowest);
  neighbours(can.store, can.both, lowest);
  neighbours(can.both, can.serve, lowest);
  if (can.sell.sold > 0.0) neighbours(can.serve, can.sell, sale);
  return least;
}

// ---- marks

/// Days of much the same flow, at most four groups, and how many they are.
inline std::vector<std::pair<SlotFlows, double>> groups(std::span<const SlotFlows> flows) {
  std::vector<SlotFlows> sorted(flows.begin(), flows.end());
  std::ranges::stable_sort(sorted, [](const auto& x, const auto& y) {
    return x.surplus - x.deficit < y.surplus - y.deficit;
  });
  const std::size_t count = std::min<std::size_t>(4, sorted.size());
  std::vector<std::pair<SlotFlows, double>> all;
  for (std::size_t n = 0; n < count; ++n) {
    const std::size_t from = sorted.size() * n / count;
    const std::size_t to = sorted.size() * (n + 1) / count;
    SlotFlows mean;
    for (std::size_t i = from; i < to; ++i) {
      mean.deficit += sorted[i].deficit / static_cast<double>(to - from);
      mean.surplus += sorted[i].surplus / static_cast<double>(to - from);
    }
    all.emplace_back(mean, static_cast<double>(to - from));
  }
  return all;
}

/// What a slot and the time after it cost: `first` until the charge is `mark`, then `then`.
inline double cost_by_mark(const SlotAction& first, const SlotAction& then, double stored,
                           double mark, double reserve, const CostToCome& after) {
  if (std::abs(first.change) < std::abs(mark - stored))
    return first.cost + after(stored + first.change);
  const double share = (mark - stored) / first.change;
  double end = std::min(400.0, mark + then.change * (1.0 - share));
  if (first.change < 0.0) end = std::max(end, reserve);
  return first.cost * share + then.cost * (1.0 - share) + after(end);
}

/// The sum of what these marks cost from each charge on, each group of days with its weight.
inline double cost_of_marks(const SlotTerms& terms, std::span<const SlotFlows> flows,
                            const PlanBattery& b, const CostToCome& after, const MarkLevels& m) {
  double sum = 0.0;
  for (const auto& [flow, days] : groups(flows)) {
    const auto can = actions(terms, flow, b, 0.0);
    const SlotAction& up = can.both.change > 0.0 ? can.both : can.rest;
    const SlotAction& down = can.both.change < 0.0 ? can.both : can.rest;
    for (std::size_t i = 0; i <= after.cells(); ++i) {
      const double e = after.level(i);
      double cost = can.rest.cost + after(e);
      const auto by = [&](const SlotAction& first, const SlotAction& then, double mark) {
        return cost_by_mark(first, then, e, mark, terms.reserve, after);
      };
      if (e < m.buy)
        cost = by(can.buy, up, m.buy);
      else if (e > m.sell && e > terms.reserve)
        cost = by(can.sell, down, std::max(m.sell, terms.reserve));
      else if (can.both.change > 0.0 && e < m.store)
        cost = by(can.both, can.rest, m.store);
      else if (can.both.change < 0.0 && e > m.serve && e > terms.reserve && e <= m.sell)
        cost = by(can.both, can.rest, std::max(m.serve, terms.reserve));
      sum += days * cost;
    }
  }
  return sum;
}

/// All marks are tried. Of equal ones the lowest sell, the highest buy, the lowest serve, the
/// highest store.
inline MarkLevels cheapest_marks(const SlotTerms& terms, std::span<const SlotFlows> flows,
                                 const PlanBattery& b, const CostToCome& after) {
  double least = std::numeric_limits<double>::infinity();
  MarkLevels best;
  const auto better = [&](const MarkLevels& m) {
    return std::tuple(m.sell, -m.buy, m.serve, -m.store) <
           std::tuple(best.sell, -best.buy, best.serve, -best.store);
  };
  const std::size_t cells = after.cells();
  for (std::size_t sell = b.to_grid ? 0 : cells; sell <= cells; ++sell)
    for (std::size_t serve = 0; serve <= sell; ++serve)
      for (std::size_t store = 0; store <= sell; ++store)
        for (std::size_t buy = 0; buy <= (b.from_grid ? std::min(serve, store) : 0); ++buy) {
          const MarkLevels m{after.level(buy), after.level(store), after.level(serve),
                             after.level(sell)};
          const double cost = cost_of_marks(terms, flows, b, after, m);
          if (cost < least - tie || (cost < least + tie && better(m))) best = m, least = cost;
        }
  return best;
}

/// Whether a Wh is worth less the more are stored, above the reserve.
inline bool falls(const CostToCome& after, double reserve) {
  for (std::size_t i = 0; i + 1 < after.cells(); ++i)
    if (after.level(i) >= reserve - near && after.worth(i + 1) > after.worth(i) + tie) return false;
  return true;
}

/// Where costs are convex: what a Wh stored is worth against what the action costs or saves.
inline MarkLevels marks_by_worth(const SlotTerms& terms, const PlanBattery& b,
                                 const CostToCome& after) {
  const std::size_t cells = after.cells();
  std::size_t first = 0;  // above the reserve
  while (first < cells && after.level(first) < terms.reserve - near) ++first;
  /// The highest charge up to which all cells are worth it: all above the reserve, or from empty.
  const auto up_to = [&](auto worth_it) {
    double level = 0.0;
    for (std::size_t top = 1; top <= cells; ++top) {
      bool all = true;
      for (std::size_t i = top > first ? first : 0; i < top; ++i) all = all && worth_it(i);
      if (all) level = after.level(top);
    }
    return level;
  };
  /// The lowest charge not below the reserve above which a cell is worth giving.
  const auto down_to = [&](auto worth_it) {
    for (std::size_t i = first; i < cells; ++i)
      if (worth_it(i)) return after.level(i);
    return 400.0;
  };
  const double in = b.charge_efficiency;
  const double out = b.discharge_efficiency;
  const double wear = b.wear / 1000.0;
  const double import = terms.import_price;
  const double sent = terms.export_price;
  MarkLevels m;
  if (b.from_grid) m.buy = up_to([&](auto i) { return after.worth(i) > import / in + tie; });
  m.store = up_to([&](auto i) { return after.worth(i) >= sent / in - tie; });
  m.serve = down_to([&](auto i) { return after.worth(i) <= (import - wear) * out + tie; });
  m.sell = 400.0;
  if (b.to_grid)
    m.sell = down_to([&](auto i) { return after.worth(i) < (sent - wear) * out - tie; });
  m.sell = std::max(m.sell, terms.sell_floor);
  return m;
}

/// A mark elsewhere; the others keep their order with it: buy <= store, buy <= serve <= sell.
inline MarkLevels with(MarkLevels m, std::size_t which, double level) {
  std::array<double*, 4> mark{&m.buy, &m.serve, &m.store, &m.sell};
  constexpr std::size_t buy = 0, serve = 1, store = 2, sell = 3;
  *mark[which] = level;
  const auto at_least = [&](std::size_t i) { *mark[i] = std::max(*mark[i], level); };
  const auto at_most = [&](std::size_t i) { *mark[i] = std::min(*mark[i], level); };
  if (which == buy) at_least(store), at_least(serve), at_least(sell);
  if (which == serve) at_most(buy), at_least(sell);
  if (which == store) at_most(buy);
  if (which == sell) at_most(serve), at_most(buy);
  return m;
}

/// One mark after the other to where the days, each from its charge, cost least: to a point, then
/// to an eighth of a cell beside where it is.
inline MarkLevels improved(MarkLevels m, const SlotTerms& terms, std::span<const SlotFlows> flows,
                           const PlanBattery& b, const CostToCome& after,
                           std::span<const double> likely, bool sale_alone) {
  const auto cost = [&](const MarkLevels& of) {
    double sum = 0.0;
    for (std::size_t d = 0; d < flows.size(); ++d) {
      const auto out = follow(terms, flows[d], b, of, likely[d], 0.0);
      sum += out.cost + after(out.stored);
    }
    return sum;
  };
  for (std::size_t which = 0; which < 4; ++which) {
    const bool sells = which == 3;
    if ((which == 0 && !b.from_grid) || (sells && !b.to_grid) || (sale_alone && !sells)) continue;
    const auto choose = [&](const std::vector<double>& at) {
      MarkLevels best = m;
      for (const double level : at) {
        const MarkLevels other = with(m, which, std::clamp(level, 0.0, 400.0));
        if (cost(other) < cost(best) - tie) best = other;
      }
      m = best;
    };
    std::vector<double> at;
    for (std::size_t i = 0; i <= after.cells(); ++i) at.push_back(after.level(i));
    choose(at);
    at.clear();
    const std::array<double, 4> now{m.buy, m.serve, m.store, m.sell};
    for (int part = -7; part <= 7; ++part) at.push_back(now[which] + after.width() * part / 8.0);
    choose(at);
  }
  return m;
}

}  // namespace esshub::control::plain
