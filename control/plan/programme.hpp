// The dynamic programme: what energy stored is worth, backwards through the slots of each day.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "control/plan/flows.hpp"

namespace esshub::control {

/// Cost still to come by energy stored, straight between equally far points from empty to full.
class CostToCome {
 public:
  CostToCome(double capacity, std::size_t cells)
      : width_(capacity / static_cast<double>(cells)),
        per_width_(1.0 / width_),
        at_(cells + 1, 0.0) {}
  /// `stored` from 0 to the capacity.
  [[nodiscard]] double operator()(double stored) const {
    const std::size_t cell = std::min(cell_of(stored), at_.size() - 2);
    const double share = stored * per_width_ - static_cast<double>(cell);
    return at_[cell] + (at_[cell + 1] - at_[cell]) * share;
  }
  [[nodiscard]] std::size_t cells() const { return at_.size() - 1; }
  [[nodiscard]] double width() const { return width_; }
  [[nodiscard]] double level(std::size_t point) const {
    return width_ * static_cast<double>(point);
  }
  /// The cell above a charge, counted from empty.
  [[nodiscard]] std::size_t cell_of(double stored) const {
    return static_cast<std::size_t>(stored * per_width_);
  }
  /// What a Wh more is worth in this cell.
  [[nodiscard]] double worth(std::size_t cell) const {
    return (at_[cell] - at_[cell + 1]) / width_;
  }
  [[nodiscard]] std::span<double> points() { return at_; }
  [[nodiscard]] std::span<const double> points() const { return at_; }

 private:
  double width_;
  double per_width_;
  std::vector<double> at_;
};

/// A day as the programme replays it: a flow for each slot of the horizon.
using ScenarioFlows = std::vector<SlotFlows>;

/// The least cost of this slot and what comes after it, for each charge at its begin. Exact where
/// what comes after is straight between its points.
void step_back(const SlotTerms& terms, const SlotFlows& flows, const PlanBattery& battery,
               const CostToCome& after, CostToCome& before);

/// For each slot, and after the last one, the mean over the days of their cost to come. A day keeps
/// its course from one of `day_begins` (slots, the first is 0) to the next; what comes then may be
/// like any of them. What is left at the end is worth what it would be a day before.
[[nodiscard]] std::vector<CostToCome> mean_cost_to_come(std::span<const SlotTerms> terms,
                                                        std::span<const ScenarioFlows> days,
                                                        const PlanBattery& battery,
                                                        std::size_t cells,
                                                        std::span<const std::size_t> day_begins);

/// The least cost with one course of things that is known, ending with at least `end` stored.
[[nodiscard]] double least_known_cost(std::span<const SlotTerms> terms, const ScenarioFlows& flows,
                                      const PlanBattery& battery, double stored, double end,
                                      std::size_t cells);

}  // namespace esshub::control
