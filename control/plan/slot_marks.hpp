// The four marks of a slot that lose least against the programme.
#pragma once

#include <span>

#include "control/plan/programme.hpp"

namespace esshub::control {

/// The marks whose mean cost over the days (`flows`, one each) and over the charges is least, with
/// `after` still to come. Where costs are convex, by what a Wh is worth: right at each charge. Else
/// by search over the marks, buy <= store and buy <= serve <= sell: first over all charges alike,
/// then for those that are `likely`, one of each day.
[[nodiscard]] MarkLevels best_marks(const SlotTerms& terms, std::span<const SlotFlows> flows,
                                    const PlanBattery& battery, const CostToCome& after,
                                    std::span<const double> likely);

}  // namespace esshub::control
