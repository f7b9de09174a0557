#include "control/plan/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "control/plan/flows.hpp"
#include "control/plan/slot_marks.hpp"
#include "tests/control/plan/plain.hpp"

namespace esshub::control {
namespace {

constexpr std::int64_t hour = 3600;
constexpr std::int64_t day = 24 * hour;
constexpr UnixSeconds now = 20000 * day;

PlanBattery battery() {
  PlanBattery b;
  b.capacity = WattHours{8640};
  b.charge = Watts{1600};
  b.discharge = Watts{2400};
  b.charge_efficiency = b.discharge_efficiency = 0.95;
  return b;
}

PlanSettings settings() {
  PlanSettings s;
  s.begin = now;
  s.stored = WattHours{1000};
  return s;
}

/// 0.10 until 07:00, else 0.30; sold at 0.05.
std::vector<PriceSlot> two_rates(double cheap = 0.10) {
  std::vector<PriceSlot> all;
  for (UnixSeconds at = now - 14 * day; at < now + 3 * day; at += hour)
    all.push_back({at, at + hour, at % day < 7 * hour ? cheap : 0.30, 0.05});
  return all;
}

/// 300 W, from 17:00 until 22:00 `evening`; no sun.
std::vector<PastSlot> house(int days, double evening = 1000) {
  std::vector<PastSlot> all;
  for (UnixSeconds at = now - days * day; at < now; at += 900) {
    const auto of_day = (at % day + day) % day;
    const double power = of_day >= 17 * hour && of_day < 22 * hour ? evening : 300.0;
    all.push_back({at, at + 900, WattHours{power / 4.0}, {}, {}});
  }
  return all;
}

TEST(Plan, BuysAtNightWhatTheDaysNeeded) {
  const auto s = settings();
  const Plan p = plan(house(14), two_rates(), battery(), s);
  ASSERT_FALSE(p.problem);
  ASSERT_EQ(p.slots.size(), 192u);
  EXPECT_EQ(p.days, 14);
  const double bought = p.slots[27].charge.mean.value();  // 06:45
  EXPECT_GT(bought, 7000);
  EXPECT_EQ(p.slots[40].marks.buy_power, Watts{}) << "nothing by day";
  EXPECT_EQ(p.slots[40].marks.serve, 0.0_soc);
  EXPECT_GT(p.slots[72].value, 0.24);
  EXPECT_LT(p.slots[72].value, 0.30);
  EXPECT_LT(p.cost, p.cost_balance - 0.5);
  EXPECT_LT(p.cost_balance, p.cost_no_battery);
  ASSERT_TRUE(p.without_purchase);
  EXPECT_EQ(p.without_purchase->empty, 14);
  EXPECT_NE(reason_in_words(p, s).find(" on 14 of the last 14 days"), std::string::npos)
      << reason_in_words(p, s);
}

TEST(Plan, ABandLiesAroundTheMeanWhereDaysDiffer) {
  auto mixed = house(14);
  for (auto& slot : mixed)
    if ((slot.begin / day) % 2 == 0) slot.load = slot.load * 0.5;
  const Plan p = plan(mixed, two_rates(), battery(), settings());
  const auto& evening = p.slots[80].charge;
  EXPECT_LT(evening.low, evening.mean);
  EXPECT_LT(evening.mean, evening.high);
}

TEST(Plan, SaysWhyThereIsNone) {
  EXPECT_EQ(plan(house(1), two_rates(), battery(), settings()).problem, NoPlan::too_few_days);
  EXPECT_FALSE(plan(house(2), two_rates(), battery(), settings()).problem);
  EXPECT_EQ(plan(house(2), {}, battery(), settings()).problem, NoPlan::price_unknown);
  EXPECT_EQ(plan(house(2), two_rates(), {}, settings()).problem, NoPlan::battery_unknown);
}

TEST(Plan, PaidToDrawItBuysAndKeeps) {
  auto worn = battery();
  worn.wear = 0.02;  // without it, losing energy to be paid for more is worth it
  const Plan p = plan(house(14), two_rates(-0.05), worn, settings());
  EXPECT_GT(p.slots[27].charge.mean.value(), 8000);
  EXPECT_EQ(p.slots[10].marks.serve, 100.0_soc) << "nothing is served while one is paid to draw";
}

TEST(Plan, WearAndReserveHold) {
  auto dear = battery();
  dear.wear = 0.5;
  const Plan none = plan(house(14), two_rates(), dear, settings());
  for (const auto& slot : none.slots) EXPECT_EQ(slot.marks.buy_power, Watts{});
  auto s = settings();
  s.reserve = WattHours{4000};
  s.stored = WattHours{5000};
  const Plan kept = plan(house(14), two_rates(), battery(), s);
  for (const auto& slot : kept.slots) EXPECT_GE(slot.charge.low.value(), 4000 - 1e-6);
}

TEST(Plan, WhatIsFixedIsFollowedAndAReserveToComeIsBoughtBefore) {
  auto s = settings();
  const Marks idle{.store = 0.0_soc, .serve = 100.0_soc};
  s.fixed = {{now, now + 6 * hour, idle, {}}};
  const Plan p = plan(house(14), two_rates(), battery(), s);
  EXPECT_EQ(p.slots[3].marks.serve, 100.0_soc);
  EXPECT_NEAR(p.slots[24].charge.mean.value(), 1000, 1e-6);
  EXPECT_GT(p.slots[28].charge.mean.value(), 2000) << "what is left of the night";
  s.fixed = {{now + 20 * hour, now + 40 * hour, {}, WattHours{8000}}};
  const Plan storm = plan(house(14), two_rates(), battery(), s);
  EXPECT_GT(storm.slots[80].charge.mean.value(), 7500);
}

TEST(Plan, WhatWasBoughtIsNotSold) {
  auto b = battery();
  b.to_grid = true;
  auto prices = two_rates();
  for (auto& slot : prices)
    if (slot.import_price > 0.2) slot.export_price = 0.25;
  auto s = settings();
  s.bought = s.stored;
  const auto sold = [&](const Plan& p) {
    double below = 0.0;
    for (std::size_t k = 28; k < 95; ++k)
      below = std::max(below, p.slots[k].charge.mean.value() - p.slots[k + 1].charge.mean.value());
    return below;
  };
  EXPECT_GT(sold(plan(house(14, 300), prices, b, s)), 300);
  b.bought_to_grid = false;
  const Plan kept = plan(house(14, 300), prices, b, s);
  EXPECT_LT(sold(kept), 100) << "the house alone";
  // The control knows the marks alone: full of what was bought in the night they sell nothing.
  for (std::size_t k = 28; k < 40; ++k)
    EXPECT_GE(kept.slots[k].marks.sell.ratio() * b.capacity.value(),
              kept.slots[k].charge.high.value() - 1.0)
        << k;
  // Nor where all that is there now may have been bought, and it could be sold at once.
  s.stored = s.bought = WattHours{7000};
  for (auto& slot : prices) slot = {slot.begin, slot.end, 0.50, 0.48};
  const Plan at_once = plan(house(14, 300), prices, b, s);
  EXPECT_GE(at_once.slots[0].marks.sell.ratio() * b.capacity.value(), 7000.0 - 1e-6);
}

/// An override or a dispatch knows what it costs; a schedule does not (docs/policy.md).
TEST(Plan, OnlyWhatIsOrderedIsDischargedWhileOneIsPaidToDraw) {
  auto prices = two_rates();
  for (auto& slot : prices) slot.import_price = -0.05;
  auto s = settings();
  s.stored = WattHours{5000};
  for (const bool ordered : {false, true}) {
    const Marks discharge = marks({.kind = InstructionKind::discharge, .power = 1000.0_W});
    s.fixed = {{now, now + 2 * hour, discharge, {}, ordered}};
    const Plan p = plan(house(14, 500), prices, battery(), s);
    EXPECT_EQ(p.slots[7].charge.mean.value() < 4500, ordered);
  }
}

TEST(Plan, AnOrderIsReckonedWithItsOwnPower) {
  auto s = settings();
  s.stored = WattHours{5000};
  const auto after_two_hours = [&](const Instruction& instruction) {
    s.fixed = {{now, now + 2 * hour, marks(instruction), {}, true}};
    return plan(house(14), two_rates(), battery(), s).slots[8].charge.mean.value();
  };
  EXPECT_NEAR(
      after_two_hours({.kind = InstructionKind::charge, .power = 300.0_W, .target = 100.0_soc}),
      5000 + 600 * 0.95, 1e-6);
  const auto discharge = [&](Watts power) {
    return after_two_hours({.kind = InstructionKind::discharge, .power = power});
  };
  EXPECT_NEAR(discharge(200.0_W), 5000 - 400 / 0.95, 1e-6) << "of the house's 300 W";
  EXPECT_NEAR(discharge(1000.0_W), 5000 - 2000 / 0.95, 1e-6) << "sold, though nothing else is";
}

/// So that it holds at once where the order is taken back.
TEST(Plan, OfASlotWithAnOrderTheMarksAreThoseWithoutIt) {
  auto s = settings();
  const Marks idle{.store = 0.0_soc, .serve = 100.0_soc};
  for (const bool ordered : {true, false}) {
    s.fixed = {{now, now + 6 * hour, idle, {}, ordered}};
    const Plan p = plan(house(14), two_rates(), battery(), s);
    EXPECT_EQ(p.slots[23].marks == idle, !ordered);
    EXPECT_EQ(p.slots[23].marks.buy_power, ordered ? 1600.0_W : 0.0_W);
    EXPECT_NEAR(p.slots[24].charge.mean.value(), 1000, 1e-6);
  }
}

TEST(Plan, OfHoursThatCostTheSameTheEarlierBuy) {
  const Plan p = plan(house(14), two_rates(), battery(), settings());
  const double bought = p.slots[28].charge.mean.value();
  EXPECT_GT(bought, 7000);
  EXPECT_NEAR(p.slots[20].charge.mean.value(), std::min(1000 + 5 * 1600 * 0.95, bought), 1e-6);
  auto sunny = house(14);  // 3 kWh from 06:00 until 07:00 on one of the days
  for (auto& slot : sunny)
    if (slot.begin >= now - day + 6 * hour && slot.begin < now - day + 7 * hour)
      slot.solar = WattHours{750};
  const Plan waits = plan(sunny, two_rates(), battery(), settings());
  EXPECT_LT(waits.slots[23].charge.high.value(), waits.slots[28].charge.high.value() - 400)
      << "room is kept for it";
}

TEST(Plan, MarksKeepTheirOrderWhereTheEarlierBuy) {
  auto mixed = house(14);  // a stored kWh is worth much on some days and nothing on the others
  for (auto& slot : mixed)
    if ((slot.begin / day) % 3 == 0 && slot.begin % day >= 9 * hour && slot.begin % day < 17 * hour)
      slot.solar = WattHours{1000};
  auto b = battery();
  b.to_grid = true;
  for (const double export_price : {0.0, 0.09}) {
    auto prices = two_rates();
    for (auto& slot : prices) slot.export_price = slot.begin < now + 7 * hour ? export_price : 0.0;
    const Plan p = plan(mixed, prices, b, settings());
    for (std::size_t k = 0; k < p.slots.size(); ++k) {
      const Marks& m = p.slots[k].marks;
      EXPECT_EQ(m, ordered(m)) << k;
    }
  }
}

TEST(Plan, NothingIsDischargedWhileOneIsPaidToDraw) {
  auto prices = two_rates();
  for (auto& slot : prices)
    if (slot.import_price < 0.2) slot.import_price = -0.05;
  auto b = battery();
  b.to_grid = true;
  for (const double export_price : {-0.01, 0.15}) {
    for (auto& slot : prices) slot.export_price = export_price;
    const Plan p = plan(house(14), prices, b, settings());
    for (std::size_t k = 0; k + 1 < p.slots.size(); ++k)
      if (p.slots[k].import_price < 0.0) {
        EXPECT_GE(p.slots[k + 1].charge.low.value(), p.slots[k].charge.low.value() - 1e-6) << k;
        EXPECT_EQ(p.slots[k].marks.serve, 100.0_soc) << k;
        EXPECT_EQ(p.slots[k].marks.sell_power, Watts{}) << "no sale is told of";
      }
  }
}

TEST(Plan, ATwiceAsFineGridCostsTheSame) {
  auto s = settings();
  const double coarse = plan(house(14, 1500), two_rates(), battery(), s).cost;
  s.cells *= 2;
  const double fine = plan(house(14, 1500), two_rates(), battery(), s).cost;
  EXPECT_NEAR(coarse, fine, 0.002 * std::abs(fine));
}

TEST(Plan, IsTheSameEachTimeAndWhateverTheChargeNow) {
  auto s = settings();
  const Plan a = plan(house(14), two_rates(), battery(), s);
  const Plan again = plan(house(14), two_rates(), battery(), s);
  s.stored = WattHours{8000};
  const Plan full = plan(house(14), two_rates(), battery(), s);
  EXPECT_EQ(a.cost, again.cost);
  for (std::size_t k = 0; k < a.slots.size(); ++k) {
    EXPECT_EQ(a.slots[k].marks, again.slots[k].marks);
    EXPECT_EQ(a.slots[k].value, again.slots[k].value);
    EXPECT_EQ(a.slots[k].marks, full.slots[k].marks) << k;
  }
}

TEST(Plan, GoesByTheSunThatIsTold) {
  auto s = settings();
  std::vector<PastSlot> past;
  for (UnixSeconds at = now - 15 * day; at < now; at += hour) {
    const auto of_day = at % day / hour;
    const bool bright = (now - at) / day % 2 == 0;
    past.push_back({at,
                    at + hour,
                    WattHours{400},
                    WattHours{of_day >= 9 && of_day < 15 ? (bright ? 1500.0 : 300.0) : 0.0},
                    {}});
  }
  const auto prices = two_rates();
  const auto bought = [](const Plan& p) {
    double sum = 0.0;
    for (const auto& slot : p.slots) sum += slot.bought.value();
    return sum;
  };
  const Plan alone = plan(past, prices, battery(), s);
  ASSERT_FALSE(alone.problem);
  EXPECT_FALSE(alone.sun_told);
  const auto with = [&](double power) {
    s.sun = {{now, now + 2 * day, Watts{power}}};
    return plan(past, prices, battery(), s);
  };
  EXPECT_TRUE(with(0).sun_told);
  EXPECT_GT(bought(with(0)), bought(alone) + 500);
  EXPECT_LT(bought(with(6 * 1500 / 24.0)), bought(alone) - 500);
  const auto none = plan({}, prices, battery(), s);
  EXPECT_TRUE(none.problem);
  EXPECT_FALSE(none.sun_told);
  auto unknown = battery();
  unknown.capacity = WattHours{};
  EXPECT_FALSE(plan(past, prices, unknown, s).sun_told);
  s.sun = {{now - day, now, Watts{500}}, {now + 2 * day, now + 3 * day, Watts{500}}};
  const Plan past_alone = plan(past, prices, battery(), s);
  EXPECT_FALSE(past_alone.sun_told);
  ASSERT_EQ(past_alone.slots.size(), alone.slots.size());
  EXPECT_EQ(past_alone.cost, alone.cost) << "bit for bit";
  for (std::size_t k = 0; k < alone.slots.size(); ++k) {
    EXPECT_EQ(past_alone.slots[k].marks, alone.slots[k].marks);
    EXPECT_EQ(past_alone.slots[k].value, alone.slots[k].value);
  }
}

TEST(Plan, RandomPlansKeepCapsAndReserve) {
  std::mt19937 random{23};
  const auto draw = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(random() % 1000) / 999.0;
  };
  constexpr int plans = 10000;
  for (int n = 0; n < plans && !testing::Test::HasFailure(); ++n) {
    SCOPED_TRACE(n);
    auto b = battery();
    b.to_grid = n % 2 == 0;
    b.bought_to_grid = n % 4 == 0;
    b.import_cap = Watts{draw(500, 3000)};
    b.export_cap = Watts{draw(0, 3000)};
    auto s = settings();
    s.slot_s = hour;
    const int hours = n % 100 == 0 ? 30 : 4;
    s.horizon_s = hours * hour;
    s.cells = 8 + n % 4;
    s.reserve = WattHours{draw(0, 5000)};
    s.stored = WattHours{draw(0, 8640)};
    std::vector<PriceSlot> prices;
    for (UnixSeconds at = now; at < now + hours * hour; at += hour)
      prices.push_back({at, at + hour, draw(-0.2, 0.5), draw(-0.1, 0.3)});
    std::vector<PastSlot> past;
    for (UnixSeconds at = now - 2 * day; at < now; at += hour)
      past.push_back({at, at + hour, WattHours{draw(0, 3000)}, WattHours{draw(0, 3000)}, {}});
    if (n % 3 == 0)
      for (UnixSeconds at = now - hour; at < now + hours * hour; at += hour)
        if (random() % 8 != 0)
          s.sun.push_back({at, at + hour, Watts{random() % 16 == 0 ? 1e9 : draw(0, 4000)}});
    const Plan p = plan(past, prices, b, s);
    ASSERT_FALSE(p.problem);
    SlotTerms terms;
    terms.hours = 1.0;
    terms.reserve = s.reserve.value();
    double stored = s.stored.value();
    for (const auto& slot : p.slots) {
      EXPECT_TRUE(std::isfinite(slot.value));
      const SlotFlows flows{draw(0, 2000), draw(0, 2000)};
      const auto out = follow_marks(terms, flows, b, levels(slot.marks, b), stored, 0.0);
      EXPECT_GE(out.stored, std::min(stored, terms.reserve) - 1e-6);
      EXPECT_LE(out.stored, 8640 + 1e-6);
      if (out.bought > 0.0) {
        EXPECT_LE(flows.deficit + out.bought, b.import_cap->value() + 1e-6);
      }
      if (out.sold > 0.0) {
        EXPECT_LE(flows.surplus + out.sold, b.export_cap->value() + 1e-6);
      }
      stored = out.stored;
    }
  }
}

/// A plan's task of 2 to 8 slots and 2 to 5 days.
struct Task {
  std::vector<AheadSlot> ahead;
  std::vector<DayAhead> days;
  PlanBattery battery;
  PlanSettings settings;
};

Task some_task(unsigned seed) {
  plain::Draw draw{seed};
  Task t;
  t.battery = plain::some_battery(draw);
  if (draw.one_in(6)) t.battery.charge = Watts{draw.of({0.6, 1.0, 1.5})};
  auto& s = t.settings;
  s.begin = now;
  s.stored = WattHours{draw.of({0, 100, 200, 400})};
  s.bought = WattHours{draw.of({0, 100, 200})};
  s.reserve = WattHours{draw.of({0, 0, 50, 100})};
  s.cells = static_cast<int>(draw.of({1, 2, 4, 8}));
  UnixSeconds at = now;
  for (std::size_t n = 2 + draw.below(7); n-- > 0;) {
    const auto length = static_cast<UnixSeconds>(draw.of({1800, 3600, 3600, 21600, 86399, 86400}));
    t.ahead.push_back({at, at + length, draw.of({-0.05, 0.1, 0.1, 0.2, 0.3, 0.3}),
                       draw.of({-0.02, 0.0, 0.05, 0.15, 0.25}), PriceSource::typical});
    at += length;
  }
  for (const bool marked : {true, false}) {
    if (!draw.one_in(3)) continue;
    const auto from = now + static_cast<UnixSeconds>(draw.of({0, 1800, 3600, 21600}));
    FixedSpan span{from, from + static_cast<UnixSeconds>(draw.of({3600, 7200, 43200})), {}, {}};
    if (marked)
      span.marks = draw.one_in(2) ? Marks{.buy = 50.0_soc, .buy_power = 100.0_W, .serve = 50.0_soc}
                                  : marks({.kind = InstructionKind::discharge, .power = 70.0_W});
    else
      span.reserve = WattHours{draw.of({50, 150, 300})};
    span.ordered = draw.one_in(2);
    s.fixed.push_back(span);
  }
  t.days.resize(2 + draw.below(4));
  for (auto& one : t.days)
    for (std::size_t k = 0; k < t.ahead.size(); ++k)
      one.push_back(
          {draw.of({0, 0.5, 50, 120, 300}), draw.of({0, 0, 80, 250}), draw.of({0, 0, 10})});
  return t;
}

std::vector<SlotTerms> terms_of(const Task& t) {
  std::vector<SlotTerms> all;
  double dearest = 0.0;
  for (const auto& slot : t.ahead) dearest = std::max(dearest, slot.import_price / 1000.0);
  for (const auto& slot : t.ahead) {
    SlotTerms terms{static_cast<double>(slot.end - slot.begin) / 3600.0,
                    slot.import_price / 1000.0,
                    slot.export_price / 1000.0,
                    t.settings.reserve.value(),
                    0.0,
                    0.0,
                    {}};
    for (const auto& span : t.settings.fixed) {
      if (span.begin > slot.begin || slot.begin >= span.end) continue;
      if (span.marks) terms.fixed = span.marks, terms.ordered = span.ordered;
      if (span.reserve) terms.reserve = std::max(terms.reserve, span.reserve->value());
    }
    if (!all.empty() && terms.reserve > all.back().reserve) terms.missing_price = dearest;
    all.push_back(terms);
  }
  return all;
}

MarkLevels done_in(const Task& t, const SlotTerms& terms, const MarkLevels& marks) {
  return terms.fixed ? levels(*terms.fixed, t.battery) : marks;
}

/// Each slot buys what a later one of its price would, until the sun comes on some day.
std::vector<MarkLevels> bought_early(std::vector<MarkLevels> marks,
                                     std::span<const SlotTerms> terms,
                                     std::span<const ScenarioFlows> days) {
  const auto late = marks;
  for (std::size_t k = 0; k < marks.size(); ++k) {
    for (std::size_t j = k + 1; j < marks.size(); ++j) {
      const bool alike = terms[j].import_price == terms[k].import_price &&
                         terms[j].export_price == terms[k].export_price &&
                         terms[k].export_price <= terms[k].import_price && !terms[j].fixed;
      const bool dark = std::ranges::all_of(days, [&](const auto& d) { return d[j].surplus == 0; });
      if (!alike || !dark) break;
      auto& m = marks[k];
      m.buy = std::max(m.buy, late[j].buy);
      m.store = std::max(m.store, m.buy);
      m.serve = std::max(m.serve, m.buy);
      m.sell = std::max(m.sell, m.serve);
    }
  }
  return marks;
}

/// What a day becomes by marks.
std::vector<SlotOutcome> course(const Task& t, std::span<const SlotTerms> terms,
                                const ScenarioFlows& flows, std::span<const MarkLevels> marks) {
  std::vector<SlotOutcome> all;
  double stored = t.settings.stored.value();
  double bought = t.settings.bought.value();
  for (std::size_t k = 0; k < terms.size(); ++k) {
    all.push_back(follow_marks(terms[k], flows[k], t.battery, done_in(t, terms[k], marks[k]),
                               stored, bought));
    stored = all.back().stored;
    bought = all.back().of_it_bought;
  }
  return all;
}

/// At this share of their number, between neighbours in proportion.
double quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  const double place = share * static_cast<double>(values.size() - 1);
  double sum = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i)
    sum += values[i] * std::max(0.0, 1.0 - std::abs(place - static_cast<double>(i)));
  return sum;
}

