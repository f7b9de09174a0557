#include "control/plan/slot_marks.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

namespace esshub::control {
namespace {

constexpr double tie = 1e-9;  // per Wh: 1e-6 per kWh is no reason

/// What a Wh stored must be worth for each action to be right.
struct Thresholds {
  double buy, store, serve, sell;
};

Thresholds thresholds(const SlotTerms& terms, const PlanBattery& battery) {
  const double wear = battery.wear / 1000.0;
  return {terms.import_price / battery.charge_efficiency,
          terms.export_price / battery.charge_efficiency,
          (terms.import_price - wear) * battery.discharge_efficiency,
          (terms.export_price - wear) * battery.discharge_efficiency};
}

/// The first cell that lies wholly above the reserve.
std::size_t first_cell(const SlotTerms& terms, const CostToCome& after) {
  const double reserve = std::min(terms.reserve, after.level(after.cells()));
  std::size_t cell = 0;
  while (after.level(cell) < reserve - 1e-6) ++cell;
  return cell;
}

bool is_convex(const SlotTerms& terms, const CostToCome& after) {
  if (terms.import_price < terms.export_price || terms.export_price < 0.0) return false;
  for (std::size_t i = first_cell(terms, after) + 1; i < after.cells(); ++i)
    if (after.worth(i) > after.worth(i - 1) + tie) return false;
  return true;
}

MarkLevels convex_marks(const SlotTerms& terms, const PlanBattery& battery,
                        const CostToCome& after) {
  const auto [buy, store, serve, sell] = thresholds(terms, battery);
  const std::size_t first = first_cell(terms, after);
  const double full = battery.capacity.value();
  MarkLevels marks;
  marks.serve = marks.sell = full;
  // Below the reserve nothing is served; there it is bought as far as it is worth it from below.
  const auto rising = [&](double at_least, bool strictly) {
    const auto wants = [&](std::size_t cell) {
      return strictly ? after.worth(cell) > at_least + tie : after.worth(cell) >= at_least - tie;
    };
    double level = 0.0;
    for (std::size_t i = 0; i < first && wants(i); ++i) level = after.level(i + 1);
    for (std::size_t i = first; i < after.cells() && wants(i); ++i) level = after.level(i + 1);
    return level;
  };
  if (battery.from_grid) marks.buy = rising(buy, true);
  marks.store = rising(store, false);
  for (std::size_t i = after.cells(); i-- > first;) {
    if (after.worth(i) <= serve + tie) marks.serve = after.level(i);
    if (battery.to_grid && after.worth(i) < sell - tie) marks.sell = after.level(i);
  }
  // The thresholds lie in this order, so the marks do: buy >= serve >= sell, buy >= store.
  marks.sell = std::max(marks.sell, terms.sell_floor);
  return marks;
}

/// Days of much the same flow as one, with their number.
struct Kind {
  SlotFlows flows;
  double weight;
};

std::vector<Kind> kinds_of(std::span<const SlotFlows> flows) {
  constexpr std::size_t most_kinds = 4;
  std::vector<std::size_t> order(flows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {},
                           [&](std::size_t i) { return flows[i].surplus - flows[i].deficit; });
  std::vector<Kind> kinds;
  const std::size_t count = std::min(most_kinds, order.size());
  for (std::size_t n = 0; n < count; ++n) {
    const std::size_t from = order.size() * n / count;
    const std::size_t to = order.size() * (n + 1) / count;
    Kind kind{{}, static_cast<double>(to - from)};
    for (std::size_t i = from; i < to; ++i) {
      kind.flows.deficit += flows[order[i]].deficit / kind.weight;
      kind.flows.surplus += flows[order[i]].surplus / kind.weight;
    }
    kinds.push_back(kind);
  }
  return kinds;
}

/// What marks cost more than resting, over all charges, as sums by mark.
class MarkSums {
 public:
  MarkSums(const SlotTerms& terms, const PlanBattery& battery, const CostToCome& after)
      : terms_(terms),
        battery_(battery),
        after_(after),
        n_(after.cells() + 1),
        buy_(n_),
        sell_(n_),
        store_(n_ * n_),
        serve_(n_ * n_) {}

  void add(const Kind& kind) {
    const SlotActions can = slot_actions(terms_, kind.flows, battery_, 0.0);
    base_ = can.rest.cost;
    const SlotAction& follow = can.both;
    const SlotAction& bought = follow.change > 0.0 ? follow : can.rest;
    const SlotAction& sold = follow.change < 0.0 ? follow : can.rest;
    const Past buys{*this, can.buy};
    const Past sells{*this, can.sell};
    const Past follows{*this, follow};
    for (std::size_t e = 0; e < n_; ++e) {
      for (std::size_t m = e + 1; m < n_; ++m)
        buy_[m] += kind.weight * up(can.buy, buys, bought, e, m);
      for (std::size_t m = 0; m < e; ++m)
        sell_[m] += kind.weight * down(can.sell, sells, sold, e, m);
    }
    for (std::size_t m = 0; m < n_; ++m) {
      double sum = 0.0;
      if (follow.change > 0.0)  // by the lower end of the charges that store
        for (std::size_t e = m; e-- > 0;)
          store_[m * n_ + e] += kind.weight * (sum += up(follow, follows, can.rest, e, m));
      if (follow.change < 0.0)  // by their upper end
        for (std::size_t e = m + 1; e < n_; ++e)
          serve_[m * n_ + e] += kind.weight * (sum += down(follow, follows, can.rest, e, m));
    }
  }

