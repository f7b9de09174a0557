// The slots ahead and the days past once more, minute by minute, for the tests to compare with.
#pragma once

#include <vector>

#include "control/plan/scenarios.hpp"

namespace esshub::control::plain {

constexpr std::int64_t minute_s = 60;
constexpr std::int64_t day_s = 86400;

inline UnixSeconds days_before(UnixSeconds at, int days, const PlanSettings& s, bool by_clock) {
  const UnixSeconds before = at - days * day_s;
  if (!by_clock || !s.utc_offset) return before;
  return before + (s.utc_offset(at) - s.utc_offset(before)) * minute_s;
}

/// The price that a slot tells for this minute.
inline std::optional<double> told(std::span<const PriceSlot> prices, bool import, UnixSeconds at) {
  for (const auto& slot : prices)
    if (slot.begin <= at && at < slot.end) return import ? slot.import_price : slot.export_price;
  return std::nullopt;
}

inline std::optional<std::pair<double, PriceSource>> price(std::span<const PriceSlot> prices,
                                                           bool import, UnixSeconds at,
                                                           const PlanSettings& s) {
  if (const auto now = told(prices, import, at)) return std::pair{*now, PriceSource::known};
  std::vector<double> earlier;
  for (int d = 1; d <= s.days; ++d)
    if (const auto then = told(prices, import, days_before(at, d, s, true)))
      earlier.push_back(*then);
  if (earlier.empty() || s.unknown == UnknownPrice::wait) return std::nullopt;
  if (s.unknown == UnknownPrice::repeat) return std::pair{earlier.front(), PriceSource::repeated};
  std::ranges::sort(earlier);
  const std::size_t n = earlier.size();
  return std::pair{(earlier[(n - 1) / 2] + earlier[n / 2]) / 2.0, PriceSource::typical};
}

/// Whole minutes; slot_s, prices and spans too.
inline std::vector<AheadSlot> slots_ahead(std::span<const PriceSlot> prices,
                                          const PlanSettings& s) {
  std::vector<AheadSlot> all;
  for (UnixSeconds at = s.begin; at < s.begin + s.horizon_s; at += minute_s) {
    bool cut = at == s.begin || at % s.slot_s == 0;
    for (const auto& p : prices) cut = cut || at == p.begin || at == p.end;
    for (const auto& f : s.fixed) cut = cut || at == f.begin || at == f.end;
    if (cut) {
      const auto import = price(prices, true, at, s);
      const auto sent = price(prices, false, at, s);
      if (!import || !sent) break;
      all.push_back({at, at, import->first, sent->first, std::max(import->second, sent->second)});
    }
    all.back().end = at + minute_s;
  }
  return all;
}

struct Measured {
  SlotEnergy energy;
  double minutes = 0.0;
};

inline Measured measured(std::span<const PastSlot> past, UnixSeconds from, UnixSeconds to) {
  Measured sum;
  for (UnixSeconds at = from; at < to; at += minute_s)
    for (const auto& slot : past) {
      if (at < slot.begin || at >= slot.end) continue;
      const double share =
          static_cast<double>(minute_s) / static_cast<double>(slot.end - slot.begin);
      sum.energy.load += slot.load.value() * share;
      sum.energy.solar += slot.solar.value() * share;
      sum.energy.crossing += slot.crossing.value() * share;
      sum.energy.beyond += slot.beyond.value() * share;
      sum.minutes += 1.0;
    }
  return sum;
}

/// Half of a slot's minutes measured are enough, four fifths of a day's slots are.
inline std::vector<DayAhead> past_days(std::span<const AheadSlot> ahead,
                                       std::span<const PastSlot> past, const PlanSettings& s) {
  std::vector<DayAhead> all;
  std::vector<std::vector<bool>> known;
  for (int d = 1; d <= s.days; ++d) {
    DayAhead day;
    std::vector<bool> knows;
    for (const auto& slot : ahead) {
      const int back = d + static_cast<int>((slot.begin - s.begin) / day_s);
      const auto length = slot.end - slot.begin;
      const auto minutes = static_cast<double>(length / minute_s);
      const UnixSeconds of_sun = days_before(slot.begin, back, s, false);
      const UnixSeconds of_house = days_before(slot.begin, back, s, true);
      const auto sun = measured(past, of_sun, of_sun + length);
      const auto house = measured(past, of_house, of_house + length);
      knows.push_back(2.0 * sun.minutes >= minutes && 2.0 * house.minutes >= minutes);
      day.push_back(
          {house.energy.load / house.minutes * minutes, sun.energy.solar / sun.minutes * minutes,
           sun.energy.crossing / sun.minutes * minutes, sun.energy.beyond / sun.minutes * minutes});
    }
    const auto count = static_cast<std::size_t>(std::ranges::count(knows, true));
    if (count * 5 < ahead.size() * 4) continue;
    all.push_back(day);
    known.push_back(knows);
  }
  for (std::size_t k = 0; k < ahead.size(); ++k) {
    SlotEnergy mean;
    double days = 0.0;
    for (std::size_t d = 0; d < all.size(); ++d) days += known[d][k] ? 1.0 : 0.0;
    for (std::size_t d = 0; d < all.size(); ++d) {
      if (!known[d][k]) continue;
      mean.load += all[d][k].load / days;
      mean.solar += all[d][k].solar / days;
      mean.crossing += all[d][k].crossing / days;
      mean.beyond += all[d][k].beyond / days;
    }
    for (std::size_t d = 0; d < all.size(); ++d)
      if (!known[d][k]) all[d][k] = mean;
  }
  return all;
}

/// Wh of sun told of the slot, minute by minute; nothing if a minute is missing.
inline std::optional<double> told_sun(const AheadSlot& slot, const PlanSettings& s) {
  double energy = 0.0;
  for (UnixSeconds at = slot.begin; at < slot.end; at += minute_s) {
    const auto says = std::ranges::find_if(
        s.sun, [&](const SunSlot& told) { return at >= told.begin && at < told.end; });
    if (says == s.sun.end()) return std::nullopt;
    energy += says->power.value() / 60.0;
  }
  return energy;
}

/// The sun of each civil day so many times as much that its mean is what is told, or as near as
/// the brightest of the days in each slot allows.
inline bool expect_sun(std::vector<DayAhead>& days, std::span<const AheadSlot> ahead,
                       const PlanSettings& s) {
  const auto date = [&](UnixSeconds at) {
    return (at + (s.utc_offset ? s.utc_offset(at) : 0) * minute_s) / day_s;
  };
  const auto all = [](const SlotEnergy& slot) { return slot.solar + slot.beyond; };
  bool any = false;
  for (auto of = date(ahead.front().begin); of <= date(ahead.back().begin); ++of) {
    std::vector<std::pair<std::size_t, double>> slots;  // and the most there
    double told = 0.0;
    for (std::size_t k = 0; k < ahead.size(); ++k) {
      const auto energy = told_sun(ahead[k], s);
      if (date(ahead[k].begin) != of || !energy) continue;
      double most = 0.0;
      for (const auto& day : days) most = std::max(most, all(day[k]));
      slots.emplace_back(k, most);
      told += *energy;
      any = any || most > 0.0;
    }
    const auto mean = [&](double times) {
      double sum = 0.0;
      for (const auto& day : days)
        for (const auto& [k, most] : slots) sum += std::min(all(day[k]) * times, most);
      return sum / static_cast<double>(days.size());
    };
    double low = 0.0;
    double high = 1000.0;
    for (int n = 0; n < 100; ++n)
      (mean((low + high) / 2.0) < told ? low : high) = (low + high) / 2.0;
    for (auto& day : days)
      for (const auto& [k, most] : slots) {
        auto& slot = day[k];
        if (all(slot) == 0.0) continue;
        const double times = std::min(all(slot) * high, most) / all(slot);
        const double solar =
            times > 1.0 ? slot.solar * times : std::min(slot.solar, all(slot) * times);
        slot.beyond = all(slot) * times - solar;
        if (solar < slot.solar) slot.crossing *= solar / slot.solar;
        slot.solar = solar;
      }
  }
  return any;
}

}  // namespace esshub::control::plain
