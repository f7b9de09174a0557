#include "service/planner.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "tests/service/smart_house.hpp"

namespace esshub::service {
namespace {

TEST(Planner, BuysInTheCheapHoursWhatTheDaysNeeded) {
  House h;
  h.recall(15);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  const auto& plan = *h.planner.last();
  EXPECT_EQ(plan.days, 14);
  EXPECT_EQ(plan.slots.size(), 192u);
  EXPECT_GT(plan.slots[19].charge.mean.value(), 4300) << "of 4800, at 04:45";
  EXPECT_LT(plan.cost, plan.cost_balance);
  const auto table = h.planner.table(h.view);
  EXPECT_EQ(table.made, h.view.now);
  EXPECT_EQ(table.count, 144u) << "36 h";
  EXPECT_EQ(table.entries[0].begin, h.view.now);
  EXPECT_EQ(table.entries[143].end, h.view.now + 36h);
  const auto bought = [&](std::size_t from, std::size_t to) {
    return std::any_of(table.entries.begin() + from, table.entries.begin() + to,
                       [](const auto& entry) { return entry.marks.buy_power > Watts{}; });
  };
  EXPECT_TRUE(bought(0, 20));
  EXPECT_FALSE(bought(20, 96)) << "from 05:00 on";
  const auto spans = h.planner.spans(h.view);
  ASSERT_EQ(spans.size(), 144u);
  EXPECT_EQ(std::ranges::count(spans, InstructionKind::charge,
                               [](const auto& span) { return span.instruction.kind; }) > 0,
            true);
  EXPECT_EQ(spans[70].instruction.kind, InstructionKind::balance);
  h.pass(1h);
  EXPECT_EQ(h.planner.table(h.view).entries[0].begin, h.view.now) << "what is over is left out";
  EXPECT_EQ(h.planner.table(h.view).made, h.view.now - 1h);
}

TEST(Planner, ShowsWhatTheControlFollowsAndNothingElse) {
  House h;
  h.recall(15);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  const auto sizes = [&] {
    const auto shown = h.planner.shown(h.view);
    return std::vector{h.planner.table(h.view).count, h.planner.spans(h.view).size(),
                       shown ? shown->slots.size() : 0};
  };
  EXPECT_EQ(sizes(), std::vector<std::size_t>(3, 144)) << "36 h of 48";
  h.pass(15min);
  EXPECT_EQ(sizes(), std::vector<std::size_t>(3, 143)) << "one is over";
  EXPECT_EQ(h.planner.shown(h.view)->slots[0].begin, h.view.wall);
  EXPECT_EQ(h.planner.spans(h.view)[0].begin, h.view.wall);
  h.view.local.trusted = false;
  EXPECT_EQ(sizes(), std::vector<std::size_t>(3, 0));
  h.view.local.trusted = true;
  h.pass(36h);
  EXPECT_FALSE(h.planner.shown(h.view)) << "it is over";
}

TEST(Planner, ShowsNoSlotWhosePriceIsNotKnown) {
  House h;
  h.in_force.settings.tariff.import_price.reset();
  h.in_force.settings.tariff.bands = {{{control::every_day, 0, 300}, 0.07},
                                      {{0b0000001, 300, 1440}, 0.30}};
  h.recall(15);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  EXPECT_EQ(h.planner.last()->slots.size(), 192u) << "on Tuesday the price of Monday";
  EXPECT_EQ(h.planner.table(h.view).count, 116u) << "until 05:00 on Tuesday";
  EXPECT_EQ(h.planner.spans(h.view).size(), 116u);
  EXPECT_EQ(h.planner.shown(h.view)->slots.size(), 116u);
  h.pass(29h);
  EXPECT_EQ(h.planner.table(h.view).count, 0u);
  EXPECT_EQ(h.planner.table(h.view).made, h.view.now - 29h) << "it ended; it was made all the same";
}

/// From midnight on, an hour each.
FeedSlots hours(int first, const std::vector<double>& prices) {
  FeedSlots slots;
  for (const double price : prices) {
    const auto begin = seconds(midnight) + first++ * 3600;
    slots.push_back({begin, begin + 3600, price});
  }
  return slots;
}

TEST(Planner, GoesByPricesThatAreTold) {
  House h;
  h.recall(15);
  h.in_force.told.import_price = hours(-24, std::vector<double>(24, 0.40));
  auto today = hours(0, std::vector<double>(24, 0.20));
  today[12].value = -0.05;
  h.in_force.told.import_price.insert(h.in_force.told.import_price.end(), today.begin(),
                                      today.end());
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  const auto& slots = h.planner.last()->slots;
  ASSERT_EQ(slots.size(), 192u);
  EXPECT_EQ(slots[0].import_price, 0.20);
  EXPECT_EQ(slots[48].import_price, -0.05);
  EXPECT_EQ(slots[48].source, control::PriceSource::known);
  EXPECT_EQ(slots[48].export_price, 0.05) << "the tariff's, of which nothing is told";
  EXPECT_GT(slots[51].marks.buy_power, Watts{});
  EXPECT_EQ(slots[48].marks.serve.percent(), 100.0);
  EXPECT_DOUBLE_EQ(slots[96].import_price, 0.30)
      << "what that time was today and the day before, not the tariff's 0.07";
  EXPECT_EQ(slots[96].source, control::PriceSource::typical);
  EXPECT_EQ(h.planner.table(h.view).count, 96u) << "as far as it is told";
  const auto shown = h.planner.shown(h.view);
  ASSERT_EQ(shown->slots.size(), 96u);
  EXPECT_EQ(shown->slots[48].import_price, -0.05);
}

TEST(Planner, WhereNothingIsToldOfNowTheTariffHoldsWhereNothingElseIsTold) {
  House h;
  h.recall(15);
  h.in_force.told.import_price = hours(6, {0.11, 0.12});
  h.in_force.told.export_price = hours(-3, {0.5, 0.6});
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  const auto& slots = h.planner.last()->slots;
  EXPECT_EQ(slots[0].import_price, 0.07);
  EXPECT_EQ(slots[23].import_price, 0.30);
  EXPECT_EQ(slots[24].import_price, 0.11);
  EXPECT_EQ(slots[31].import_price, 0.12);
  EXPECT_EQ(slots[32].import_price, 0.30);
  EXPECT_EQ(slots[0].export_price, 0.05) << "what is told of it has ended";
  EXPECT_EQ(h.planner.table(h.view).count, 144u);
}

TEST(Planner, PlansAnewForOtherPricesThatAreTold) {
  House h;
  h.recall(15);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  h.pass(1min);
  EXPECT_FALSE(h.planner.due(h.view, h.in_force));
  auto other = h.in_force;
  other.told.import_price = hours(0, {0.1});
  EXPECT_TRUE(h.planner.due(h.view, other));
  other = h.in_force;
  other.told.export_price = hours(0, {0.1});
  EXPECT_TRUE(h.planner.due(h.view, other));
  other = h.in_force;
  other.told.solar = hours(0, {1000});
  EXPECT_FALSE(h.planner.due(h.view, other)) << "the sun is told often";
}

/// 150 W; from 09:00 until 15:00 sun of 1500 W on every second day, else of 200 W.
void recall_sun(House& h, double taken = 0.0) {
  h.recall(15, [&](control::UnixSeconds at) {
    const bool sun = at % day >= 9 * 3600 && at % day < 15 * 3600;
    const double watts = at / day % 2 == 0 ? 1500.0 : 200.0;
    return PastMinute{at, Watts{150}, Watts{sun ? watts : 0.0}, Watts{sun ? taken : 0.0}};
  });
}

double bought(const Planner& planner) {
  double sum = 0.0;
  for (const auto& slot : planner.last()->slots) sum += slot.bought.value();
  return sum;
}

TEST(Planner, GoesByTheSunThatIsTold) {
  const auto plan = [](double from_9_to_15, double taken = 0.0, bool metered = true) {
    House h;
    h.in_force.settings.solar_metered = metered;
    recall_sun(h, taken);
    h.in_force.told.solar_issued = seconds(midnight) - 600;
    h.in_force.told.solar = {{seconds(midnight) - day, seconds(midnight), 9e4}};
    for (int n = 0; n < 3; ++n)
      h.in_force.told.solar.push_back({seconds(midnight) + n * day + 9 * 3600,
                                       seconds(midnight) + n * day + 15 * 3600, from_9_to_15});
    EXPECT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
    const auto shown = h.planner.shown(h.view);
    EXPECT_TRUE(shown);
    EXPECT_EQ(shown->sun_issued, metered ? std::optional{midnight - 10min} : std::nullopt);
    return bought(h.planner);
  };
  House alone;
  recall_sun(alone);
  ASSERT_EQ(alone.planner.plan(alone.view, alone.in_force), std::nullopt);
  EXPECT_EQ(alone.planner.shown(alone.view)->sun_issued, std::nullopt);
  EXPECT_GT(plan(0), bought(alone.planner) + 300);
  EXPECT_LT(plan(1500), bought(alone.planner) - 300);
  EXPECT_GT(plan(800), plan(1500));
  EXPECT_GT(plan(1500, 600), plan(1500) + 300) << "others take their part of it";
  EXPECT_EQ(plan(0, 0.0, false), bought(alone.planner)) << "nothing to hold it against";
  House ended;
  recall_sun(ended);
  ended.in_force.told.solar = {{seconds(midnight) - day, seconds(midnight), 9e4},
                               {seconds(midnight) + 2 * day, seconds(midnight) + 3 * day, 9e4}};
  ended.in_force.told.solar_issued = seconds(midnight) - 600;
  ASSERT_EQ(ended.planner.plan(ended.view, ended.in_force), std::nullopt);
  EXPECT_EQ(ended.planner.shown(ended.view)->sun_issued, std::nullopt);
  EXPECT_EQ(bought(ended.planner), bought(alone.planner));
  alone.in_force.told.solar = {{seconds(midnight), seconds(midnight) + day, 500}};
  ASSERT_EQ(alone.planner.plan(alone.view, alone.in_force), std::nullopt);
  EXPECT_TRUE(alone.planner.shown(alone.view)->sun_issued);
  alone.in_force.told.solar.clear();
  ASSERT_EQ(alone.planner.plan(alone.view, alone.in_force), std::nullopt);
  EXPECT_EQ(alone.planner.shown(alone.view)->sun_issued, std::nullopt);
}

TEST(Planner, AnotherSunThatIsToldIsPlannedForAfterAnHour) {
  House h;
  h.recall(15);
  h.in_force.told.solar = hours(2, {1000, 900});
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  auto other = h.in_force;
  other.told.solar = hours(2, {1000, 800});
  h.pass(1h - 1s);
  EXPECT_FALSE(h.planner.due(h.view, other));
  h.pass(1s);
  EXPECT_TRUE(h.planner.due(h.view, other));
  EXPECT_FALSE(h.planner.due(h.view, h.in_force));
  auto cut = h.in_force;
  cut.told.solar = hours(3, {900});
  cut.told.solar_issued = seconds(h.view.wall);
  EXPECT_TRUE(h.planner.due(h.view, cut)) << "an hour that is still to come is not told any more";
  h.pass(2h);
  EXPECT_FALSE(h.planner.due(h.view, cut)) << "it is over";
  other = h.in_force;
  other.told.solar.push_back({seconds(midnight) + 2 * day - 1, seconds(midnight) + 3 * day, 500});
  EXPECT_TRUE(h.planner.due(h.view, other));
  other.told.solar.back().begin = seconds(midnight) + 2 * day;
  EXPECT_FALSE(h.planner.due(h.view, other)) << "beyond what is planned";
}

TEST(Planner, SunThatIsNotMeteredIsNotPlannedByNorForAnew) {
  House h;
  h.in_force.settings.solar_metered = false;
  h.recall(15);
  h.in_force.told.solar = hours(2, {1000, 900});
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  h.in_force.told.solar.clear();
  h.pass(6h - 1s);
  EXPECT_FALSE(h.planner.due(h.view, h.in_force));
  h.pass(1s);
  EXPECT_TRUE(h.planner.due(h.view, h.in_force));
}

TEST(Planner, OfWhatIsToldOnlyTheHoursAheadThatItPlansForMakeItDue) {
  const auto at = seconds(midnight);
  constexpr std::int64_t hour = 3600;
  const FeedSlots told{{at - 2 * hour, at - hour, 0.5},
                       {at - hour, at, 0.4},
                       {at, at + hour, 0.3},
                       {at + hour, at + 48 * hour, 0.2},
                       {at + 48 * hour, at + 72 * hour, 0.1}};
  for (auto ToldSlots::*kind : {&ToldSlots::import_price, &ToldSlots::export_price}) {
    House h;
    h.recall(15);
    h.in_force.told.*kind = told;
    ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
    auto other = h.in_force;
    const auto due_with = [&](const std::function<void(FeedSlots&)>& change) {
      (other.told.*kind) = told;
      change(other.told.*kind);
      return h.planner.due(h.view, other);
    };
    EXPECT_FALSE(due_with([](auto& slots) { slots.erase(slots.begin(), slots.begin() + 2); }));
    EXPECT_FALSE(due_with([](auto& slots) { slots.pop_back(); })) << "48 h are planned";
    EXPECT_FALSE(due_with([](auto& slots) {
      slots.insert(slots.begin() + 3, slots[3]);
      slots[3].end = slots[4].begin += 1800;
    })) << "in two pieces";
    EXPECT_TRUE(due_with([](auto& slots) { slots[2].value = 0.31; }));
    EXPECT_TRUE(due_with([](auto& slots) { --slots[3].end; })) << "the last second";
    h.pass(1h - 1s);
    EXPECT_TRUE(due_with([](auto& slots) { slots[2].value = 0.31; }));
    h.pass(1s);
    EXPECT_FALSE(due_with([](auto& slots) { slots[2].value = 0.31; })) << "it is over";
    EXPECT_FALSE(due_with([](auto& slots) { slots.pop_back(); }))
        << "48 h from when it was planned";
    EXPECT_TRUE(due_with([](auto& slots) { --slots[3].end; }));
  }
}

/// Of a kind that tells nothing of now the tariff holds, also where a later slot tells nothing.
TEST(Planner, PlansAnewWhenWhatIsToldBeginsOrEnds) {
  const auto at = seconds(midnight);
  constexpr std::int64_t quarter = 900;
  for (auto ToldSlots::*kind : {&ToldSlots::import_price, &ToldSlots::export_price}) {
    House h;
    h.recall(15);
    h.in_force.told.*kind = {{at + quarter, at + 4 * quarter, 0.2}};
    ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
    h.pass(15min - 1s);
    EXPECT_FALSE(h.planner.due(h.view, h.in_force));
    h.pass(1s);
    EXPECT_TRUE(h.planner.due(h.view, h.in_force)) << "it begins";
    ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
    EXPECT_FALSE(h.planner.due(h.view, h.in_force));
    h.pass(45min - 1s);
    EXPECT_FALSE(h.planner.due(h.view, h.in_force));
    h.pass(1s);
    EXPECT_TRUE(h.planner.due(h.view, h.in_force)) << "it has ended";
    ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
    EXPECT_FALSE(h.planner.due(h.view, h.in_force));
  }
}

/// A plan begins with its minute.
TEST(Planner, PlansNotAgainForWhatBeganWithinItsMinute) {
  House h;
  h.recall(15);
  h.pass(30s);
  h.in_force.told.import_price = {{seconds(midnight) + 20, seconds(midnight) + day, 0.2}};
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  h.pass(29s);
  EXPECT_FALSE(h.planner.due(h.view, h.in_force));
  h.pass(1s);
  EXPECT_TRUE(h.planner.due(h.view, h.in_force));
}

TEST(Planner, APlanGoesOnWhereAnOldSlotIsNoLongerTold) {
  House h;
  h.recall(15);
  std::vector<double> prices(16 * 24);
  for (std::size_t n = 0; n < prices.size(); ++n) prices[n] = n % 24 < 6 ? 0.1 : 0.3;
  h.in_force.told.import_price = hours(-15 * 24, prices);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  h.in_force.told.import_price.erase(h.in_force.told.import_price.begin());
  h.pass(1h);
  EXPECT_FALSE(h.planner.due(h.view, h.in_force));
  h.view.snapshot = {};
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), control::NoPlan::battery_unknown);
  EXPECT_EQ(h.planner.table(h.view).count, 92u) << "until midnight";
}

