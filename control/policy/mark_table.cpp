#include "control/policy/mark_table.hpp"

#include <algorithm>

namespace esshub::control {

std::optional<Marks> marks_at(const MarkTable& table, Instant now) {
  const auto end =
      table.entries.begin() + static_cast<std::ptrdiff_t>(std::min(table.count, MarkTable::most));
  const auto entry = std::find_if(table.entries.begin(), end, [&](const TimedMarks& timed) {
    return now >= timed.begin && now < timed.end;
  });
  return entry == end ? std::nullopt : std::optional{ordered(entry->marks)};
}

}  // namespace esshub::control
