#include "control/plan/scenarios.hpp"

#include <algorithm>
#include <set>

#include "model/mean.hpp"

namespace esshub::control {
namespace {

constexpr std::int64_t day_s = 86400;

/// The moment so many days before at which the site's clock showed the same.
UnixSeconds same_clock(UnixSeconds at, int days, const PlanSettings& settings) {
  const UnixSeconds before = at - days * day_s;
  if (!settings.utc_offset) return before;
  return before + (settings.utc_offset(at) - settings.utc_offset(before)) * 60;
}

const PriceSlot* price_at(std::span<const PriceSlot> prices, UnixSeconds at) {
  const auto after = std::ranges::upper_bound(prices, at, {}, &PriceSlot::begin);
  if (after == prices.begin()) return nullptr;
  const PriceSlot& slot = *(after - 1);
  return at < slot.end ? &slot : nullptr;
}

using PriceMember = std::optional<double> PriceSlot::*;

struct Price {
  double value;
  PriceSource source;
};

/// What takes the place of a price that is not known.
std::optional<Price> instead(std::span<const PriceSlot> prices, PriceMember which, UnixSeconds at,
                             const PlanSettings& settings) {
  if (settings.unknown == UnknownPrice::wait) return std::nullopt;
  std::vector<double> before;
  for (int day = 1; day <= settings.days; ++day) {
    const PriceSlot* slot = price_at(prices, same_clock(at, day, settings));
    if (!slot || !(slot->*which)) continue;
    if (settings.unknown == UnknownPrice::repeat)
      return Price{*(slot->*which), PriceSource::repeated};
    before.push_back(*(slot->*which));
  }
  if (before.empty()) return std::nullopt;
  std::ranges::sort(before);
  const std::size_t half = before.size() / 2;
  const double median =
      before.size() % 2 == 1 ? before[half] : (before[half - 1] + before[half]) / 2.0;
  return Price{median, PriceSource::typical};
}

std::optional<Price> price_of(std::span<const PriceSlot> prices, PriceMember which, UnixSeconds at,
                              const PlanSettings& settings) {
  const PriceSlot* slot = price_at(prices, at);
  if (slot && slot->*which) return Price{*(slot->*which), PriceSource::known};
  return instead(prices, which, at, settings);
}

/// Of a past quantity from the first moment measured on: straight within a slot.
class Sum {
 public:
  template <class Amount>
  Sum(std::span<const PastSlot> past, Amount amount) : past_(past), before_(past.size() + 1, 0.0) {
    for (std::size_t i = 0; i < past.size(); ++i) before_[i + 1] = before_[i] + amount(past[i]);
  }
  [[nodiscard]] double within(UnixSeconds from, UnixSeconds to) const {
    return until(to) - until(from);
  }

