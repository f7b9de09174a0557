#include "control/plan/plan.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "control/plan/expected_sun.hpp"
#include "control/plan/scenarios.hpp"
#include "control/plan/slot_marks.hpp"

namespace esshub::control {
namespace {

constexpr std::int64_t day_s = 86400;

/// Prices per Wh; what is fixed; the reserve.
std::vector<SlotTerms> terms_of(std::span<const AheadSlot> ahead, const PlanSettings& settings) {
  std::vector<SlotTerms> all;
  all.reserve(ahead.size());
  double dearest = 0.0;
  for (const auto& slot : ahead) dearest = std::max(dearest, slot.import_price / 1000.0);
  for (const auto& slot : ahead) {
    SlotTerms terms;
    terms.hours = static_cast<double>(slot.end - slot.begin) / 3600.0;
    terms.import_price = slot.import_price / 1000.0;
    terms.export_price = slot.export_price / 1000.0;
    terms.reserve = settings.reserve.value();
    for (const auto& span : settings.fixed) {
      if (slot.begin < span.begin || slot.begin >= span.end) continue;
      if (span.marks) {
        terms.fixed = span.marks;
        terms.ordered = span.ordered;
      }
      terms.reserve = std::max(terms.reserve, span.reserve.value_or(WattHours{}).value());
    }
    const bool rises = !all.empty() && terms.reserve > all.back().reserve;
    if (rises) terms.missing_price = dearest;
    all.push_back(terms);
  }
  return all;
}

using Levels = std::vector<MarkLevels>;

MarkLevels followed(const SlotTerms& terms, const MarkLevels& planned, const PlanBattery& battery) {
  return terms.fixed ? levels(*terms.fixed, battery) : planned;
}

/// A day's course by marks.
struct Course {
  std::vector<SlotOutcome> slots;
  double cost = 0.0;
};

Course replay(std::span<const SlotTerms> terms, const ScenarioFlows& day,
              const PlanBattery& battery, const Levels& marks, const PlanSettings& settings) {
  Course course;
  course.slots.reserve(terms.size());
  double stored = settings.stored.value();
  double bought = settings.bought.value();
  for (std::size_t k = 0; k < terms.size(); ++k) {
    const MarkLevels does = followed(terms[k], marks[k], battery);
    course.slots.push_back(follow_marks(terms[k], day[k], battery, does, stored, bought));
    stored = course.slots.back().stored;
    bought = course.slots.back().of_it_bought;
    course.cost += course.slots.back().cost;
  }
  return course;
}

std::vector<Course> replay_all(std::span<const SlotTerms> terms,
                               std::span<const ScenarioFlows> days, const PlanBattery& battery,
                               const Levels& marks, const PlanSettings& settings) {
  std::vector<Course> courses;
  courses.reserve(days.size());
  for (const auto& day : days) courses.push_back(replay(terms, day, battery, marks, settings));
  return courses;
}

/// Of slots that cost the same the earlier ones buy: what is left to the last of them is missing if
/// it is cut short. As far as no day had sun to spare in those that follow, for which room is kept.
void buy_early(Levels& marks, std::span<const SlotTerms> terms,
               std::span<const ScenarioFlows> days) {
  for (std::size_t k = marks.size() - 1; k-- > 0;) {
    const SlotTerms& slot = terms[k];
    const SlotTerms& next = terms[k + 1];
    const bool alike = !next.fixed && slot.import_price == next.import_price &&
                       slot.export_price == next.export_price &&
                       slot.import_price >= slot.export_price;
    const auto has_sun = [&](const ScenarioFlows& day) { return day[k + 1].surplus > 0.0; };
    if (!alike || std::ranges::any_of(days, has_sun)) continue;
    MarkLevels& m = marks[k];
    m.buy = std::max(m.buy, marks[k + 1].buy);
    m.store = std::max(m.store, m.buy);
    m.serve = std::max(m.serve, m.buy);
    m.sell = std::max(m.sell, m.serve);
  }
}

/// Not planned: nobody who gave an order takes the schedule's word back.
bool is_scheduled(const SlotTerms& terms) {
  return terms.fixed && !terms.ordered;
}

struct Programme {
  std::vector<CostToCome> to_come;
  Levels marks;  ///< also of slots with an order, should it end early
};

Programme programme(std::span<const SlotTerms> terms, std::span<const ScenarioFlows> days,
                    const PlanBattery& battery, const PlanSettings& settings,
                    std::span<const std::size_t> day_begins) {
  Programme result{
      mean_cost_to_come(terms, days, battery, static_cast<std::size_t>(std::max(settings.cells, 2)),
                        day_begins),
      {}};
  std::vector<SlotFlows> flows(days.size());
  std::vector<double> stored(days.size(), settings.stored.value());
  for (std::size_t k = 0; k < terms.size(); ++k) {
    for (std::size_t d = 0; d < days.size(); ++d) flows[d] = days[d][k];
    SlotTerms planned = terms[k];
    planned.fixed.reset();
    planned.ordered = false;
    MarkLevels marks;
    if (!is_scheduled(terms[k]))
      marks = best_marks(planned, flows, battery, result.to_come[k + 1], stored);
    const MarkLevels does = followed(terms[k], marks, battery);
    for (std::size_t d = 0; d < days.size(); ++d)
      stored[d] = follow_marks(terms[k], flows[d], battery, does, stored[d], 0.0).stored;
    result.marks.push_back(marks);
  }
  buy_early(result.marks, terms, days);
  return result;
}

/// What is bought by a slot's end, mean over the days: it is not to be sold.
void raise_sell_floors(std::vector<SlotTerms>& terms, std::span<const Course> courses) {
  for (std::size_t k = 0; k < terms.size(); ++k) {
    double bought = 0.0;
    for (const auto& course : courses) bought += course.slots[k].of_it_bought;
    terms[k].sell_floor = bought / static_cast<double>(courses.size());
  }
}

/// The control has no account of what was bought, only the marks: they leave what is bought at the
/// begin or the end of a slot on any of the days.
void lift_sell_marks(Levels& marks, std::span<const SlotTerms> terms,
                     std::span<const Course> courses, double bought_before) {
  for (std::size_t k = 0; k < terms.size(); ++k) {
    for (const auto& course : courses) {
      const double begin = k == 0 ? bought_before : course.slots[k - 1].of_it_bought;
      marks[k].sell = std::max({marks[k].sell, begin, course.slots[k].of_it_bought});
    }
  }
}

/// Of two or more values in their order, at this share of their number, less than 1.
double quantile(std::vector<double>& values, double share) {
  std::ranges::sort(values);
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  return values[below] + (values[below + 1] - values[below]) * (place - static_cast<double>(below));
}

Marks as_marks(const MarkLevels& levels, const PlanBattery& battery) {
  const auto soc = [&](double stored) {
    const double percent = 100.0 * stored / battery.capacity.value();
    return Soc::from_percent(std::min(percent, 100.0)).value_or(Soc{});
  };
  Marks marks{soc(levels.buy), {}, soc(levels.store), soc(levels.serve), soc(levels.sell), {}};
  if (levels.buy > 0.0) marks.buy_power = battery.charge;
  // The last point of a grid may lie beside full by the last bit.
  if (levels.sell < battery.capacity.value() - 1e-6) marks.sell_power = battery.discharge;
  return marks;
}

double mean_cost(std::span<const Course> courses, const CostToCome& end) {
  double cost = 0.0;
  for (const auto& course : courses) {
    cost += course.cost + end(course.slots.back().stored) - end(0.0);
  }
  return cost / static_cast<double>(courses.size());
}

std::optional<WithoutPurchase> without_purchase(std::span<const SlotTerms> terms,
                                                std::span<const AheadSlot> ahead,
                                                std::span<const ScenarioFlows> days,
                                                const PlanBattery& battery, Levels marks,
                                                const PlanSettings& settings) {
  for (auto& of_slot : marks) of_slot.buy = 0.0;
  WithoutPurchase result{static_cast<int>(days.size()), 0, 0};
  std::vector<UnixSeconds> ends;
  for (const auto& day : days) {
    const Course course = replay(terms, day, battery, marks, settings);
    for (std::size_t k = 0; k < terms.size(); ++k) {
      const double serve = followed(terms[k], marks[k], battery).serve;
      const double lowest = std::max(terms[k].reserve, serve);
      const bool served = serve <= terms[k].reserve + 1e-6 && day[k].deficit > 0.0;
      if (!served || course.slots[k].stored > lowest + 1e-6) continue;
      ends.push_back(ahead[k].end);
      break;
    }
  }
  if (ends.empty()) return result;
  std::ranges::sort(ends);
  result.empty = static_cast<int>(ends.size());
  result.by = ends[(ends.size() - 1) / 2];
  return result;
}

}  // namespace

Plan plan(std::span<const PastSlot> past, std::span<const PriceSlot> prices,
          const PlanBattery& battery, const PlanSettings& settings) {
  const auto ahead = slots_ahead(prices, settings);
  auto days = past_days(ahead, past, settings);
  const bool sun_told = expect_sun(days, ahead, settings);
  Plan made = plan_days(ahead, days, battery, settings);
  made.sun_told = sun_told && !made.problem;
  return made;
}

Plan plan_days(std::span<const AheadSlot> ahead, std::span<const DayAhead> energies,
               const PlanBattery& battery, const PlanSettings& settings) {
  const auto refuse = [](NoPlan why) {
    Plan none;
    none.problem = why;
    return none;
  };
  if (!(battery.capacity > WattHours{} && battery.charge_efficiency > 0.0 &&
        battery.discharge_efficiency > 0.0))
    return refuse(NoPlan::battery_unknown);
  if (ahead.empty()) return refuse(NoPlan::price_unknown);
  if (energies.size() < 2) return refuse(NoPlan::too_few_days);

  const auto days = flows_of(energies);
  auto terms = terms_of(ahead, settings);
  std::vector<std::size_t> day_begins{0};
  for (std::size_t k = 1; k < ahead.size(); ++k)
    if (ahead[k].begin - ahead[day_begins.back()].begin >= day_s) day_begins.push_back(k);
  auto result = programme(terms, days, battery, settings, day_begins);
  auto courses = replay_all(terms, days, battery, result.marks, settings);
  if (battery.to_grid && battery.from_grid && !battery.bought_to_grid) {
    raise_sell_floors(terms, courses);
    result = programme(terms, days, battery, settings, day_begins);
    courses = replay_all(terms, days, battery, result.marks, settings);
    lift_sell_marks(result.marks, terms, courses, settings.bought.value());
    courses = replay_all(terms, days, battery, result.marks, settings);
  }

  Plan out;
  out.days = static_cast<int>(days.size());
  const CostToCome& end = result.to_come.back();
  out.cost = mean_cost(courses, end);
  const Levels balance(terms.size(), levels(Marks{}, battery));
  out.cost_balance = mean_cost(replay_all(terms, days, battery, balance, settings), end);
  for (const auto& day : days)
    for (std::size_t k = 0; k < terms.size(); ++k)
      out.cost_no_battery +=
          slot_actions(terms[k], day[k], battery, 0.0).rest.cost / static_cast<double>(days.size());
  bool buys = false;
  std::vector<double> stored(days.size(), settings.stored.value());
  for (std::size_t k = 0; k < terms.size(); ++k) {
    PlannedSlot slot{ahead[k].begin,        ahead[k].end,          {},
                     ahead[k].import_price, ahead[k].export_price, ahead[k].source};
    slot.marks = is_scheduled(terms[k]) ? *terms[k].fixed : as_marks(result.marks[k], battery);
    double mean = 0.0;
    for (const double s : stored) mean += s / static_cast<double>(stored.size());
    slot.charge = {WattHours{quantile(stored, 0.1)}, WattHours{mean},
                   WattHours{quantile(stored, 0.9)}};
    const CostToCome& to_come = result.to_come[k];
    const double low = std::max(mean - to_come.width(), 0.0);
    const double high = std::min(mean + to_come.width(), battery.capacity.value());
    slot.value = 1000.0 * (to_come(low) - to_come(high)) / (high - low);
    double bought = 0.0;
    for (std::size_t d = 0; d < days.size(); ++d) {
      bought += courses[d].slots[k].bought / static_cast<double>(days.size());
      stored[d] = courses[d].slots[k].stored;
    }
    slot.bought = WattHours{bought};
    buys |= !terms[k].fixed && bought > 1.0;
    out.slots.push_back(slot);
  }
  if (buys)
    out.without_purchase = without_purchase(terms, ahead, days, battery, result.marks, settings);
  return out;
}

std::string reason_in_words(const Plan& plan, const PlanSettings& settings) {
  if (!plan.without_purchase) return {};
  const auto& [days, empty, by] = *plan.without_purchase;
  std::array<char, 120> text{};
  if (empty == 0) {
    std::snprintf(text.data(), text.size(),
                  "without it the battery would have been empty on none of the last %d days", days);
    return text.data();
  }
  const auto offset = settings.utc_offset ? settings.utc_offset(by) : 0;
  const auto minute = static_cast<int>(((by / 60 + offset) % 1440 + 1440) % 1440);
  std::snprintf(
      text.data(), text.size(),
      "without it the battery would have been empty by %02d:%02d on %d of the last %d days",
      minute / 60, minute % 60, empty, days);
  return text.data();
}

}  // namespace esshub::control