TEST(Planner, AFixedRateThatIsToldAnewEachHourIsPlannedForEverySixHours) {
  House h;
  h.recall(15);
  const auto tell = [&] {
    const auto at = seconds(h.view.wall);
    h.in_force.told.import_price = {{at - day, at + 3 * day, 0.2}};
  };
  tell();
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  for (int n = 0; n < 5; ++n) {
    h.pass(1h);
    tell();
    EXPECT_FALSE(h.planner.due(h.view, h.in_force)) << n;
  }
  h.pass(1h);
  tell();
  EXPECT_TRUE(h.planner.due(h.view, h.in_force));
  h.view.snapshot = {};
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), control::NoPlan::battery_unknown);
  EXPECT_EQ(h.planner.table(h.view).count, 120u) << "it goes on";
}

TEST(Planner, TellsTheControlAsManySlotsAsItsTableHolds) {
  House h;
  h.prices({{0, 300, 0.30, 0.05}});
  for (int minute = 0; minute < 300; minute += 2)
    h.in_force.settings.schedule.push_back(
        {{control::every_day, minute, minute + 1}, {.kind = InstructionKind::idle}});
  h.recall(2);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  EXPECT_EQ(h.planner.spans(h.view).size(), 300u);
  const auto table = h.planner.table(h.view);
  ASSERT_EQ(table.count, control::MarkTable::most);
  EXPECT_EQ(table.entries.back().begin, h.view.now + 255min);
  EXPECT_EQ(table.entries.back().end, h.view.now + 256min);
}