/// Less what is stored at the end.
double mean_cost(const Task& t, std::span<const SlotTerms> terms,
                 std::span<const ScenarioFlows> days, std::span<const MarkLevels> marks,
                 const CostToCome& end) {
  double sum = 0.0;
  for (const auto& one : days) {
    const auto all = course(t, terms, one, marks);
    for (const auto& slot : all) sum += slot.cost;
    sum += end(all.back().stored) - end(0.0);
  }
  return sum / static_cast<double>(days.size());
}

std::vector<UnixSeconds> empty_without_purchase(const Task& t, std::span<const SlotTerms> terms,
                                                std::span<const ScenarioFlows> days,
                                                std::vector<MarkLevels> marks) {
  for (auto& of_slot : marks) of_slot.buy = 0.0;
  std::vector<UnixSeconds> ends;
  for (const auto& one : days) {
    const auto all = course(t, terms, one, marks);
    for (std::size_t k = 0; k < terms.size(); ++k) {
      const bool served =
          one[k].deficit > 0.0 && done_in(t, terms[k], marks[k]).serve <= terms[k].reserve + 1e-6;
      if (served && all[k].stored <= terms[k].reserve + 1e-6) {
        ends.push_back(t.ahead[k].end);
        break;
      }
    }
  }
  std::ranges::sort(ends);
  return ends;
}

