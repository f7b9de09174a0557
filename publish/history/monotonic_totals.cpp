#include "publish/history/monotonic_totals.hpp"

#include <algorithm>

namespace esshub::publish {

EnergyTotals MonotonicTotals::show(const EnergyTotals& flowed, bool bounded) {
  for (const Flow flow : enum_values<Flow>) {
    const double most = bounded ? std::min(flowed[flow], marks_[flow]) : flowed[flow];
    shown_[flow] = std::max(shown_[flow], most);
  }
  return shown_;
}

bool MonotonicTotals::near(const EnergyTotals& flowed) const {
  for (const Flow flow : enum_values<Flow>)
    if (flowed[flow] > 0.0 && flowed[flow] > marks_[flow] - room / 4) return true;
  return false;
}

EnergyTotals MonotonicTotals::marks_for(const EnergyTotals& totals, bool last) const {
  EnergyTotals marks;
  for (const Flow flow : enum_values<Flow>) {
    const double above = last || totals[flow] == 0.0 ? 0.0 : room;
    marks[flow] = std::max(shown_[flow], totals[flow] + above);
  }
  return marks;
}

}  // namespace esshub::publish
