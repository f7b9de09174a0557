#include "control/policy/tariff.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <span>

namespace esshub::control {

using namespace esshub::literals;

namespace {

bool is_negative(const std::optional<double>& price) {
  return price && *price < 0.0;
}

bool is_cheap(const Tariff& tariff, double import_price) {
  return import_price < std::max(0.0, tariff.cheap_below.value_or(0.0));
}

/// Some hour is in no band. No two bands are at the same time.
bool has_hours_outside(const Tariff& tariff) {
  constexpr int day = 1440;
  int minutes = 0;
  for (const auto& band : tariff.bands) {
    const auto& [days, from, to] = band.when;
    minutes += std::popcount(days) * (to > from ? to - from : day - from + to);
  }
  return minutes < 7 * day;
}

/// For a choice between hours.
struct Cost {
  bool dear;
  double price;
  friend auto operator<=>(const Cost&, const Cost&) = default;
};

Cost cost_at(const Tariff& tariff, CivilMinute minute) {
  const Prices prices = prices_at(tariff, minute);
  return {!prices.cheap, prices.import_price.value_or(std::numeric_limits<double>::infinity())};
}

constexpr int minutes_a_day = 1440;
constexpr std::size_t most_costs = 64;

/// Until a band may begin or end; a day at most.
int minutes_to_change(const Tariff& tariff, int minute_of_day) {
  int least = minutes_a_day;
  for (const auto& band : tariff.bands)
    for (const int edge : {band.when.from, band.when.to}) {
      const int ahead = (edge - minute_of_day + minutes_a_day) % minutes_a_day;
      if (ahead > 0) least = std::min(least, ahead);
    }
  return least;
}

/// Calls `visit(cost, begin, length)` for each stretch of one cost within the span, in order.
template <class Visit>
void each_stretch(const Tariff& tariff, CivilMinute minute, Duration span, Visit visit) {
  for (Duration begin{}; begin < span;) {
    const int minutes = minutes_to_change(tariff, minute.minute_of_day);
    const Duration length = std::min<Duration>(std::chrono::minutes{minutes}, span - begin);
    visit(cost_at(tariff, minute), begin, length);
    begin += length;
    minute.minute_of_day += minutes;
    if (minute.minute_of_day < minutes_a_day) continue;
    minute.minute_of_day -= minutes_a_day;
    minute.weekday = minute.weekday % 7 + 1;
  }
}

}  // namespace

Prices prices_at(const Tariff& tariff, CivilMinute minute) {
  Prices prices{tariff.import_price, tariff.export_price};
  const auto band = std::ranges::find_if(
      tariff.bands, [&](const TariffBand& b) { return b.when.covers(minute); });
  if (band != tariff.bands.end()) {
    prices.import_price = band->import_price;
    if (band->export_price) prices.export_price = band->export_price;
    prices.cheap = band->cheap;
  }
  prices.cheap |= prices.import_price && is_cheap(tariff, *prices.import_price);
  return prices;
}

bool is_off_peak(const Tariff& tariff, const LocalTime& local) {
  if (tariff.bands.empty()) return true;
  if (!local.trusted) return false;
  const Prices now = prices_at(tariff, local.shown());
  if (now.cheap) return true;
  double lowest = std::numeric_limits<double>::infinity();
  if (tariff.import_price && has_hours_outside(tariff)) lowest = *tariff.import_price;
  bool any_cheap = is_cheap(tariff, lowest);
  for (const auto& band : tariff.bands) {
    lowest = std::min(lowest, band.import_price);
    any_cheap |= band.cheap || is_cheap(tariff, band.import_price);
  }
  return !any_cheap && now.import_price <= lowest;
}

std::optional<Instruction> tariff_wish(const Tariff& tariff, Watts charge_limit,
                                       CivilMinute minute) {
  const Prices prices = prices_at(tariff, minute);
  if (!prices.cheap) return std::nullopt;
  const bool keeps = tariff.no_discharge_while_cheap || is_negative(prices.import_price);
  if (tariff.force_charge_to)
    return Instruction{.kind = InstructionKind::charge,
                       .power = tariff.force_charge_power.value_or(charge_limit),
                       .target = *tariff.force_charge_to,
                       .low = keeps ? 100.0_soc : *tariff.force_charge_to};
  if (keeps) return Instruction{.kind = InstructionKind::balance, .low = 100.0_soc};
  return std::nullopt;
}

Duration cheaper_within(const Tariff& tariff, CivilMinute now, Duration span,
                        std::optional<double> share) {
  const Cost present = cost_at(tariff, now);
  Duration cheaper{};
  each_stretch(tariff, now, span, [&](Cost cost, Duration, Duration length) {
    if (cost < present && (!share || cost.price < present.price * *share)) cheaper += length;
  });
  return cheaper;
}

std::optional<Duration> cheapest_end(const Tariff& tariff, CivilMinute now, Duration span,
                                     Duration need) {
  if (need > span) return std::nullopt;
  struct Level {
    Cost cost;
    Duration time;
  };
  std::array<Level, most_costs> levels{};
  std::size_t count = 0;
  bool too_many = false;
  each_stretch(tariff, now, span, [&](Cost cost, Duration, Duration length) {
    const auto end = levels.begin() + static_cast<std::ptrdiff_t>(count);
    const auto known =
        std::find_if(levels.begin(), end, [&](const Level& level) { return level.cost == cost; });
    too_many |= known == levels.end();
    if (known == levels.end()) return;
    if (known == end) levels.at(count++) = {cost, {}};
    known->time += length;
  });
  if (too_many) return std::nullopt;
  std::ranges::sort(std::span{levels}.first(count), {}, &Level::cost);
  // Up to which cost hours are needed, and how much of those at that cost. All together are the
  // span, which is no less.
  std::size_t dearest = 0;
  Duration left = need;
  while (levels.at(dearest).time < left) left -= levels.at(dearest++).time;
  Duration end{};
  each_stretch(tariff, now, span, [&](Cost cost, Duration begin, Duration length) {
    if (cost < levels.at(dearest).cost) end = begin + length;
    if (cost != levels.at(dearest).cost || left <= Duration{}) return;
    end = begin + std::min(left, length);
    left -= length;
  });
  return end;
}

Marks priced(Marks marks, const Prices& prices) {
  if (is_negative(prices.import_price)) marks.serve = 100.0_soc;
  if (is_negative(prices.export_price)) marks.store = marks.sell = 100.0_soc;
  return marks;
}

}  // namespace esshub::control