TEST(Planner, TellsPeopleWhatItDoesAndWhy) {
  House h;
  EXPECT_FALSE(h.planner.shown(h.view));
  h.recall(15);
  h.in_force.settings.schedule = {
      {{control::every_day, 720, 780}, {.kind = InstructionKind::idle}}};
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  const auto shown = *h.planner.shown(h.view);
  EXPECT_EQ(shown.made, midnight);
  EXPECT_EQ(shown.days, 14);
  EXPECT_LT(shown.cost, shown.cost_balance);
  EXPECT_LT(shown.cost_balance, shown.cost_no_battery);
  EXPECT_EQ(shown.reason,
            "without it the battery would have been empty by 12:00 on 14 of the last 14 days");
  ASSERT_EQ(shown.slots.size(), 144u);
  const auto bought = std::ranges::find(shown.slots, InstructionKind::charge,
                                        [](const auto& slot) { return slot.instruction.kind; });
  ASSERT_NE(bought, shown.slots.end());
  EXPECT_LT(bought->begin, midnight + 5h);
  EXPECT_GE(bought->value, 0.07 / 0.95 - 1e-9);
  EXPECT_LE(bought->value, 0.30 * 0.95 + 1e-9);
  EXPECT_EQ(bought->reason.substr(0, 45), "a kWh is bought for 0.070: stored it is worth");
  EXPECT_NEAR(shown.slots[0].charge.percent(), 50.0, 1e-6);
  EXPECT_EQ(shown.slots[0].import_price, 0.07);
  EXPECT_EQ(shown.slots[24].import_price, 0.30);
  EXPECT_EQ(shown.slots[24].export_price, 0.05);
  EXPECT_EQ(shown.slots[70].reason.substr(0, 20), "the house is served:");
  EXPECT_EQ(shown.slots[92].reason.substr(0, 19), "the reserve is kept") << "empty at 23:00";
  EXPECT_EQ(shown.slots[48].reason, "the weekly plan or an order") << "at noon";
}

