// MarkTable: the planner's marks for the hours to come, as the control takes them.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "control/policy/marks.hpp"
#include "model/time.hpp"

namespace esshub::control {

struct TimedMarks {
  Instant begin{};
  Instant end{};
  Marks marks{};
  friend bool operator==(const TimedMarks&, const TimedMarks&) = default;
};

/// Of a fixed size, so that it passes from thread to thread without memory. What no entry covers is
/// not planned.
struct MarkTable {
  static constexpr std::size_t most = 256;

  std::optional<Instant> made{};  ///< the last plan, even if it ended or was dropped
  std::size_t count = 0;          ///< of the entries
  std::array<TimedMarks, most> entries{};
  friend bool operator==(const MarkTable&, const MarkTable&) = default;
};

/// The first entry that covers `now`, with marks in their order (ordered()); nothing where none
/// does. Whatever the table says, for any `now`.
[[nodiscard]] std::optional<Marks> marks_at(const MarkTable& table, Instant now);

}  // namespace esshub::control
