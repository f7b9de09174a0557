// What the planner tells people of a slot: the word, the reason, the expected charge.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/service/smart_house.hpp"

namespace esshub::service {
namespace {

/// Load and sun of the first quarters of a day, W; nothing after them.
using Quarters = std::vector<std::pair<double, double>>;

/// A house of 100 Ah without a reserve, two days of which are known: the last one, and the one
/// before.
struct Told {
  Told() { house.in_force.settings.reserve = house.in_force.settings.soc_floor = Soc{}; }
  void soc(double percent) { house.put(Point::battery, Measure::soc, percent); }
  void capacity(double ampere_hours) { house.put(Point::battery, Measure::capacity, ampere_hours); }
  SmartPlan plan(const Quarters& last, const Quarters& before) {
    house.recall(2, [&](control::UnixSeconds at) {
      const auto& was = at < seconds(midnight) - day ? before : last;
      const auto quarter = static_cast<std::size_t>(at % day / 900);
      const auto [load, sun] = quarter < was.size() ? was[quarter] : std::pair{0.0, 0.0};
      return PastMinute{at, Watts{load}, Watts{sun}};
    });
    EXPECT_EQ(house.planner.plan(house.view, house.in_force), std::nullopt);
    return house.planner.shown(house.view).value_or(SmartPlan{});
  }
  SmartPlan plan(const Quarters& each = {}) { return plan(each, each); }
  House house;
};

// ---- words

/// What an order in force is called at a charge of 50 %.
Instruction called(const Instruction& order) {
  Told told;
  told.house.prices({{0, 15, 0.30, 0.05}});
  told.house.in_force.orders.manual = Order{order, told.house.view.now + 1h};
  const auto word = told.plan().slots.at(0).instruction;
  const auto spans = told.house.planner.spans(told.house.view);
  EXPECT_EQ(spans.at(0).instruction, word);
  EXPECT_EQ(spans.at(0).begin, midnight);
  EXPECT_EQ(spans.at(0).end, midnight + std::chrono::minutes{15});
  return word;
}

TEST(PlannerWords, ChargingIsCalledSoBelowItsTargetAndWithAPower) {
  const auto charge = [](Soc target, Watts power) {
    return called({.kind = InstructionKind::charge, .power = power, .target = target});
  };
  const Instruction charging{
      .kind = InstructionKind::charge, .power = 300.0_W, .target = 60.0_soc, .low = 60.0_soc};
  EXPECT_EQ(charge(60.0_soc, 300.0_W), charging);
  const auto kept = [](Soc low) {
    return Instruction{.kind = InstructionKind::balance, .low = low};
  };
  EXPECT_EQ(charge(50.0_soc, 300.0_W), kept(50.0_soc)) << "it is there";
  EXPECT_EQ(charge(40.0_soc, 300.0_W), kept(40.0_soc));
  EXPECT_EQ(charge(60.0_soc, 0.0_W), kept(60.0_soc)) << "without a power";
}

TEST(PlannerWords, DischargingIsCalledSoAboveItsTargetAndWithAPower) {
  const auto discharge = [](Soc target, Watts power) {
    return called({.kind = InstructionKind::discharge, .power = power, .target = target});
  };
  const Instruction discharging{
      .kind = InstructionKind::discharge, .power = 300.0_W, .target = 40.0_soc};
  EXPECT_EQ(discharge(40.0_soc, 300.0_W), discharging);
  const auto held = [](Soc at) {
    return Instruction{.kind = InstructionKind::balance, .low = at, .high = at};
  };
  EXPECT_EQ(discharge(50.0_soc, 300.0_W), held(50.0_soc)) << "it is there";
  EXPECT_EQ(discharge(60.0_soc, 300.0_W), held(60.0_soc));
  EXPECT_EQ(discharge(40.0_soc, 0.0_W), held(40.0_soc)) << "without a power";
}

TEST(PlannerWords, TheWordIsThatOfTheExpectedCharge) {
  Told told;
  told.house.prices({{0, 30, 0.30, 0.05}});
  told.house.in_force.settings.schedule = {
      {{control::every_day, 15, 30},
       {.kind = InstructionKind::charge, .power = 300.0_W, .target = 53.0_soc}}};
  // 250 Wh of sun on one of the days: 50 % or 54.9 %, of which the mean is 52.4 %.
  const auto slot = told.plan({{0, 1000}}, {}).slots.at(1);
  EXPECT_NEAR(slot.charge.percent(), 50 + 0.5 * 23500 / 4800.0, 1e-9);
  EXPECT_NEAR(slot.charge_low.percent(), 50 + 0.1 * 23500 / 4800.0, 1e-9);
  EXPECT_NEAR(slot.charge_high.percent(), 50 + 0.9 * 23500 / 4800.0, 1e-9);
  EXPECT_EQ(slot.instruction.kind, InstructionKind::charge);
}

TEST(PlannerWords, TheChargeIsShownAsItIsFromEmptyToFull) {
  for (const double percent : {0.0, 0.4, 100.0}) {
    Told told;
    told.house.prices({{0, 15, 0.30, 0.05}});
    told.soc(percent);
    EXPECT_NEAR(told.plan().slots.at(0).charge.percent(), percent, 1e-9);
  }
}

// ---- reasons

/// Why the first slot is what it is at this charge.
std::string why(
    double percent, const std::vector<MondayPrice>& prices, const Quarters& each = {},
    const std::function<void(Told&)>& change = [](Told&) {}) {
  Told told;
  told.house.prices(prices);
  change(told);
  told.soc(percent);
  const auto plan = told.plan(each);
  EXPECT_FALSE(plan.slots.empty());
  return plan.slots.empty() ? "" : plan.slots[0].reason;
}

TEST(PlannerWords, WhatIsBoughtTellsPriceAndWorth) {
  Told told;
  told.house.prices({{0, 15, 0.07, 0.05}, {15, 30, 0.30, 0.05}});
  told.soc(0);
  const auto slot = told.plan({{0, 0}, {2400, 0}}).slots.at(0);
  EXPECT_EQ(slot.reason, "a kWh is bought for 0.070: stored it is worth 0.282 later");
  EXPECT_NEAR(slot.bought_kwh, 0.42, 1e-9) << "a quarter of an hour of 1680 W";
}

TEST(PlannerWords, WhatIsSoldTellsPriceAndWorth) {
  EXPECT_EQ(why(50, {{0, 15, 0.30, 0.25}, {15, 30, 0.07, 0.05}}, {},
                [](Told& t) {
                  auto& s = t.house.in_force.settings;
                  s.smart_sells = s.smart_sells_bought = true;
                }),
            "a kWh is sold for 0.250: stored it is worth 0.066 later");
}

TEST(PlannerWords, WhatIsServedTellsPriceAndWorth) {
  const std::string served =
      "the house is served: a kWh from the grid costs 0.300, stored it is worth 0.282";
  EXPECT_EQ(why(50, {{0, 15, 0.30, 0.05}}), served);
  EXPECT_EQ(why(100, {{0, 15, 0.30, 0.05}}), served) << "a full one stores no sun";
  EXPECT_EQ(why(0, {{0, 15, 0.30, 0.05}}), "the reserve is kept");
}

TEST(PlannerWords, WhatIsKeptTellsWorthAndPrice) {
  // What is above the reserve is used up at 0.33.
  const auto keeps = [](double percent, Soc reserve) {
    return why(percent, {{0, 15, 0.30, 0.05}, {15, 30, 0.33, 0.05}}, {{0, 0}, {2400, 0}},
               [&](Told& t) {
                 t.capacity(20);
                 t.house.in_force.settings.reserve = reserve;
               });
  };
  const std::string kept =
      "the charge is kept: a kWh stored is worth 0.310 later, from the grid it costs 0.300";
  EXPECT_EQ(keeps(51.9, 50.0_soc), "the reserve is kept") << "within 2 % of it";
  EXPECT_EQ(keeps(52.1, 50.0_soc), kept);
  EXPECT_EQ(keeps(2, Soc{}), "the reserve is kept") << "not beyond 2 %";
  EXPECT_EQ(keeps(2.1, Soc{}), kept);
}

TEST(PlannerWords, TheExpectedChargeTellsWhetherMoreThanTheReserveIsKept) {
  Told told;
  told.capacity(20);
  told.soc(1);
  told.house.prices({{0, 15, 0.30, 0.05}, {15, 30, 0.30, 0.05}, {30, 45, 0.33, 0.05}});
  // 15 Wh of sun on one of the days: 1 % or 2.5 %, of which the mean is 1.7 %.
  const auto plan = told.plan({{0, 60}, {0, 0}, {2400, 0}}, {{0, 0}, {0, 0}, {2400, 0}});
  EXPECT_EQ(plan.slots.at(1).reason, "the reserve is kept");
  EXPECT_GT(plan.slots.at(1).charge_high.percent(), 2.0);
}

TEST(PlannerWords, SunThatIsNotStoredIsToldWithItsPrice) {
  EXPECT_EQ(why(50, {{0, 15, 0.30, 0.29}}),
            "the house is served: a kWh from the grid costs 0.300, stored it is worth 0.282; the "
            "sun is exported for 0.290");
  EXPECT_EQ(why(0, {{0, 15, 0.30, 0.29}}), "the reserve is kept; the sun is exported for 0.290");
  // 600 Wh are needed before the sun of two quarters is there: up to them sun is worth storing.
  const auto first = [](double percent) {
    return why(percent, {{0, 15, 0.30, 0.25}, {15, 60, 0.30, 0.20}},
               {{0, 0}, {2400, 0}, {0, 4000}, {0, 4000}}, [](Told& t) { t.capacity(20); });
  };
  EXPECT_EQ(first(30).find("the sun"), std::string::npos) << first(30);
  EXPECT_NE(first(80).find("; the sun is exported for 0.250"), std::string::npos) << first(80);
}

TEST(PlannerWords, OnlySlotsOfTheWeeklyPlanAndOfOrdersAreSaidToBe) {
  Told told;
  told.house.prices({{0, 150, 0.30, 0.05}});
  told.house.in_force.settings.schedule = {
      {{control::every_day, 60, 120}, {.kind = InstructionKind::idle}}};
  const auto now = told.house.view.now;
  told.house.in_force.orders.storm = Storm{30.0_soc, now + 2h, now, true};
  const auto slots = told.plan().slots;
  ASSERT_EQ(slots.size(), 10u);
  for (std::size_t k = 0; k < slots.size(); ++k) {
    EXPECT_EQ(slots[k].reason == "the weekly plan or an order", k >= 4 && k < 8) << k;
    EXPECT_EQ(slots[k].instruction.kind == InstructionKind::idle, k >= 4 && k < 8) << k;
    EXPECT_EQ(slots[k].begin, midnight + k * std::chrono::minutes{15});
    EXPECT_EQ(slots[k].end, midnight + (k + 1) * std::chrono::minutes{15});
  }
}

TEST(PlannerWords, TheReasonOfThePlanTellsTheSitesClock) {
  House h{civil_time::LocalClock{
      civil_time::Zone{*date::locate_zone("Etc/GMT-2"), civil_time::ZoneRule::parse("<+02>-2")}}};
  h.prices({{120, 150, 0.07, 0.05}, {150, 240, 0.30, 0.05}});
  h.put(Point::battery, Measure::soc, 25);
  h.recall(2, [](control::UnixSeconds at) {
    return PastMinute{at, Watts{at % day >= 1800 ? 2400.0 : 0.0}, {}};
  });
  ASSERT_EQ(h.planner.plan(h.view, h.in_force), std::nullopt);
  EXPECT_EQ(h.planner.shown(h.view).value_or(SmartPlan{}).reason,
            "without it the battery would have been empty by 02:45 on 2 of the last 2 days");
}

}  // namespace
}  // namespace esshub::service