TEST(Plan, EqualsTheReference) {
  for (unsigned seed = 0; seed < 700 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    const Task t = some_task(seed);
    const auto& b = t.battery;
    const double full = b.capacity.value();
    const std::size_t n = t.ahead.size();
    const auto share = 1.0 / static_cast<double>(t.days.size());
    const auto days = flows_of(t.days);
    auto terms = terms_of(t);
    std::vector<std::size_t> begins{0};
    for (std::size_t k = 0; k < n; ++k)
      if (t.ahead[k].begin >= t.ahead[begins.back()].begin + day) begins.push_back(k);
    const auto cells = static_cast<std::size_t>(std::max(2, t.settings.cells));
    std::vector<CostToCome> to_come;
    std::vector<MarkLevels> marks;
    const auto decide = [&] {
      to_come = mean_cost_to_come(terms, days, b, cells, begins);
      marks.clear();
      std::vector<double> likely(days.size(), t.settings.stored.value());
      for (std::size_t k = 0; k < n; ++k) {
        std::vector<SlotFlows> flows;
        for (const auto& d : days) flows.push_back(d[k]);
        SlotTerms planned = terms[k];
        planned.fixed.reset();
        planned.ordered = false;
        marks.push_back(best_marks(planned, flows, b, to_come[k + 1], likely));
        const auto does = done_in(t, terms[k], marks.back());
        for (std::size_t d = 0; d < days.size(); ++d)
          likely[d] = follow_marks(terms[k], flows[d], b, does, likely[d], 0.0).stored;
      }
      marks = bought_early(marks, terms, days);
    };
    decide();
    if (b.from_grid && b.to_grid && !b.bought_to_grid) {
      std::vector<double> bought(n, 0.0);
      for (const auto& d : days) {
        const auto all = course(t, terms, d, marks);
        for (std::size_t k = 0; k < n; ++k) bought[k] += all[k].of_it_bought;
      }
      for (std::size_t k = 0; k < n; ++k)
        terms[k].sell_floor = bought[k] / static_cast<double>(days.size());
      decide();
      std::vector<double> most(n + 1, t.settings.bought.value());  // bought, at each slot's begin
      for (std::size_t k = 1; k <= n; ++k) most[k] = 0.0;
      for (const auto& d : days) {
        const auto all = course(t, terms, d, marks);
        for (std::size_t k = 0; k < n; ++k)
          most[k + 1] = std::max(most[k + 1], all[k].of_it_bought);
      }
      for (std::size_t k = 0; k < n; ++k)
        marks[k].sell = std::max({marks[k].sell, most[k], most[k + 1]});
    }

    const Plan p = plan_days(t.ahead, t.days, b, t.settings);
    ASSERT_FALSE(p.problem);
    ASSERT_EQ(p.slots.size(), n);
    EXPECT_EQ(p.days, static_cast<int>(days.size()));
    std::vector<std::vector<SlotOutcome>> courses;
    for (const auto& d : days) courses.push_back(course(t, terms, d, marks));
    std::vector<double> stored(days.size(), t.settings.stored.value());
    double none = 0.0;
    bool buys = false;
    for (std::size_t k = 0; k < n; ++k) {
      const auto& slot = p.slots[k];
      EXPECT_EQ(slot.begin, t.ahead[k].begin);
      EXPECT_EQ(slot.end, t.ahead[k].end);
      EXPECT_EQ(slot.import_price, t.ahead[k].import_price);
      EXPECT_EQ(slot.export_price, t.ahead[k].export_price);
      EXPECT_EQ(slot.source, PriceSource::typical);
      if (terms[k].fixed && !terms[k].ordered) {
        EXPECT_EQ(slot.marks, *terms[k].fixed);
      } else {
        EXPECT_NEAR(slot.marks.buy.ratio() * full, marks[k].buy, 1e-7);
        EXPECT_NEAR(slot.marks.store.ratio() * full, marks[k].store, 1e-7);
        EXPECT_NEAR(slot.marks.serve.ratio() * full, marks[k].serve, 1e-7);
        EXPECT_NEAR(slot.marks.sell.ratio() * full, marks[k].sell, 1e-7);
        EXPECT_EQ(slot.marks.buy_power, marks[k].buy > 0.0 ? b.charge : Watts{});
        EXPECT_EQ(slot.marks.sell_power, marks[k].sell < full ? b.discharge : Watts{});
      }
      double mean = 0.0;
      for (const double e : stored) mean += e * share;
      EXPECT_NEAR(slot.charge.mean.value(), mean, 1e-7);
      EXPECT_NEAR(slot.charge.low.value(), quantile(stored, 0.1), 1e-7);
      EXPECT_NEAR(slot.charge.high.value(), quantile(stored, 0.9), 1e-7);
      const double width = full / static_cast<double>(cells);
      const double low = mean > width ? mean - width : 0.0;
      const double high = mean < full - width ? mean + width : full;
      EXPECT_NEAR(slot.value, 1000.0 * (to_come[k](low) - to_come[k](high)) / (high - low), 1e-7);
      double bought = 0.0;
      for (std::size_t d = 0; d < days.size(); ++d) {
        bought += courses[d][k].bought * share;
        stored[d] = courses[d][k].stored;
        none += plain::actions(terms[k], days[d][k], b, 0.0).rest.cost * share;
      }
      EXPECT_NEAR(slot.bought.value(), bought, 1e-7);
      if (bought > 1.0 && !terms[k].fixed) buys = true;
    }
    EXPECT_NEAR(p.cost_no_battery, none, 1e-9);
    EXPECT_NEAR(p.cost, mean_cost(t, terms, days, marks, to_come.back()), 1e-9);
    const std::vector<MarkLevels> balance(n, MarkLevels{0.0, full, 0.0, full});
    EXPECT_NEAR(p.cost_balance, mean_cost(t, terms, days, balance, to_come.back()), 1e-9);
    ASSERT_EQ(p.without_purchase.has_value(), buys);
    if (!buys) continue;
    const auto ends = empty_without_purchase(t, terms, days, marks);
    EXPECT_EQ(p.without_purchase->days, static_cast<int>(days.size()));
    EXPECT_EQ(p.without_purchase->empty, static_cast<int>(ends.size()));
    const UnixSeconds by = ends.empty() ? 0 : ends[(ends.size() + 1) / 2 - 1];
    EXPECT_EQ(p.without_purchase->by, by);
  }
}