TEST(Planner, TellsWhatIsInTheWay) {
  House h;
  h.recall(1);
  EXPECT_EQ(h.planner.plan(h.view, h.in_force), control::NoPlan::too_few_days);
  EXPECT_EQ(h.planner.table(h.view), control::MarkTable{});
  EXPECT_TRUE(h.planner.spans(h.view).empty());
  EXPECT_EQ(name(control::NoPlan::too_few_days), "too_few_days");
  EXPECT_EQ(h.planner.problem(), control::NoPlan::too_few_days);
  h.recall(3);
  EXPECT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  h.in_force.settings.tariff = {};
  EXPECT_EQ(h.planner.plan(h.view, h.in_force), control::NoPlan::price_unknown);
  h.in_force.settings.tariff.import_price = 0.3;
  h.view.snapshot = {};
  EXPECT_EQ(h.planner.plan(h.view, h.in_force), control::NoPlan::battery_unknown);
  h.put(Point::battery, Measure::capacity, 100);
  EXPECT_EQ(h.planner.plan(h.view, h.in_force), control::NoPlan::battery_unknown) << "no SOC";
  h.put(Point::battery, Measure::soc, 50);
  EXPECT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
}

TEST(Planner, APlanGoesOnWhereNothingButTheHourHasChanged) {
  House h;
  h.recall(3);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  h.pass(6h);
  h.view.snapshot = {};
  EXPECT_EQ(h.planner.plan(h.view, h.in_force), control::NoPlan::battery_unknown);
  EXPECT_EQ(h.planner.table(h.view).count, 120u);
  EXPECT_EQ(h.planner.spans(h.view).size(), 120u);
  h.in_force.orders.last_full = h.view.now;
  EXPECT_EQ(h.planner.plan(h.view, h.in_force), control::NoPlan::battery_unknown);
  EXPECT_EQ(h.planner.table(h.view).count, 120u) << "no order";
}

