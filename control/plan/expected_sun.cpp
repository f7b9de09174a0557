#include "control/plan/expected_sun.hpp"

#include <algorithm>
#include <optional>

namespace esshub::control {
namespace {

constexpr double no_energy = 1e-6;  // Wh

/// In the site's clock, counted from 1970.
std::int64_t civil_day(UnixSeconds at, const PlanSettings& settings) {
  const std::int64_t ahead_of_utc = settings.utc_offset ? settings.utc_offset(at) * 60 : 0;
  return (at + ahead_of_utc) / 86400;
}

/// Wh; nothing where it is told of a part of the slot alone.
std::optional<double> told_of(const AheadSlot& slot, std::span<const SunSlot> sun) {
  double energy = 0.0;
  UnixSeconds until = slot.begin;
  for (auto next = std::ranges::upper_bound(sun, slot.begin, {}, &SunSlot::end);
       next != sun.end() && next->begin <= until && until < slot.end; ++next) {
    const UnixSeconds end = std::min(next->end, slot.end);
    energy += next->power.value() * static_cast<double>(end - until) / 3600.0;
    until = end;
  }
  return until == slot.end ? std::optional{energy} : std::nullopt;
}

/// All that the panels gave.
double sun_of(const SlotEnergy& slot) {
  return slot.solar + slot.beyond;
}

/// Of one slot that is told, on one day.
struct Seen {
  SlotEnergy* slot;
  double sun;  ///< more than 0
  double most;
};

/// So many times the sun of all, where none gets more than its most, is `told`. The sum rises
/// straight from one bend to the next, ever less: each step ends before `told` or at it.
double times(std::span<const Seen> all, double told) {
  double factor = 0.0;
  for (;;) {
    double sum = 0.0;
    double rises = 0.0;
    for (const auto& [slot, sun, most] : all) {
      sum += std::min(factor * sun, most);
      if (factor * sun < most) rises += sun;
    }
    if (!(rises > 0.0 && told - sum > no_energy)) return factor;
    factor += (told - sum) / rises;
  }
}

/// Less sun is missing first where nobody stored it; of more as large a part is of no use. What
/// crosses goes with the sun, but never grows.
void set_sun(SlotEnergy& slot, double sun) {
  const double solar = std::min(sun, slot.solar * std::max(sun / sun_of(slot), 1.0));
  if (slot.solar > 0.0) slot.crossing *= std::min(solar / slot.solar, 1.0);
  slot.solar = solar;
  slot.beyond = sun - solar;
}

/// Of the slots [begin, end).
bool expect_in(std::vector<DayAhead>& days, std::span<const AheadSlot> ahead, std::size_t begin,
               std::size_t end, std::span<const SunSlot> sun) {
  std::vector<Seen> seen;
  double told = 0.0;
  for (std::size_t k = begin; k < end; ++k) {
    const auto energy = told_of(ahead[k], sun);
    if (!energy) continue;
    told += *energy;
    double most = 0.0;
    for (const auto& day : days) most = std::max(most, sun_of(day[k]));
    for (auto& day : days)
      if (sun_of(day[k]) > 0.0) seen.push_back({&day[k], sun_of(day[k]), most});
  }
  const double factor = times(seen, told * static_cast<double>(days.size()));
  for (const auto& [slot, was, most] : seen) set_sun(*slot, std::min(factor * was, most));
  return !seen.empty();
}

}  // namespace

bool expect_sun(std::vector<DayAhead>& days, std::span<const AheadSlot> ahead,
                const PlanSettings& settings) {
  bool any = false;
  for (std::size_t begin = 0, end = 0; begin < ahead.size(); begin = end) {
    const auto day = civil_day(ahead[begin].begin, settings);
    while (end < ahead.size() && civil_day(ahead[end].begin, settings) == day) ++end;
    any |= expect_in(days, ahead, begin, end, settings.sun);
  }
  return any;
}

}  // namespace esshub::control