TEST(Plan, ReplaysTheDaysPastOverTheSlotsAhead) {
  const auto s = settings();
  const auto prices = two_rates();
  const auto past = house(5, 700);
  const auto ahead = slots_ahead(prices, s);
  const Plan a = plan(past, prices, battery(), s);
  const Plan b = plan_days(ahead, past_days(ahead, past, s), battery(), s);
  EXPECT_EQ(a.days, 5);
  EXPECT_EQ(a.cost, b.cost);
  ASSERT_EQ(a.slots.size(), b.slots.size());
  for (std::size_t k = 0; k < a.slots.size(); ++k) EXPECT_EQ(a.slots[k].marks, b.slots[k].marks);
}

TEST(Plan, SellsNothingAtFullWhateverTheCapacity) {
  for (int capacity = 1000; capacity < 3000; capacity += 10) {
    auto b = battery();
    b.capacity = WattHours{static_cast<double>(capacity) + 0.3};
    auto s = settings();
    s.horizon_s = 2 * hour;
    s.slot_s = hour;
    const std::vector<PriceSlot> prices{{now, now + hour, 0.02, 0.10},
                                        {now + hour, now + 2 * hour, 0.3, 0.0}};
    const Plan p = plan(house(2), prices, b, s);
    EXPECT_EQ(p.slots[0].marks.sell_power, Watts{}) << capacity;
    EXPECT_NEAR(p.slots[1].marks.store.percent(), 100.0, 1e-9) << capacity;
  }
}