 private:
  [[nodiscard]] double until(UnixSeconds at) const {
    const auto after = std::ranges::upper_bound(past_, at, {}, &PastSlot::begin);
    if (after == past_.begin()) return 0.0;
    const auto i = static_cast<std::size_t>(after - past_.begin()) - 1;
    const PastSlot& slot = past_[i];
    const double share = static_cast<double>(std::min(at, slot.end) - slot.begin) /
                         static_cast<double>(slot.end - slot.begin);
    return before_[i] + (before_[i + 1] - before_[i]) * share;
  }
  std::span<const PastSlot> past_;
  std::vector<double> before_;
};

struct Past {
  explicit Past(std::span<const PastSlot> slots)
      : load(slots, [](const PastSlot& s) { return s.load.value(); }),
        solar(slots, [](const PastSlot& s) { return s.solar.value(); }),
        crossing(slots, [](const PastSlot& s) { return s.crossing.value(); }),
        beyond(slots, [](const PastSlot& s) { return s.beyond.value(); }),
        curtailed(slots, [](const PastSlot& s) { return s.curtailed ? 1.0 : 0.0; }),
        measured(slots, [](const PastSlot& s) { return static_cast<double>(s.end - s.begin); }) {}
  Sum load, solar, crossing, beyond, curtailed, measured;
};

/// Half of a slot at least must have been measured.
constexpr double enough_of_slot = 0.5;
/// And so many of a day's slots.
constexpr double enough_of_day = 0.8;

std::optional<SlotEnergy> energy_of(const Past& past, const AheadSlot& slot, int days,
                                    const PlanSettings& settings) {
  const auto length = slot.end - slot.begin;
  const UnixSeconds solar = slot.begin - days * day_s;
  const UnixSeconds load = same_clock(slot.begin, days, settings);
  const auto measured = [&](UnixSeconds at) {
    return past.measured.within(at, at + length) / static_cast<double>(length);
  };
  const double of_solar = measured(solar);
  const double of_load = measured(load);
  if (of_solar < enough_of_slot || of_load < enough_of_slot) return std::nullopt;
  return SlotEnergy{past.load.within(load, load + length) / of_load,
                    past.solar.within(solar, solar + length) / of_solar,
                    past.crossing.within(solar, solar + length) / of_solar,
                    past.beyond.within(solar, solar + length) / of_solar,
                    past.curtailed.within(solar, solar + length) > 0.0};
}

}  // namespace

std::vector<AheadSlot> slots_ahead(std::span<const PriceSlot> prices,
                                   const PlanSettings& settings) {
  const UnixSeconds end = settings.begin + settings.horizon_s;
  std::set<UnixSeconds> cuts{settings.begin, end};
  const auto cut = [&](UnixSeconds at) {
    if (at > settings.begin && at < end) cuts.insert(at);
  };
  const auto first = settings.begin / settings.slot_s * settings.slot_s;
  for (UnixSeconds at = first; at < end; at += settings.slot_s) cut(at);
  for (const auto& price : prices) {
    cut(price.begin);
    cut(price.end);
  }
  for (const auto& span : settings.fixed) {
    cut(span.begin);
    cut(span.end);
  }
  std::vector<AheadSlot> slots;
  slots.reserve(cuts.size());
  for (auto at = cuts.begin(); std::next(at) != cuts.end(); ++at) {
    const auto import_price = price_of(prices, &PriceSlot::import_price, *at, settings);
    const auto export_price = price_of(prices, &PriceSlot::export_price, *at, settings);
    if (!import_price || !export_price) break;
    slots.push_back({*at, *std::next(at), import_price->value, export_price->value,
                     std::max(import_price->source, export_price->source)});
  }
  return slots;
}

std::vector<DayAhead> past_days(std::span<const AheadSlot> ahead,
                                std::span<const PastSlot> past_slots,
                                const PlanSettings& settings) {
  const Past past{past_slots};
  std::vector<std::vector<std::optional<SlotEnergy>>> days;
  for (int day = 1; day <= settings.days; ++day) {
    std::vector<std::optional<SlotEnergy>> slots;
    std::size_t known = 0;
    for (const auto& slot : ahead) {
      // A day as a whole, again and again: what followed it may not have happened yet.
      const auto later = static_cast<int>((slot.begin - settings.begin) / day_s);
      slots.push_back(energy_of(past, slot, day + later, settings));
      if (slots.back()) ++known;
    }
    if (static_cast<double>(known) >= enough_of_day * static_cast<double>(ahead.size()))
      days.push_back(std::move(slots));
  }
  std::vector<DayAhead> all(days.size(), DayAhead(ahead.size()));
  for (std::size_t k = 0; k < ahead.size(); ++k) {
    Mean clear;
    for (const auto& day : days)
      if (day[k] && !day[k]->curtailed) clear.add(day[k]->solar);
    for (auto& day : days)
      if (day[k] && day[k]->curtailed)
        day[k]->solar = std::max(day[k]->solar, clear.value().value_or(0.0));
    SlotEnergy sum;
    double count = 0.0;
    for (const auto& day : days) {
      if (!day[k]) continue;
      sum.load += day[k]->load;
      sum.solar += day[k]->solar;
      sum.crossing += day[k]->crossing;
      sum.beyond += day[k]->beyond;
      count += 1.0;
    }
    if (count > 0.0)
      sum = {sum.load / count, sum.solar / count, sum.crossing / count, sum.beyond / count};
    for (std::size_t d = 0; d < days.size(); ++d) all[d][k] = days[d][k].value_or(sum);
  }
  return all;
}

std::vector<ScenarioFlows> flows_of(std::span<const DayAhead> days) {
  std::vector<ScenarioFlows> all;
  for (const auto& day : days) {
    ScenarioFlows flows;
    for (const auto& slot : day)
      flows.push_back({std::max(slot.load - slot.solar, 0.0) + slot.crossing,
                       std::max(slot.solar - slot.load, 0.0) + slot.crossing});
    all.push_back(std::move(flows));
  }
  return all;
}

}  // namespace esshub::control
