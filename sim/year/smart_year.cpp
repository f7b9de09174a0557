#include "sim/year/smart_year.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <random>

#include "control/plan/expected_sun.hpp"
#include "control/plan/flows.hpp"
#include "control/plan/plan.hpp"
#include "sim/stopwatch.hpp"

namespace esshub::sim {
namespace {

constexpr std::int64_t hour_s = 3600;
constexpr int ahead_hours = 48;
constexpr std::int64_t back_hours = 15 * 24;

control::PlanBattery plan_battery(const YearSettings& settings, bool sells) {
  const IdealBattery& battery = settings.battery;
  control::PlanBattery b;
  b.capacity = battery.capacity;
  b.charge = battery.charge;
  b.discharge = battery.discharge;
  b.charge_efficiency = b.discharge_efficiency = battery.best_efficiency();
  b.import_cap = settings.control.import_cap;
  b.to_grid = sells;
  return b;
}

/// The year as the planner sees it: its clock is UTC.
struct Courses {
  std::vector<control::PastSlot> hours;
  std::vector<control::PriceSlot> prices;
  std::vector<control::SlotTerms> terms;  ///< a price each
  std::vector<control::SlotFlows> flows;
};

Courses courses(std::span<const HouseHour> house, const YearSettings& settings) {
  Courses c;
  std::int64_t at = house.empty() ? 0 : (house.front().hour - 1) * hour_s;
  std::int64_t price_at = at;
  for (const auto& hour : house) {
    const WattHours load = (hour.load + settings.battery.standby) * Hours{1};
    const WattHours solar = hour.sun * settings.kwp * Hours{1};
    c.hours.push_back({at, at + hour_s, load, solar, {}});
    at += hour_s;
  }
  for (const auto& span : priced_spans(house, settings)) {
    const auto length = std::llround(span.length.count() * 3600.0);
    c.prices.push_back({price_at, price_at + length, span.price, span.export_price});
    price_at += length;
    control::SlotTerms terms;
    terms.hours = span.length.count();
    terms.import_price = span.price / 1000.0;
    terms.export_price = span.export_price / 1000.0;
    c.terms.push_back(terms);
    const double net = ((span.net + settings.battery.standby) * span.length).value();
    c.flows.push_back({std::max(net, 0.0), std::max(-net, 0.0)});
  }
  return c;
}

/// In place of what the days had, what comes.
void foresee(std::vector<control::DayAhead>& days, std::span<const control::AheadSlot> ahead,
             const Courses& year, Perfect what) {
  if (what == Perfect::nothing) return;
  const std::int64_t first = year.hours.front().begin;
  for (std::size_t k = 0; k < ahead.size(); ++k) {
    const auto& hour = year.hours[static_cast<std::size_t>((ahead[k].begin - first) / hour_s)];
    const double share = static_cast<double>(ahead[k].end - ahead[k].begin) / hour_s;
    for (auto& day : days) {
      if (what == Perfect::solar) day[k].solar = hour.solar.value() * share;
      if (what == Perfect::load) day[k].load = hour.load.value() * share;
    }
  }
}

/// Evenly spread; of the clock's day.
double told_share(std::int64_t day, double error) {
  std::mt19937 random{static_cast<std::mt19937::result_type>(day)};
  const double drawn =
      2.0 * static_cast<double>(random()) / static_cast<double>(std::mt19937::max()) - 1.0;
  return std::max(1.0 + error * std::numbers::sqrt3 * drawn, 0.0);
}

std::vector<control::SunSlot> sun_feed(const Courses& year, std::size_t hour, double error) {
  std::vector<control::SunSlot> told;
  const auto from = year.hours.begin() + static_cast<std::ptrdiff_t>(hour);
  const auto to = from + std::min<std::ptrdiff_t>(ahead_hours, year.hours.end() - from);
  for (const auto& slot : std::span(from, to))
    told.push_back({slot.begin, slot.end,
                    Watts{slot.solar.value() * told_share(slot.begin / (24 * hour_s), error)}});
  return told;
}

enum class Allowed : std::uint8_t { neither, serving, buying };

Allowed allowed(const control::MarkLevels& marks, double stored) {
  if (stored < marks.buy) return Allowed::buying;
  return stored > marks.serve ? Allowed::serving : Allowed::neither;
}

/// One course: the mean of all.
void take_mean(std::vector<control::DayAhead>& days) {
  if (days.empty()) return;
  control::DayAhead mean(days.front().size());
  const double share = 1.0 / static_cast<double>(days.size());
  for (const auto& day : days) {
    for (std::size_t k = 0; k < mean.size(); ++k) {
      mean[k].load += day[k].load * share;
      mean[k].solar += day[k].solar * share;
      mean[k].crossing += day[k].crossing * share;
    }
  }
  std::ranges::fill(days, mean);
}

/// As much as was expected of this slot, but no more is given than the house lacks unless it may be
/// sold.
double expected_change(const control::SlotFlows& flows, const control::PlanBattery& battery,
                       double expected) {
  return battery.to_grid ? expected
                         : std::max(expected, -flows.deficit / battery.discharge_efficiency);
}

control::Plan plan_at(std::size_t hour, const Courses& year, const control::PlanBattery& battery,
                      double stored, std::int64_t known_until, const SmartSettings& smart) {
  control::PlanSettings s;
  s.begin = year.hours[hour].begin;
  s.stored = WattHours{stored};
  s.slot_s = hour_s;
  s.cells = smart.cells;
  const auto left = static_cast<std::int64_t>(year.hours.size() - hour);
  s.horizon_s = std::min<std::int64_t>(ahead_hours, left) * hour_s;
  const auto known = std::ranges::lower_bound(year.prices, s.begin - back_hours * hour_s, {},
                                              &control::PriceSlot::end);
  const auto end = std::ranges::lower_bound(
      year.prices, std::min(s.begin + s.horizon_s, known_until), {}, &control::PriceSlot::begin);
  const auto ahead = control::slots_ahead(std::span(known, end), s);
  const std::size_t from = hour - std::min<std::size_t>(hour, back_hours);
  auto days = control::past_days(ahead, std::span(year.hours).subspan(from, hour - from), s);
  foresee(days, ahead, year, smart.perfect);
  if (smart.sun_feed_error) s.sun = sun_feed(year, hour, *smart.sun_feed_error);
  static_cast<void>(control::expect_sun(days, ahead, s));
  if (smart.forecast == Forecast::mean) take_mean(days);
  return control::plan_days(ahead, days, battery, s);
}

}  // namespace

int known_hours(const HouseHour& hour, YearTariff tariff) {
  if (tariff != YearTariff::agile) return ahead_hours;
  constexpr int published = 16;  // at this hour of the day
  constexpr int last = 23;       // those of the next day, until this hour of it
  const int of_day = hour.hour - 1;
  return last - of_day + (of_day >= published ? 24 : 0);
}

SmartYear run_smart_year(std::span<const HouseHour> house, const YearSettings& settings,
                         const SmartSettings& smart) {
  const Courses year = courses(house, settings);
  const control::PlanBattery battery = plan_battery(settings, smart.sells);
  const auto every = static_cast<std::size_t>(std::max<Duration>(smart.plan_every, 1h) / 1h);
  SmartYear out;
  YearResult& r = out.result;
  double stored = settings.battery.start.value();
  control::Plan plan;
  std::size_t slot = 0;
  std::size_t span = 0;
  std::optional<Allowed> before;
  for (std::size_t i = 0; i < house.size(); ++i) {
    if (smart.policy == YearPolicy::smart && i % every == 0) {
      const Stopwatch watch;
      const auto known = year.hours[i].begin + known_hours(house[i], settings.tariff) * hour_s;
      plan = plan_at(i, year, battery, stored, known, smart);
      out.slowest_plan_s = std::max(out.slowest_plan_s, watch.processor());
      ++out.plans;
      slot = 0;
    }
    double cost = 0.0;
    double changes = 0.0;
    for (; span < year.prices.size() && year.prices[span].begin < year.hours[i].end; ++span) {
      control::Marks marks;
      while (slot + 1 < plan.slots.size() && plan.slots[slot].end <= year.prices[span].begin)
        ++slot;
      if (!plan.slots.empty()) marks = plan.slots[slot].marks;
      const auto& terms = year.terms[span];
      const auto& flows = year.flows[span];
      const auto levels = control::levels(marks, battery);
      const Allowed now = allowed(levels, stored);
      if (before && *before != now) ++changes;
      before = now;
      auto done = control::follow_marks(terms, flows, battery, levels, stored, 0.0);
      if (smart.follow == Follow::watts && slot + 1 < plan.slots.size()) {
        const auto& planned = plan.slots[slot];
        const auto expected = plan.slots[slot + 1].charge.mean - planned.charge.mean;
        const double share =
            terms.hours * 3600.0 / static_cast<double>(planned.end - planned.begin);
        done = control::follow_change(terms, flows, battery,
                                      expected_change(flows, battery, expected.value() * share),
                                      stored);
      }
      const double change = done.stored - stored;
      stored = done.stored;
      cost += done.cost;
      const double e = battery.charge_efficiency;
      const double power = change > 0.0 ? change / e : change * e;
      (change > 0.0 ? r.charged : r.discharged) += WattHours{std::abs(power)};
      r.cells_out += WattHours{std::max(-change, 0.0)};
      r.import += WattHours{std::max(flows.deficit - flows.surplus + power, 0.0)};
      r.export_ += WattHours{std::max(flows.surplus - flows.deficit - power, 0.0)};
    }
    r.load += house[i].load * Hours{1};
    r.sun += year.hours[i].solar;
    r.standby += settings.battery.standby * Hours{1};
    r.cost += cost;
    ++r.steps;
    out.cost_by_hour.push_back(cost);
    out.changes_by_hour.push_back(changes);
  }
  r.end = WattHours{stored};
  r.losses = r.charged - r.discharged - (r.end - settings.battery.start);
  return out;
}

double programme_bound(std::span<const HouseHour> house, const YearSettings& settings,
                       WattHours end, bool sells, int cells) {
  const Courses year = courses(house, settings);
  return control::least_known_cost(year.terms, year.flows, plan_battery(settings, sells),
                                   settings.battery.start.value(), end.value(),
                                   static_cast<std::size_t>(cells));
}

std::optional<double> worst_four_weeks(std::span<const double> a, std::span<const double> b) {
  constexpr std::size_t hours = 28 * 24;
  if (a.size() < hours) return std::nullopt;
  double worst = 0.0;
  double dearer = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    dearer += a[i] - b[i];
    if (i >= hours) dearer -= a[i - hours] - b[i - hours];
    if (i + 1 >= hours) worst = std::max(worst, dearer);
  }
  return worst;
}

}  // namespace esshub::sim
