#include "sim/storm/shorten.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace esshub::sim::storm {
namespace {

/// Halves, then quarters, then one at a time.
template <class T>
void leave_out(Plan& plan, std::vector<T> Plan::*list,
               const std::function<bool(const Plan&)>& breaks) {
  for (std::size_t size = (plan.*list).size(); size > 0; size /= 2) {
    for (std::size_t from = 0; from < (plan.*list).size();) {
      Plan less = plan;
      auto& items = less.*list;
      const auto count = std::min(size, items.size() - from);
      const auto first = items.begin() + static_cast<std::ptrdiff_t>(from);
      items.erase(first, first + static_cast<std::ptrdiff_t>(count));
      if (breaks(less))
        plan = less;
      else
        from += size;
    }
  }
}

}  // namespace

Plan shorten(Plan plan, const std::function<bool(const Plan&)>& breaks) {
  leave_out(plan, &Plan::weather, breaks);
  leave_out(plan, &Plan::orders, breaks);
  return plan;
}

}  // namespace esshub::sim::storm
