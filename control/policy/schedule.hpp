// The weekly plan: spans of the civil week and what is to be done in them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/instruction.hpp"
#include "model/time.hpp"

namespace esshub::control {

constexpr std::uint8_t every_day = 0b1111111;

/// The same hours on some days of every week. It belongs to the day it begins on: an end at or
/// before the begin lies on the next day; both equal are 24 hours.
struct WeekSpan {
  std::uint8_t days = every_day;  ///< bit 0 Monday to bit 6 Sunday
  int from = 0;                   ///< minute of the day, 0 to 1439
  int to = 0;                     ///< the first minute after it, 0 to 1440

  [[nodiscard]] bool covers(CivilMinute minute) const;
  friend bool operator==(const WeekSpan&, const WeekSpan&) = default;
};

struct ScheduleEntry {
  WeekSpan when;
  Instruction instruction;
  friend bool operator==(const ScheduleEntry&, const ScheduleEntry&) = default;
};

/// The first minute of the week (from Monday 00:00) that both cover.
[[nodiscard]] std::optional<CivilMinute> first_common(const WeekSpan& a, const WeekSpan& b);
/// The first minute of the week that none covers.
[[nodiscard]] std::optional<CivilMinute> first_uncovered(std::span<const WeekSpan> spans);

/// What the plan holds for the minute. By LocalTime::planned() every entry runs once, in one piece,
/// also when the clocks are set back; when they are set forward an entry begins at the first minute
/// that exists, and one that lies wholly within the missing hour is left out.
[[nodiscard]] std::optional<Instruction> scheduled(const std::vector<ScheduleEntry>& schedule,
                                                   CivilMinute minute);

}  // namespace esshub::control