/// Where planning fails after the change.
void expect_dropped_after(const std::function<void(House&)>& change) {
  House h;
  h.recall(3);
  h.planner.note(h.view, h.in_force.settings);
  h.pass(2min);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  change(h);
  ASSERT_NE(h.planner.plan(h.view, h.in_force), std::nullopt);
  EXPECT_EQ(h.planner.table(h.view).count, 0u);
  EXPECT_EQ(h.planner.table(h.view).made, h.view.now) << "it was made all the same";
  EXPECT_TRUE(h.planner.spans(h.view).empty());
  EXPECT_FALSE(h.planner.shown(h.view));
  EXPECT_FALSE(h.planner.last());
  EXPECT_FALSE(h.planner.due(h.view, h.in_force));
  h.pass(1min);
  EXPECT_TRUE(h.planner.due(h.view, h.in_force));
}

TEST(Planner, APlanForOtherSettingsOrOrdersIsDroppedWhereThereIsNoNewOne) {
  expect_dropped_after([](House& h) { h.in_force.settings.tariff = {}; });
  expect_dropped_after([](House& h) {
    h.in_force.settings.smart_sells = !h.in_force.settings.smart_sells;
    h.view.snapshot = {};
    h.put(Point::battery, Measure::capacity, 100);
  });
  expect_dropped_after([](House& h) {
    h.in_force.orders.reserve = 60.0_soc;
    h.view.snapshot = {};
    h.put(Point::battery, Measure::soc, 50);
  });
}

TEST(Planner, ReserveFloorAndCeilingBoundThePlan) {
  House h;
  h.in_force.settings.soc_ceiling = 90.0_soc;
  h.in_force.orders.reserve = 40.0_soc;
  h.recall(15);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  for (const auto& slot : h.planner.last()->slots) {
    EXPECT_GE(slot.charge.low.value(), 0.4 * 4800 - 1);
    EXPECT_LE(slot.charge.high.value(), 0.9 * 4800 + 400) << "a slot at most";
  }
}

