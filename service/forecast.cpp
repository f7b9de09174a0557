#include "service/forecast.hpp"

#include <algorithm>
#include <iterator>

#include "control/policy/policy.hpp"

namespace esshub::service {
namespace {

const SmartSpan* smart_at(std::span<const SmartSpan> smart, WallTime wall) {
  const auto after = std::ranges::upper_bound(smart, wall, {}, &SmartSpan::begin);
  if (after == smart.begin() || wall >= std::prev(after)->end) return nullptr;
  return &*std::prev(after);
}

PlanSpan at(const control::Settings& settings, Mode mode, civil_time::LocalClock& clock,
            WallTime wall, bool clock_trusted, std::span<const SmartSpan> smart,
            const ToldSlots& told) {
  // The two clocks side by side: no step.
  const LocalTime local = clock.at(
      wall, Instant{std::chrono::duration_cast<Duration>(wall.time_since_epoch())}, clock_trusted);
  const control::ToldPrices told_now = told.at(wall);
  auto [instruction, authority] = control::planned(settings, mode, local, told_now);
  const auto* const planner =
      mode == Mode::smart && clock_trusted ? smart_at(smart, wall) : nullptr;
  if (planner && authority != Authority::schedule) {
    instruction = planner->instruction;
    authority = Authority::smart;
  }
  const auto prices = clock_trusted ? control::prices_at(settings.tariff, local.shown(), told_now)
                                    : control::Prices{};
  return {.begin = wall,
          .end = {},
          .instruction = instruction,
          .authority = authority,
          .import_price = prices.import_price,
          .export_price = prices.export_price,
          .repeated_hour = local.held.has_value()};
}

bool same(const PlanSpan& a, const PlanSpan& b) {
  return a.instruction == b.instruction && a.authority == b.authority &&
         a.import_price == b.import_price && a.export_price == b.export_price &&
         a.repeated_hour == b.repeated_hour;
}

}  // namespace

std::vector<PlanSpan> forecast(const control::Settings& settings, Mode mode,
                               civil_time::LocalClock clock, WallTime from, WallTime until,
                               bool clock_trusted, std::span<const SmartSpan> smart,
                               const ToldSlots& told) {
  std::vector<PlanSpan> spans;
  for (WallTime t = from; t < until;) {
    const WallTime next = std::min<WallTime>(
        std::chrono::floor<std::chrono::minutes>(t) + std::chrono::minutes{1}, until);
    if (const auto span = at(settings, mode, clock, t, clock_trusted, smart, told);
        spans.empty() || !same(spans.back(), span))
      spans.push_back(span);
    spans.back().end = next;
    t = next;
  }
  return spans;
}

}  // namespace esshub::service
