#include "publish/history/monotonic_totals.hpp"

#include <algorithm>

namespace esshub::publish {

EnergyTotals MonotonicTotals::show(const EnergyTotals& flowed, bool bounded) {
  for (std::size_t i = 0; i < flow_count; ++i) {
    const double most = bounded ? std::min(flowed.joules[i], marks_.joules[i]) : flowed.joules[i];
    shown_.joules[i] = std::max(shown_.joules[i], most);
  }
  return shown_;
}

bool MonotonicTotals::near(const EnergyTotals& flowed) const {
  for (std::size_t i = 0; i < flow_count; ++i)
    if (flowed.joules[i] > 0.0 && flowed.joules[i] > marks_.joules[i] - room / 4) return true;
  return false;
}

EnergyTotals MonotonicTotals::marks_for(const EnergyTotals& totals, bool last) const {
  EnergyTotals marks;
  for (std::size_t i = 0; i < flow_count; ++i) {
    const double above = last || totals.joules[i] == 0.0 ? 0.0 : room;
    marks.joules[i] = std::max(shown_.joules[i], totals.joules[i] + above);
  }
  return marks;
}

}  // namespace esshub::publish