TEST(Planner, CapacityAndChargerAreCountedByTheCells) {
  House h;
  h.in_force.settings.cells = 16;  // 51.2 V
  h.in_force.settings.charger_current = 10.0_A;
  h.recall(15);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  const auto& slots = h.planner.last()->slots;
  EXPECT_NEAR(slots[0].charge.mean.value(), 2560, 1e-6);
  EXPECT_NEAR(slots[19].marks.buy_power.value(), 512, 1e-6);
}

TEST(Planner, ScheduleAndOrdersAreFixed) {
  House h;
  const Instruction rest{.kind = InstructionKind::idle};
  h.in_force.settings.schedule = {{{control::every_day, 0, 120}, rest}};
  h.in_force.orders.manual = Order{{.kind = InstructionKind::idle}, h.view.now + 4h};
  h.in_force.orders.storm = Storm{95.0_soc, h.view.now + 30h, h.view.now + 12h, true};
  h.recall(15);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  const auto& slots = h.planner.last()->slots;
  EXPECT_NEAR(slots[16].charge.mean.value(), 2400, 1) << "until 04:00 nothing happens";
  EXPECT_GT(slots[48].charge.mean.value(), 3500) << "kept for the storm at noon";
  h.in_force.orders = {};
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  EXPECT_NEAR(h.planner.last()->slots[8].charge.mean.value(), 2400, 1) << "until 02:00";
  EXPECT_GT(h.planner.last()->slots[20].charge.mean.value(), 4300);
}

TEST(Planner, IsDueEverySixHoursAndWhenWhatIsInForceChanges) {
  House h;
  EXPECT_TRUE(h.planner.due(h.view, h.in_force));
  h.in_force.mode = Mode::scheduled;
  EXPECT_FALSE(h.planner.due(h.view, h.in_force)) << "only in Smart mode";
  h.in_force.mode = Mode::smart;
  h.view.local.trusted = false;
  EXPECT_FALSE(h.planner.due(h.view, h.in_force));
  h.view.local.trusted = true;
  static_cast<void>(h.planner.plan(h.view, h.in_force));
  EXPECT_FALSE(h.planner.due(h.view, h.in_force));
  h.pass(1min);
  EXPECT_TRUE(h.planner.due(h.view, h.in_force)) << "there was none";
  h.recall(15);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  h.pass(6h - 1s);
  EXPECT_FALSE(h.planner.due(h.view, h.in_force));
  auto other = h.in_force;
  other.settings.reserve = 33.0_soc;
  EXPECT_TRUE(h.planner.due(h.view, other));
  other = h.in_force;
  other.orders.reserve = 33.0_soc;
  EXPECT_TRUE(h.planner.due(h.view, other));
  other = h.in_force;
  other.orders.last_full = h.view.now;
  EXPECT_FALSE(h.planner.due(h.view, other)) << "no order";
  other = h.in_force;
  other.orders.manual = Order{{.kind = InstructionKind::idle}, h.view.now + 1h};
  EXPECT_TRUE(h.planner.due(h.view, other));
  other = h.in_force;
  other.orders.storm = Storm{60.0_soc, h.view.now + 2h, h.view.now + 1h, true};
  EXPECT_TRUE(h.planner.due(h.view, other));
  EXPECT_EQ(Planner::Orders{}.mode, Mode::balance);
  h.pass(1s);
  EXPECT_TRUE(h.planner.due(h.view, h.in_force));
}

TEST(Planner, CoversASlotFromItsFirstSecond) {
  House h;
  h.prices({{0, 60, 0.30, 0.05}});
  h.recall(2);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  h.pass(15min);
  EXPECT_FALSE(h.planner.due(h.view, h.in_force));
}

TEST(Planner, TriesAgainAfterAMinuteWhileTheOldPlanGoesOn) {
  House h;
  h.prices({{0, 60, 0.30, 0.05}});
  h.recall(2);
  h.planner.note(h.view, h.in_force.settings);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  h.pass(3min);
  h.view.snapshot = {};
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), control::NoPlan::battery_unknown);
  EXPECT_TRUE(h.planner.last());
  h.pass(1min - 1s);
  EXPECT_FALSE(h.planner.due(h.view, h.in_force));
  h.pass(1s);
  EXPECT_TRUE(h.planner.due(h.view, h.in_force));
}

TEST(Planner, ADispatchThatIsRenewedIsPlannedForOnceAQuarterOfAnHour) {
  House h;
  h.recall(15);
  auto other = h.in_force;
  other.orders.dispatch = Order{{.kind = InstructionKind::idle}, h.view.now + 2min};
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  EXPECT_TRUE(h.planner.due(h.view, other)) << "a new one";
  ASSERT_EQ(h.planner.plan(h.view, other), std::nullopt);
  EXPECT_TRUE(h.planner.due(h.view, h.in_force)) << "it has ended";
  auto longer = other;
  longer.orders.dispatch->until += 30s;
  auto charge = other;
  charge.orders.dispatch->instruction.kind = InstructionKind::charge;
  h.pass(15min - 1s);
  EXPECT_FALSE(h.planner.due(h.view, longer));
  EXPECT_FALSE(h.planner.due(h.view, charge));
  h.pass(1s);
  EXPECT_TRUE(h.planner.due(h.view, longer));
  EXPECT_TRUE(h.planner.due(h.view, charge));
  EXPECT_FALSE(h.planner.due(h.view, other));
}

