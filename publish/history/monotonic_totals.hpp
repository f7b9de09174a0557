// MonotonicTotals: counters of energy that never fall, not even by a crash that takes the last
// batch. Pure.
#pragma once

#include "model/energy.hpp"

namespace esshub::publish {

/// A counter that falls is one that began anew to Prometheus and Home Assistant: they would add all
/// of it once more. So nothing is shown above what the disk has been promised: each batch carries,
/// beside the totals, a mark a little above them. A start after a crash shows that mark, and goes
/// on showing it until the totals have come up to it: nothing is counted twice. What has never
/// flowed has no room above it, and shows nothing.
class MonotonicTotals {
 public:
  /// J above the totals that a mark lies.
  static constexpr double room = 360'000.0;  // 0.1 kWh

  /// `marks`: of the run before, zero where there was none.
  explicit MonotonicTotals(const EnergyTotals& marks = {}) : shown_(marks), marks_(marks) {}

  /// What to show of what has flowed; `bounded` is false while no mark can be written: then
  /// counters that go on are worth more than a promise.
  EnergyTotals show(const EnergyTotals& flowed, bool bounded);

  /// A batch is due, or a counter will stand still at its mark.
  [[nodiscard]] bool near(const EnergyTotals& flowed) const;

  /// The marks to be written together with these totals; without room when they are the last.
  [[nodiscard]] EnergyTotals marks_for(const EnergyTotals& totals, bool last) const;
  /// As on disk.
  [[nodiscard]] const EnergyTotals& marks() const { return marks_; }
  /// They are on disk.
  void written(const EnergyTotals& marks) { marks_ = marks; }

 private:
  EnergyTotals shown_;
  EnergyTotals marks_;
};

}  // namespace esshub::publish
