#include "sim/loop_planner.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/service/smart_house.hpp"

namespace esshub::sim {
namespace {

using service::House;
using service::midnight;

const civil_time::Zone utc_zone = civil_time::Zone::utc();

/// The house in Smart mode, what it did before, and the planner in its loop.
struct Loop {
  explicit Loop(int days, const std::vector<service::Feed>& feeds = {}) {
    house.in_force.settings.mode = Mode::smart;
    house.in_force.settings.tariff.currency = "GBP";
    start(days, feeds);
  }
  void start(int days, const std::vector<service::Feed>& feeds = {}) {
    planner.emplace(house.in_force.settings, utc_zone, feeds);
    std::vector<service::PastMinute> minutes;
    const auto now = service::seconds(house.view.wall);
    for (auto at = now - days * service::day; at < now; at += 60)
      minutes.push_back({at, Watts{200}, {}});
    planner->recall(minutes);
  }
  auto look() { return planner->look(house.view); }

  House house;
  std::optional<LoopPlanner> planner;
};

TEST(LoopPlanner, PlansAtTheFirstLookAndThenEverySixHours) {
  Loop l{15};
  const auto tables = l.look();
  ASSERT_TRUE(tables);
  EXPECT_EQ(tables->plan.made, l.house.view.now);
  EXPECT_EQ(tables->plan.count, 144u);
  EXPECT_EQ(tables->prices.count, 0u) << "nothing is told";
  ASSERT_EQ(l.planner->plans().size(), 1u);
  const PlanMade& plan = l.planner->plans()[0];
  EXPECT_EQ(plan.at, l.house.view.now);
  EXPECT_EQ(plan.days, 14);
  // Two days of 200 W, of which 5 h are at 0.07.
  EXPECT_NEAR(plan.cost_no_battery, 2 * 0.2 * (5 * 0.07 + 19 * 0.30), 1e-9);
  EXPECT_LT(plan.cost, plan.cost_balance);
  EXPECT_LT(plan.cost_balance, plan.cost_no_battery);

  l.house.pass(59s);
  EXPECT_FALSE(l.look());
  l.house.pass(1s);
  ASSERT_TRUE(l.look());
  EXPECT_EQ(l.planner->plans().size(), 1u);
  l.house.pass(6h - 60s);
  ASSERT_TRUE(l.look());
  EXPECT_EQ(l.planner->plans().size(), 2u);
}

TEST(LoopPlanner, WaitsForTheBatteryAndLooksAgainAtOnce) {
  Loop l{15};
  l.house.view.snapshot = {};
  ASSERT_TRUE(l.look());
  EXPECT_TRUE(l.planner->plans().empty());
  l.house.pass(1s);
  l.house.put(Point::battery, Measure::capacity, 100);
  l.house.put(Point::battery, Measure::soc, 50);
  ASSERT_TRUE(l.look());
  EXPECT_EQ(l.planner->plans().size(), 1u);
}

TEST(LoopPlanner, ADayOfViewsIsADayMore) {
  Loop l{2};
  static_cast<void>(l.look());
  for (int slot = 0; slot < 96; ++slot) {
    for (int view = 0; view < 8 * 30; ++view) {
      static_cast<void>(l.look());
      l.house.pass(2s);
    }
    l.house.pass(7min);
  }
  static_cast<void>(l.look());
  EXPECT_EQ(l.planner->plans().front().days, 2);
  EXPECT_EQ(l.planner->plans().back().days, 3);
  EXPECT_EQ(l.planner->plans().size(), 5u);
}

TEST(LoopPlanner, HasNoPastWhereACircuitIsNotServed) {
  Loop l{15};
  l.house.in_force.settings.circuit_roles[1] = CircuitRole::ev;
  l.house.in_force.settings.battery_serves[CircuitRole::ev] = false;
  l.start(15);
  static_cast<void>(l.look());
  EXPECT_TRUE(l.planner->plans().empty());
  EXPECT_EQ(l.planner->problem(), control::NoPlan::too_few_days);
}

TEST(LoopPlanner, NobodyPlansInAnotherMode) {
  Loop l{15};
  l.house.in_force.settings.mode = Mode::scheduled;
  l.start(15);
  const auto tables = l.look();
  ASSERT_TRUE(tables);
  EXPECT_EQ(tables->plan.count, 0u);
  EXPECT_TRUE(l.planner->plans().empty());
}

/// Of the import price from then on, for two days.
service::Feed told(std::int64_t issued, double price) {
  const auto at = service::seconds(midnight) + issued;
  return {.kind = FeedKind::import_price,
          .unit = "GBP/kWh",
          .source = "test",
          .issued = at,
          .valid_until = at + 2 * service::day,
          .slots = {{at, at + 2 * service::day, price}}};
}

TEST(LoopPlanner, IsToldWhenItIsIssuedAndPlansForItAtOnce) {
  Loop l{15, {told(100, 0.5), told(-3600, 0.4)}};
  auto tables = l.look();
  ASSERT_TRUE(tables);
  ASSERT_EQ(tables->prices.count, 1u);
  EXPECT_EQ(tables->prices.entries[0].prices.import_price, 0.4);
  l.house.pass(99s);
  ASSERT_TRUE(l.look());
  EXPECT_EQ(l.planner->plans().size(), 1u);
  l.house.pass(1s);
  tables = l.look();
  ASSERT_TRUE(tables) << "though a second ago it was looked";
  EXPECT_EQ(tables->prices.entries[0].prices.import_price, 0.5);
  EXPECT_EQ(l.planner->plans().size(), 2u);
}

TEST(LoopPlanner, WhatIsNoLongerValidIsNotBelievedAMinuteLater) {
  auto ends = told(-3600, 0.4);
  ends.valid_until = service::seconds(midnight) + 30;
  Loop l{15, {ends}};
  ASSERT_EQ(l.look()->prices.count, 1u);
  l.house.pass(59s);
  EXPECT_FALSE(l.look());
  EXPECT_EQ(l.planner->plans().size(), 1u);
  l.house.pass(1s);
  EXPECT_EQ(l.look()->prices.count, 0u);
  EXPECT_EQ(l.planner->plans().size(), 2u) << "by the tariff";
}

}  // namespace
}  // namespace esshub::sim