TEST(Planner, ShowsWhatAnOrderDoesAndTellsTheControlWhatHoldsWithoutIt) {
  House h;
  h.recall(15);
  const Instruction idle{.kind = InstructionKind::idle};
  const Instruction charge{
      .kind = InstructionKind::charge, .power = 300.0_W, .target = 90.0_soc, .low = 90.0_soc};
  h.in_force.settings.schedule = {{{control::every_day, 60, 120}, idle}};
  h.in_force.orders.manual = Order{charge, h.view.now + 1h};
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  const auto spans = h.planner.spans(h.view);
  const auto shown = *h.planner.shown(h.view);
  const auto table = h.planner.table(h.view);
  for (const std::size_t k : {0u, 3u}) {
    EXPECT_EQ(spans[k].instruction, charge);
    EXPECT_EQ(shown.slots[k].instruction, charge);
    EXPECT_EQ(shown.slots[k].reason, "the weekly plan or an order");
    EXPECT_NE(table.entries.at(k).marks, control::marks(charge));
    EXPECT_EQ(table.entries.at(k).marks.store, 100.0_soc);
  }
  EXPECT_EQ(spans[4].instruction.kind, InstructionKind::idle);
  EXPECT_EQ(table.entries[4].marks, control::marks(idle));
  EXPECT_NE(shown.slots[8].reason, "the weekly plan or an order");
  EXPECT_NE(spans[8].instruction.kind, InstructionKind::idle);
  EXPECT_NEAR(h.planner.last()->slots[4].charge.mean.value(), 2400 + 300 * 0.94, 1e-6);
}

TEST(Planner, IsDueWhereTheClockWasSetToATimeThatItDoesNotCover) {
  for (const auto step : {std::chrono::hours{-1}, std::chrono::hours{37}}) {
    House h;
    h.recall(15);
    ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
    h.view.wall += step;
    h.pass(1min - 1s);
    EXPECT_FALSE(h.planner.due(h.view, h.in_force));
    h.pass(1s);
    EXPECT_TRUE(h.planner.due(h.view, h.in_force)) << step.count();
  }
  House h;
  h.recall(15);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  h.view.wall += std::chrono::hours{1};
  h.pass(1min);
  EXPECT_FALSE(h.planner.due(h.view, h.in_force)) << "covered";
}

TEST(Planner, WaitsForCapacityAndSocBeforeTheFirstViewIsNoted) {
  House h;
  EXPECT_FALSE(h.planner.waits(h.view, h.in_force.settings));
  h.view.snapshot = {};
  EXPECT_TRUE(h.planner.waits(h.view, h.in_force.settings));
}

TEST(Planner, WaitsTwoMinutesForCapacityAndSoc) {
  for (const auto missing : {Measure::capacity, Measure::soc}) {
    House h;
    h.view.snapshot = {};
    const auto other = missing == Measure::soc ? Measure::capacity : Measure::soc;
    h.put(Point::battery, other, 50);
    h.planner.note(h.view, h.in_force.settings);
    EXPECT_TRUE(h.planner.waits(h.view, h.in_force.settings));
    EXPECT_FALSE(h.planner.due(h.view, h.in_force));
    h.pass(2min - 1s);
    h.planner.note(h.view, h.in_force.settings);
    EXPECT_FALSE(h.planner.due(h.view, h.in_force));
    auto told = h;
    told.put(Point::battery, missing, 50);
    EXPECT_FALSE(told.planner.waits(told.view, told.in_force.settings));
    EXPECT_TRUE(told.planner.due(told.view, told.in_force));
    h.pass(1s);
    EXPECT_FALSE(h.planner.waits(h.view, h.in_force.settings));
    EXPECT_TRUE(h.planner.due(h.view, h.in_force)) << "to tell that it is missing";
  }
}

TEST(Planner, ASocOfABmsThatFellSilentIsNone) {
  House h;
  h.recall(15);
  h.planner.note(h.view, h.in_force.settings);
  h.view.now += default_max_age + 1s;
  h.view.wall += 4s;
  EXPECT_TRUE(h.planner.waits(h.view, h.in_force.settings));
  EXPECT_FALSE(h.planner.due(h.view, h.in_force));
  h.view.now += 2min;
  h.view.wall += 2min;
  EXPECT_FALSE(h.planner.waits(h.view, h.in_force.settings));
  EXPECT_TRUE(h.planner.due(h.view, h.in_force));
  EXPECT_EQ(h.planner.plan(h.view, h.in_force), control::NoPlan::battery_unknown);
  h.put(Point::battery, Measure::soc, 50);
  EXPECT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt) << "it speaks again";
}

