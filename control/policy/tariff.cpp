#include "control/policy/tariff.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
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

constexpr double unknown_price = std::numeric_limits<double>::infinity();

/// For a choice between hours.
struct Cost {
  bool dear;
  double price;
  friend auto operator<=>(const Cost&, const Cost&) = default;
};

Cost cost_at(const Tariff& tariff, CivilMinute minute, const ToldPrices& told) {
  const Prices prices = prices_at(tariff, minute, told);
  return {!prices.cheap, prices.import_price.value_or(unknown_price)};
}

constexpr int minutes_a_day = 1440;
constexpr std::size_t most_costs = 64 + PriceTable::most;
// What is told by others has no lowest price that comes each day: a full charge takes about so
// long. Where not even so long is known to cost more, now may be the peak.
constexpr Duration off_peak_time = 4h;
constexpr Duration off_peak_within = 24h;

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

CivilMinute later(CivilMinute minute, std::int64_t minutes) {
  const auto of_day = minute.minute_of_day + minutes;
  minute.minute_of_day = static_cast<int>(of_day % minutes_a_day);
  minute.weekday = static_cast<int>((minute.weekday - 1 + of_day / minutes_a_day) % 7) + 1;
  return minute;
}

/// Calls `visit(cost, begin, length)` for each stretch of one cost within the span, in order.
template <class Visit>
void each_stretch(const Tariff& tariff, CivilMinute now, Duration span, const PricesAhead& ahead,
                  Visit visit) {
  for (Duration begin{}; begin < span;) {
    const auto passed = std::chrono::floor<std::chrono::minutes>(begin);
    const CivilMinute minute = later(now, passed.count());
    Duration end = std::min<Duration>(
        passed + std::chrono::minutes{minutes_to_change(tariff, minute.minute_of_day)}, span);
    if (ahead.told) end = next_change(*ahead.told, ahead.now + begin, ahead.now + end) - ahead.now;
    visit(cost_at(tariff, minute, ahead.at(begin)), begin, end - begin);
    begin = end;
  }
}

bool is_off_peak_as_told(const Tariff& tariff, CivilMinute minute, const PricesAhead& ahead) {
  const Cost present = cost_at(tariff, minute, ahead.at({}));
  if (!present.dear) return true;
  Duration cheaper{};
  Duration dearer{};
  bool any_cheap = false;
  each_stretch(tariff, minute, off_peak_within, ahead, [&](Cost cost, Duration, Duration length) {
    any_cheap |= !cost.dear;
    if (cost < present) cheaper += length;
    if (cost > present && cost.price < unknown_price) dearer += length;
  });
  if (any_cheap) return false;
  return cheaper == Duration{} || (cheaper < off_peak_time && dearer >= off_peak_time);
}

}  // namespace

Prices prices_at(const Tariff& tariff, CivilMinute minute, const ToldPrices& told) {
  Prices prices{tariff.import_price, tariff.export_price};
  const auto band = std::ranges::find_if(
      tariff.bands, [&](const TariffBand& b) { return b.when.covers(minute); });
  if (band != tariff.bands.end()) {
    prices.import_price = band->import_price;
    if (band->export_price) prices.export_price = band->export_price;
    prices.cheap = band->cheap;
  }
  if (told.import_price) prices.import_price = told.import_price;
  if (told.export_price) prices.export_price = told.export_price;
  prices.cheap |= prices.import_price && is_cheap(tariff, *prices.import_price);
  return prices;
}

bool has_hours(const Tariff& tariff, const PricesAhead& ahead) {
  return !tariff.bands.empty() || ahead.at({}).import_price;
}

bool is_off_peak(const Tariff& tariff, const LocalTime& local, const PricesAhead& ahead) {
  if (!has_hours(tariff, ahead)) return true;
  if (!local.trusted) return false;
  if (ahead.at({}).import_price) return is_off_peak_as_told(tariff, local.shown(), ahead);
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

std::optional<Instruction> tariff_wish(const Tariff& tariff, Watts charge_limit, CivilMinute minute,
                                       const ToldPrices& told) {
  const Prices prices = prices_at(tariff, minute, told);
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
                        std::optional<double> share, const PricesAhead& ahead) {
  const Cost present = cost_at(tariff, now, ahead.at({}));
  Duration cheaper{};
  each_stretch(tariff, now, span, ahead, [&](Cost cost, Duration, Duration length) {
    if (cost < present && (!share || cost.price < present.price * *share)) cheaper += length;
  });
  return cheaper;
}

std::optional<Duration> cheapest_end(const Tariff& tariff, CivilMinute now, Duration span,
                                     Duration need, const PricesAhead& ahead) {
  if (need > span) return std::nullopt;
  struct Level {
    Cost cost;
    Duration time;
  };
  std::array<Level, most_costs> levels{};
  std::size_t count = 0;
  bool too_many = false;
  each_stretch(tariff, now, span, ahead, [&](Cost cost, Duration, Duration length) {
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
  each_stretch(tariff, now, span, ahead, [&](Cost cost, Duration begin, Duration length) {
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