  /// Of equal ones the lowest sell mark, then the highest to buy, the lowest to serve, the highest
  /// to store.
  [[nodiscard]] MarkLevels least() const {
    const std::size_t full = n_ - 1;
    const std::size_t last_buy = battery_.from_grid ? full : 0;
    const std::size_t first_sell = battery_.to_grid ? 0 : full;
    double least = std::numeric_limits<double>::infinity();
    std::array<std::size_t, 4> best{};
    std::vector<std::size_t> stores(n_);  // for each buy mark the best in [buy, sell]
    for (std::size_t sell = 0; sell < n_; ++sell) {
      for (std::size_t buy = 0; buy <= sell; ++buy)
        if (store_[sell * n_ + buy] <= store_[stores[buy] * n_ + buy] + tie) stores[buy] = sell;
      if (sell < first_sell) continue;
      std::size_t serve = sell;  // the best in [buy, sell]
      for (std::size_t buy = sell + 1; buy-- > 0;) {
        if (serve_[buy * n_ + sell] <= serve_[serve * n_ + sell] + tie) serve = buy;
        if (buy > last_buy) continue;
        const std::size_t store = stores[buy];
        const double cost =
            buy_[buy] + sell_[sell] + serve_[serve * n_ + sell] + store_[store * n_ + buy];
        if (cost >= least - tie) continue;
        least = cost;
        best = {buy, store, serve, sell};
      }
    }
    return {after_.level(best[0]), after_.level(best[1]), after_.level(best[2]),
            after_.level(best[3])};
  }

 private:
  /// What an action for the whole slot costs more than resting, by the charge at its begin: where
  /// the mark is too far to be reached, whichever it is.
  class Past {
   public:
    Past(const MarkSums& sums, const SlotAction& action) : at_(sums.n_) {
      for (std::size_t e = 0; e < sums.n_; ++e) {
        const double to = sums.after_.level(e) + action.change;
        if (to >= 0.0 && to <= sums.battery_.capacity.value())
          at_[e] = action.cost - sums.base_ + sums.after_(to) - sums.after_.points()[e];
      }
    }
    [[nodiscard]] double operator[](std::size_t e) const { return at_[e]; }

   private:
    std::vector<double> at_;
  };

  /// More than resting costs (its flows' cost left out on both sides).
  [[nodiscard]] double up(const SlotAction& action, const Past& past, const SlotAction& then,
                          std::size_t e, std::size_t mark) const {
    return until(action, past, then, e, after_.level(mark));
  }
  [[nodiscard]] double down(const SlotAction& action, const Past& past, const SlotAction& then,
                            std::size_t e, std::size_t mark) const {
    if (after_.level(e) <= terms_.reserve) return 0.0;
    return until(action, past, then, e, std::max(after_.level(mark), terms_.reserve));
  }
  [[nodiscard]] double until(const SlotAction& action, const Past& past, const SlotAction& then,
                             std::size_t e, double stop) const {
    const double way = stop - after_.level(e);
    if (std::abs(action.change) < std::abs(way)) return past[e];
    const double share = way / action.change;
    const double rest = then.change * (1.0 - share);
    const double to =
        std::clamp(stop + rest, std::min(stop, terms_.reserve), battery_.capacity.value());
    return (action.cost - base_) * share + (then.cost - base_) * (1.0 - share) + after_(to) -
           after_.points()[e];
  }

  const SlotTerms& terms_;
  const PlanBattery& battery_;
  const CostToCome& after_;
  std::size_t n_;
  double base_{};  ///< of resting, in the kind that is added
  std::vector<double> buy_, sell_, store_, serve_;
};

/// The marks with one elsewhere; what stands in its way moves with it.
MarkLevels moved(MarkLevels marks, double MarkLevels::*which, double level) {
  marks.*which = level;
  if (which == &MarkLevels::buy) {
    marks.store = std::max(marks.store, marks.buy);
    marks.serve = std::max(marks.serve, marks.buy);
    marks.sell = std::max(marks.sell, marks.serve);
  } else if (which == &MarkLevels::sell) {
    marks.serve = std::min(marks.serve, marks.sell);
    marks.buy = std::min(marks.buy, marks.serve);
  } else if (which == &MarkLevels::serve) {
    marks.buy = std::min(marks.buy, marks.serve);
    marks.sell = std::max(marks.sell, marks.serve);
  } else {
    marks.buy = std::min(marks.buy, marks.store);
  }
  return marks;
}

/// What a day costs by marks from its charge on.
class DayCost {
 public:
  DayCost(const SlotTerms& terms, const SlotFlows& flows, const PlanBattery& battery,
          const CostToCome& after, double stored)
      : terms_(terms), flows_(flows), battery_(battery), after_(after), stored_(stored) {
    const SlotActions can = slot_actions(terms, flows, battery, 0.0);
    constexpr double beyond = 1.0;  // Wh, more than rounding
    for (const auto* action : {&can.buy, &can.store, &can.both, &can.serve, &can.sell}) {
      lowest_ = std::min(lowest_, action->change);
      highest_ = std::max(highest_, action->change);
    }
    lowest_ += stored - beyond;
    highest_ += stored + beyond;
  }

