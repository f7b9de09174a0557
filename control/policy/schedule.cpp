#include "control/policy/schedule.hpp"

#include <algorithm>

namespace esshub::control {
namespace {

constexpr int minutes_a_day = 1440;
constexpr int days_a_week = 7;

bool on(std::uint8_t days, int weekday) {
  return ((days >> (weekday - 1)) & 1) != 0;
}

template <class Predicate>
std::optional<CivilMinute> first_minute(Predicate predicate) {
  for (int day = 1; day <= days_a_week; ++day)
    for (int minute = 0; minute < minutes_a_day; ++minute)
      if (predicate(CivilMinute{minute, day})) return CivilMinute{minute, day};
  return std::nullopt;
}

}  // namespace

bool WeekSpan::covers(CivilMinute m) const {
  const bool today = on(days, m.weekday);
  if (from < to) return today && m.minute_of_day >= from && m.minute_of_day < to;
  const bool yesterday = on(days, m.weekday == 1 ? days_a_week : m.weekday - 1);
  return (today && m.minute_of_day >= from) || (yesterday && m.minute_of_day < to);
}

std::optional<CivilMinute> first_common(const WeekSpan& a, const WeekSpan& b) {
  return first_minute([&](CivilMinute m) { return a.covers(m) && b.covers(m); });
}

std::optional<CivilMinute> first_uncovered(std::span<const WeekSpan> spans) {
  return first_minute([&](CivilMinute m) {
    return std::ranges::none_of(spans, [&](const WeekSpan& span) { return span.covers(m); });
  });
}

std::optional<Instruction> scheduled(const std::vector<ScheduleEntry>& schedule,
                                     CivilMinute minute) {
  for (const auto& entry : schedule)
    if (entry.when.covers(minute)) return entry.instruction;
  return std::nullopt;
}

}  // namespace esshub::control