TEST(Plan, NeedsCapacityAndEfficiencies) {
  for (const auto what : {&PlanBattery::charge_efficiency, &PlanBattery::discharge_efficiency}) {
    auto b = battery();
    b.*what = 0.0;
    EXPECT_EQ(plan(house(2), two_rates(), b, settings()).problem, NoPlan::battery_unknown);
  }
  auto b = battery();
  b.capacity = WattHours{};
  EXPECT_EQ(plan(house(2), two_rates(), b, settings()).problem, NoPlan::battery_unknown);
}

TEST(Plan, TellsTheReasonByTheClockOfTheSite) {
  Plan p;
  PlanSettings s;
  EXPECT_EQ(reason_in_words(p, s), "");
  p.without_purchase = WithoutPurchase{14, 9, now + 21 * hour + 5 * 60};
  EXPECT_EQ(reason_in_words(p, s),
            "without it the battery would have been empty by 21:05 on 9 of the last 14 days");
  s.utc_offset = [](UnixSeconds at) { return at > now ? 145 : 0; };
  EXPECT_EQ(reason_in_words(p, s),
            "without it the battery would have been empty by 23:30 on 9 of the last 14 days");
  p.without_purchase = WithoutPurchase{3, 1, now + 23 * hour};
  EXPECT_EQ(reason_in_words(p, s),
            "without it the battery would have been empty by 01:25 on 1 of the last 3 days");
  s.utc_offset = [](UnixSeconds) { return -90; };
  p.without_purchase = WithoutPurchase{3, 1, hour};
  EXPECT_EQ(reason_in_words(p, s),
            "without it the battery would have been empty by 23:30 on 1 of the last 3 days");
  p.without_purchase = WithoutPurchase{3, 2, hour + 29 * 60};
  EXPECT_EQ(reason_in_words(p, s),
            "without it the battery would have been empty by 23:59 on 2 of the last 3 days");
  p.without_purchase = WithoutPurchase{3, 0, 0};
  EXPECT_EQ(reason_in_words(p, s),
            "without it the battery would have been empty on none of the last 3 days");
}