  /// Marks that are not reached do the same wherever they are: those are not followed again.
  [[nodiscard]] double operator()(const MarkLevels& marks) {
    const auto near = [&](double level) { return std::clamp(level, lowest_, highest_); };
    const MarkLevels reached{near(marks.buy), near(marks.store), near(marks.serve),
                             near(marks.sell)};
    if (known_ && reached.buy == known_->buy && reached.store == known_->store &&
        reached.serve == known_->serve && reached.sell == known_->sell)
      return cost_;
    known_ = reached;
    const auto done = follow_marks(terms_, flows_, battery_, marks, stored_, 0.0);
    return cost_ = done.cost + after_(done.stored);
  }

 private:
  const SlotTerms& terms_;
  const SlotFlows& flows_;
  const PlanBattery& battery_;
  const CostToCome& after_;
  double stored_;
  double lowest_ = 0.0;  ///< charge that may be reached in the slot
  double highest_ = 0.0;
  std::optional<MarkLevels> known_;  ///< cost_ is theirs
  double cost_ = 0.0;
};

/// One mark after the other to where the days, each from its own charge, cost least as the control
/// follows the marks.
void improve(MarkLevels& marks, const SlotTerms& terms, std::span<const SlotFlows> flows,
             const PlanBattery& battery, const CostToCome& after, std::span<const double> likely,
             bool sale_alone = false) {
  std::vector<DayCost> days;
  days.reserve(flows.size());
  for (std::size_t d = 0; d < flows.size(); ++d)
    days.emplace_back(terms, flows[d], battery, after, likely[d]);
  const auto cost = [&](const MarkLevels& of) {
    double sum = 0.0;
    for (auto& day : days) sum += day(of);
    return sum;
  };
  double least = cost(marks);
  for (const auto which :
       {&MarkLevels::buy, &MarkLevels::serve, &MarkLevels::store, &MarkLevels::sell}) {
    if (sale_alone && which != &MarkLevels::sell) continue;
    if (which == &MarkLevels::buy && !battery.from_grid) continue;
    if (which == &MarkLevels::sell && !battery.to_grid) continue;
    const auto try_level = [&](const MarkLevels& from, double level) {
      const MarkLevels other = moved(from, which, level);
      const double now = cost(other);
      if (now >= least - tie) return;
      least = now;
      marks = other;
    };
    MarkLevels from = marks;
    for (std::size_t i = 0; i <= after.cells(); ++i) try_level(from, after.level(i));
    from = marks;  // and what lies between the points
    constexpr int parts = 8;
    for (int part = 1 - parts; part < parts; ++part) {
      const double level = from.*which + after.width() * part / parts;
      try_level(from, std::clamp(level, 0.0, battery.capacity.value()));
    }
  }
}

MarkLevels searched_marks(const SlotTerms& terms, std::span<const SlotFlows> flows,
                          const PlanBattery& battery, const CostToCome& after,
                          std::span<const double> likely) {
  MarkSums sums{terms, battery, after};
  for (const Kind& kind : kinds_of(flows)) sums.add(kind);
  MarkLevels marks = sums.least();
  if (likely.size() == flows.size()) improve(marks, terms, flows, battery, after, likely);
  return marks;
}

}  // namespace

MarkLevels best_marks(const SlotTerms& terms, std::span<const SlotFlows> flows,
                      const PlanBattery& battery, const CostToCome& after,
                      std::span<const double> likely) {
  const double full = battery.capacity.value();
  MarkLevels marks;
  if (is_convex(terms, after)) {
    marks = convex_marks(terms, battery, after);
    // A sale comes before the house's need of the same slot: its mark must leave that.
    if (marks.sell < full && likely.size() == flows.size())
      improve(marks, terms, flows, battery, after, likely, true);
  } else {
    marks = searched_marks(terms, flows, battery, after, likely);
  }
  // What the control does not do at a negative price (priced()) is no mark of a slot either.
  if (terms.import_price < 0.0) marks.serve = full;
  if (terms.import_price < 0.0 || terms.export_price < 0.0) marks.sell = full;
  return marks;
}

}  // namespace esshub::control