/// A minute of Views, each a second.
void minute(House& h, int views = 60) {
  for (int n = 0; n < 60; ++n) {
    if (n < views) h.planner.note(h.view, h.in_force.settings);
    h.pass(1s);
  }
}

TEST(Planner, LearnsFromViewsAsItDoesFromTheHistory) {
  House h;
  for (int n = 0; n < 3 * 1440; ++n) minute(h, n % 2 == 0 ? 30 : 60);
  h.planner.note(h.view, h.in_force.settings);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  EXPECT_EQ(h.planner.last()->slots.size(), 192u);
  EXPECT_EQ(h.planner.last()->days, 3);
  House none;
  for (int n = 0; n < 3 * 1440; ++n) minute(none, 29);
  EXPECT_EQ(none.planner.plan(none.view, none.in_force), control::NoPlan::too_few_days);
}

TEST(Planner, AHistoryOfLessThanWasNotedTakesNothingAway) {
  House h;
  for (int n = 0; n < 3 * 1440; ++n) minute(h, 30);
  h.planner.note(h.view, h.in_force.settings);
  const std::vector<PastMinute> one{{seconds(h.view.wall) - 3 * day, Watts{400}, {}}};
  h.planner.recall(one, h.in_force.settings);
  EXPECT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  h.recall(15);
  EXPECT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  EXPECT_EQ(h.planner.last()->days, 14);
}

TEST(Planner, AHistoryAsLongAsWhatIsKnownTakesItsPlace) {
  House h;
  h.prices({{0, 15, 0.30, 0.05}});
  for (const double load : {200.0, 400.0}) {
    h.recall(2, [&](control::UnixSeconds at) { return PastMinute{at, Watts{load}, {}}; });
    ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
    EXPECT_NEAR(h.planner.last()->cost_no_battery, load / 4000 * 0.30, 1e-9);
  }
}

TEST(Planner, WhatWasNotedIsOfNoUseWhenTheBatteryServesOthers) {
  const auto changed = [](const std::function<void(control::Settings&)>& change) {
    House h;
    h.in_force.settings.circuit_roles[1] = CircuitRole::ev;
    EXPECT_TRUE(h.planner.wants_history());
    h.planner.note(h.view, h.in_force.settings);
    h.recall(15);
    EXPECT_FALSE(h.planner.wants_history());
    for (int n = 0; n < 2; ++n) minute(h);
    EXPECT_FALSE(h.planner.wants_history());
    change(h.in_force.settings);
    h.planner.note(h.view, h.in_force.settings);
    const bool wants = h.planner.wants_history();
    EXPECT_EQ(h.planner.plan(h.view, h.in_force),
              wants ? std::optional{control::NoPlan::too_few_days} : std::nullopt);
    h.planner.note(h.view, h.in_force.settings);
    EXPECT_EQ(h.planner.wants_history(), wants);
    h.recall(15);
    EXPECT_FALSE(h.planner.wants_history());
    EXPECT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
    return wants;
  };
  EXPECT_TRUE(changed([](auto& s) { s.battery_serves[CircuitRole::ev] = false; }));
  EXPECT_TRUE(changed([](auto& s) { s.solar_metered = !s.solar_metered; }));
  EXPECT_FALSE(changed([](auto& s) { s.battery_serves[CircuitRole::heatpump] = false; }))
      << "there is none";
  EXPECT_FALSE(changed([](auto& s) { s.reserve = 30.0_soc; }));
}

TEST(Planner, WhatIsNotServedIsNoLoadAndTakesTheSunFirst) {
  House h;
  EXPECT_TRUE(serves_all(h.in_force.settings));
  h.in_force.settings.circuit_roles[0] = CircuitRole::ev;
  EXPECT_TRUE(serves_all(h.in_force.settings)) << "served";
  h.in_force.settings.battery_serves[CircuitRole::ev] = false;
  EXPECT_FALSE(serves_all(h.in_force.settings));
  // 400 W of the house and 1000 W of the car; of 600 W of sun the car has what the house leaves.
  h.view.decision.house = Watts{1400};
  for (int n = 0; n < 3 * 1440 * 60; ++n) {
    h.put(Point::solar, Measure::power, 600);
    h.put(circuit(0), Measure::power, 1000);
    h.planner.note(h.view, h.in_force.settings);
    h.view.now += 1s;
    h.view.wall += 1s;
  }
  h.put(Point::battery, Measure::soc, 50);
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  EXPECT_NEAR(h.planner.last()->cost_no_battery, 0, 1e-6);
}

}  // namespace
}  // namespace esshub::service