TEST(Plan, WhatNobodySetIsNothing) {
  const SlotTerms terms;
  for (const double value : {terms.hours, terms.import_price, terms.export_price, terms.reserve,
                             terms.sell_floor, terms.missing_price})
    EXPECT_EQ(value, 0.0);
  const SlotFlows flows;
  EXPECT_EQ(flows.deficit, 0.0);
  EXPECT_EQ(flows.surplus, 0.0);
  const SlotAction action;
  for (const double value : {action.change, action.cost, action.bought, action.sold})
    EXPECT_EQ(value, 0.0);
  const MarkLevels marks;
  for (const double value : {marks.buy, marks.store, marks.serve, marks.sell})
    EXPECT_EQ(value, 0.0);
  const SlotOutcome out;
  for (const double value : {out.stored, out.of_it_bought, out.cost, out.bought, out.sold})
    EXPECT_EQ(value, 0.0);
  const AheadSlot ahead;
  EXPECT_EQ(ahead.begin, 0);
  EXPECT_EQ(ahead.end, 0);
  EXPECT_EQ(ahead.import_price, 0.0);
  EXPECT_EQ(ahead.export_price, 0.0);
  EXPECT_EQ(ahead.source, PriceSource::known);
  const SlotEnergy energy;
  for (const double value : {energy.load, energy.solar, energy.crossing, energy.beyond})
    EXPECT_EQ(value, 0.0);
  const PastSlot past;
  const PriceSlot price;
  const FixedSpan span;
  const SunSlot sun;
  const PlannedSlot planned;
  for (const UnixSeconds at : {sun.begin, sun.end, past.begin, past.end, price.begin, price.end,
                               span.begin, span.end, planned.begin, planned.end})
    EXPECT_EQ(at, 0);
  EXPECT_EQ(planned.import_price, 0.0);
  EXPECT_EQ(planned.export_price, 0.0);
  EXPECT_EQ(planned.value, 0.0);
  EXPECT_EQ(planned.source, PriceSource::known);
  const Plan none;
  EXPECT_EQ(none.days, 0);
  EXPECT_FALSE(none.sun_told);
  EXPECT_EQ(none.cost, 0.0);
  EXPECT_EQ(none.cost_balance, 0.0);
  EXPECT_EQ(none.cost_no_battery, 0.0);
  const WithoutPurchase without;
  EXPECT_EQ(without.days, 0);
  EXPECT_EQ(without.empty, 0);
  EXPECT_EQ(without.by, 0);
}

TEST(Plan, OfItselfLooksTwoDaysAheadAndTwoWeeksBack) {
  const PlanSettings s;
  EXPECT_EQ(s.begin, 0);
  EXPECT_EQ(s.horizon_s, 2 * day);
  EXPECT_EQ(s.slot_s, 900);
  EXPECT_EQ(s.days, 14);
  EXPECT_EQ(s.cells, 54);
  EXPECT_EQ(s.unknown, UnknownPrice::typical);
  const PlanBattery b;
  EXPECT_EQ(b.charge_efficiency, 1.0);
  EXPECT_EQ(b.discharge_efficiency, 1.0);
  EXPECT_EQ(b.wear, 0.0);
  EXPECT_TRUE(b.from_grid);
  EXPECT_FALSE(b.to_grid);
  EXPECT_TRUE(b.bought_to_grid);
}

}  // namespace
}  // namespace esshub::control
