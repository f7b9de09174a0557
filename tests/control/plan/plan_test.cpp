#include "control/plan/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "control/plan/flows.hpp"

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
  EXPECT_LT(sold(plan(house(14, 300), prices, b, s)), 100) << "the house alone";
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

}  // namespace
}  // namespace esshub::control
