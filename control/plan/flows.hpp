// One slot of the programme: what the control can do in it, and what it does by marks of charge.
// Energies in Wh, stored or at the AC side as said; prices per Wh.
#pragma once

#include <optional>

#include "control/plan/types.hpp"

namespace esshub::control {

/// Of a slot, the same on every day.
struct SlotTerms {
  double hours = 0.0;
  double import_price = 0.0;
  double export_price = 0.0;
  double reserve = 0.0;          ///< stored: not discharged below
  double sell_floor = 0.0;       ///< stored: not sold below
  double missing_price = 0.0;    ///< for each Wh stored that its reserve lacks, once
  std::optional<Marks> fixed{};  ///< followed instead of planned, with their powers
  bool ordered = false;          ///< FixedSpan::ordered
};

/// Of a slot on one day, AC side: what the house lacks and what the sun leaves.
struct SlotFlows {
  double deficit = 0.0;
  double surplus = 0.0;
};

/// One thing done for the whole slot.
struct SlotAction {
  double change = 0.0;  ///< of the energy stored
  double cost = 0.0;    ///< of the grid, and wear
  double bought = 0.0;  ///< AC side, into the battery
  double sold = 0.0;    ///< AC side, out of the battery
};

/// All that the control can do in a slot; what is not allowed is what lies next to it.
struct SlotActions {
  SlotAction buy, store, both, rest, serve, sell;
};

/// With `stored` in the battery, for its taper.
[[nodiscard]] SlotActions slot_actions(const SlotTerms& terms, const SlotFlows& flows,
                                       const PlanBattery& battery, double stored);

/// Marks as energy stored.
struct MarkLevels {
  double buy = 0.0;
  double store = 0.0;
  double serve = 0.0;
  double sell = 0.0;
};

[[nodiscard]] MarkLevels levels(const Marks& marks, const PlanBattery& battery);

/// The battery, and what a slot did to it.
struct SlotOutcome {
  double stored = 0.0;
  double of_it_bought = 0.0;  ///< stored; what is served is taken from it first
  double cost = 0.0;
  double bought = 0.0;  ///< AC side
  double sold = 0.0;    ///< AC side
};

/// As the control follows marks: an action holds until a mark is reached, then the next begins.
/// Powers of marks are the battery's limits, but those of fixed ones.
[[nodiscard]] SlotOutcome follow_marks(const SlotTerms& terms, const SlotFlows& flows,
                                       const PlanBattery& battery, const MarkLevels& marks,
                                       double stored, double of_it_bought);

/// Stores (+) or gives `change` of the energy stored, whatever house and sun do, as far as there is
/// room and energy for it. No power limit, no wear, and `bought` and `sold` are not told.
[[nodiscard]] SlotOutcome follow_change(const SlotTerms& terms, const SlotFlows& flows,
                                        const PlanBattery& battery, double change, double stored);

}  // namespace esshub::control
