#include "control/plan/programme.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace esshub::control {
namespace {

double missing_cost(const SlotTerms& terms, double stored) {
  return terms.missing_price * std::max(terms.reserve - stored, 0.0);
}

/// Of one action for the whole slot, of the other, and of the one until any charge between: by the
/// change of the energy stored, its cost is straight.
struct Edge {
  double least_change;
  double most_change;
  double at_zero;
  double slope;
  bool sells;
};

/// All that one slot can do.
class Edges {
 public:
  explicit Edges(const SlotActions& can) : rest_(can.rest.cost) {
    add(can.buy, can.store);
    add(can.store, can.rest);
    add(can.rest, can.serve);
    if (can.both.change != can.store.change && can.both.change != can.serve.change) {
      add(can.store, can.both);
      add(can.both, can.serve);
    }
    add(can.serve, can.sell, true);
  }

  [[nodiscard]] double least_cost(const SlotTerms& terms, const CostToCome& after,
                                  std::size_t at) const {
    const double stored = after.level(at);
    const double lowest = std::min(stored, terms.reserve);
    const double sale = std::max(terms.reserve, terms.sell_floor);
    const double full = after.level(after.cells());
    double least = rest_ + after.points()[at];
    for (std::size_t n = 0; n < count_; ++n) {
      const Edge& edge = edges_[n];
      const double bottom = std::max(stored + edge.least_change, edge.sells ? sale : lowest);
      const double top = std::min(stored + edge.most_change, full);
      if (bottom > top) continue;
      const double at_empty = edge.at_zero - edge.slope * stored;
      least = std::min({least, at_empty + edge.slope * bottom + after(bottom),
                        at_empty + edge.slope * top + after(top)});
      const std::size_t end = std::min(after.cell_of(top), after.cells());
      for (std::size_t i = after.cell_of(bottom) + 1; i <= end; ++i)
        least = std::min(least, at_empty + edge.slope * after.level(i) + after.points()[i]);
    }
    return least;
  }

 private:
  /// `up` leaves more stored than `down`, or as much.
  void add(const SlotAction& up, const SlotAction& down, bool sells = false) {
    const double span = up.change - down.change;
    if (span <= 1e-9) return;
    const double slope = (up.cost - down.cost) / span;
    edges_[count_++] = {down.change, up.change, down.cost - slope * down.change, slope, sells};
  }
  std::array<Edge, 6> edges_{};
  std::size_t count_ = 0;
  double rest_;
};

void fill(CostToCome& cost, double price) {
  for (std::size_t i = 0; i <= cost.cells(); ++i) cost.points()[i] = -price * cost.level(i);
}

}  // namespace

void step_back(const SlotTerms& terms, const SlotFlows& flows, const PlanBattery& battery,
               const CostToCome& after, CostToCome& before) {
  std::optional<MarkLevels> fixed;
  if (terms.fixed) fixed = levels(*terms.fixed, battery);
  Edges edges{slot_actions(terms, flows, battery, 0.0)};
  for (std::size_t i = 0; i <= after.cells(); ++i) {
    const double stored = after.level(i);
    double& cost = before.points()[i] = missing_cost(terms, stored);
    if (fixed) {
      const auto done = follow_marks(terms, flows, battery, *fixed, stored, 0.0);
      cost += done.cost + after(done.stored);
    } else {
      if (!battery.taper.empty()) edges = Edges{slot_actions(terms, flows, battery, stored)};
      cost += edges.least_cost(terms, after, i);
    }
  }
}

std::vector<CostToCome> mean_cost_to_come(std::span<const SlotTerms> terms,
                                          std::span<const ScenarioFlows> days,
                                          const PlanBattery& battery, std::size_t cells,
                                          std::span<const std::size_t> day_begins) {
  const double capacity = battery.capacity.value();
  const double share = 1.0 / static_cast<double>(days.size());
  const double cheapest =
      std::ranges::min_element(terms, {}, &SlotTerms::import_price)->import_price;
  const CostToCome nothing{capacity, cells};
  std::vector<CostToCome> mean(terms.size() + 1, nothing);
  fill(mean.back(), std::max(cheapest, 0.0) * battery.discharge_efficiency);
  CostToCome after = nothing;
  CostToCome before = nothing;
  const auto run = [&](std::size_t first, std::size_t end) {
    for (std::size_t k = first; k < end; ++k) std::ranges::fill(mean[k].points(), 0.0);
    for (const auto& day : days) {
      after = mean[end];
      for (std::size_t k = end; k-- > first;) {
        step_back(terms[k], day[k], battery, after, before);
        std::swap(after, before);
        for (std::size_t i = 0; i <= cells; ++i) mean[k].points()[i] += after.points()[i] * share;
      }
    }
  };
  run(day_begins.back(), terms.size());
  const double full = mean[day_begins.back()].points().back();
  for (std::size_t i = 0; i <= cells; ++i)
    mean.back().points()[i] = mean[day_begins.back()].points()[i] - full;
  std::size_t end = terms.size();
  for (std::size_t n = day_begins.size(); n-- > 0;) {
    run(day_begins[n], end);
    end = day_begins[n];
  }
  return mean;
}

double least_known_cost(std::span<const SlotTerms> terms, const ScenarioFlows& flows,
                        const PlanBattery& battery, double stored, double end, std::size_t cells) {
  constexpr double far_too_dear = 1.0;  // per Wh
  CostToCome after{battery.capacity.value(), cells};
  const double lowest = after.width() * std::floor(end / after.width() + 1e-9);
  for (std::size_t i = 0; i <= cells; ++i)
    after.points()[i] = far_too_dear * std::max(lowest - after.level(i), 0.0);
  CostToCome before = after;
  for (std::size_t k = terms.size(); k-- > 0;) {
    step_back(terms[k], flows[k], battery, after, before);
    std::swap(after, before);
  }
  return after(stored);
}

}  // namespace esshub::control
