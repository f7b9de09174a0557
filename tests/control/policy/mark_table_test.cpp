#include "control/policy/mark_table.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <optional>

#include "control/policy/policy.hpp"
#include "tests/control/house.hpp"
#include "tests/control/policy/instructions.hpp"

namespace esshub::control {
namespace {

constexpr WeekSpan always{every_day, 0, 0};
constexpr Marks bought{.buy = 60.0_soc, .buy_power = 1500.0_W, .serve = 60.0_soc};
constexpr Marks sold{.serve = 30.0_soc, .sell = 40.0_soc, .sell_power = 1200.0_W};
constexpr Marks kept{.store = 80.0_soc, .serve = 50.0_soc};

/// `first` for an hour from now on, then `second`.
MarkTable table(Instant now, const Marks& first, const Marks& second) {
  MarkTable t;
  t.made = now;
  t.entries[t.count++] = {now, now + 1h, first};
  t.entries[t.count++] = {now + 1h, now + 2h, second};
  return t;
}

/// In Smart mode, drawing 800 W at half SOC.
House planned(const Marks& first, const Marks& second = {}) {
  House h;
  h.settings.mode = Mode::smart;
  h.residual_w = 800;
  h.run(3s);
  h.plan = table(h.now, first, second);
  return h;
}

TEST(MarkTable, TellsTheEntryOfTheMoment) {
  const Instant now = Instant{} + 1000s;
  const MarkTable t = table(now, bought, kept);
  EXPECT_EQ(marks_at(t, now - 1ns), std::nullopt);
  EXPECT_EQ(marks_at(t, now), bought);
  EXPECT_EQ(marks_at(t, now + 1h - 1ns), bought);
  EXPECT_EQ(marks_at(t, now + 1h), kept);
  EXPECT_EQ(marks_at(t, now + 2h), std::nullopt);
  EXPECT_EQ(marks_at({}, now), std::nullopt);
}

TEST(MarkTable, WhateverItSaysMarksAreOrderedAndPowersAreNumbers) {
  const Instant now = Instant{} + 1000s;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double inf = std::numeric_limits<double>::infinity();
  for (const double power : {nan, inf, -inf, -5.0}) {
    MarkTable t = table(now,
                        {.buy = 70.0_soc,
                         .buy_power = Watts{power},
                         .store = 20.0_soc,
                         .serve = 10.0_soc,
                         .sell = 5.0_soc,
                         .sell_power = Watts{power}},
                        {});
    t.count = 1u << 20;
    const auto marks = marks_at(t, now);
    ASSERT_TRUE(marks);
    EXPECT_EQ(*marks,
              (Marks{.buy = 70.0_soc, .store = 70.0_soc, .serve = 70.0_soc, .sell = 70.0_soc}));
    EXPECT_EQ(marks_at(t, now + 3h), std::nullopt) << "beyond the last entry";
  }
}

TEST(Smart, BuysSellsAndKeepsByTheMarksOfTheMoment) {
  House h = planned(bought, sold);
  Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 1500, 1);
  EXPECT_EQ(d.policy.authority, Authority::smart);
  EXPECT_EQ(d.policy.instruction, (Instruction{.kind = InstructionKind::charge,
                                               .power = 1500.0_W,
                                               .target = 60.0_soc,
                                               .low = 60.0_soc}));
  EXPECT_TRUE(d.reasons.has(Cause::charge));
  h.drift_to(60);
  d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 0, 1) << "bought, and nothing served at the mark";
  EXPECT_EQ(d.policy.instruction, balance(60.0_soc, 100.0_soc));
  h.now += 1h;
  d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), -1200, 1);
  EXPECT_EQ(d.policy.instruction, discharge(1200.0_W, 40.0_soc));
  h.drift_to(40);
  EXPECT_NEAR(h.run(5s).battery_power.value(), -800, 2) << "sold; the house is served further";
  h.drift_to(30);
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1);
}

TEST(Smart, SilencesTheTariffWhileThePlanReaches) {
  House h = planned(kept);
  h.settings.tariff.bands = {{always, 0.07, {}, true}};
  h.settings.tariff.force_charge_to = 95.0_soc;
  h.settings.tariff.force_charge_power = Watts{400};
  h.drift_to(60);
  Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), -800, 2) << "served, though it is cheap";
  EXPECT_FALSE(d.reasons.has(Cause::tariff_overruled)) << "it has nothing in mind";
  h.drift_to(50);
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1);
  h.now += 3h;
  d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 400, 1) << "the plan has ended: the tariff's rule";
  EXPECT_EQ(d.policy.authority, Authority::tariff);
}

TEST(Smart, GivesWayToScheduleDispatchAndOverride) {
  House h = planned(bought);
  h.settings.schedule = {{always, charge(300.0_W, 90.0_soc)}};
  Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), 300, 1);
  EXPECT_EQ(d.policy.authority, Authority::schedule);
  EXPECT_TRUE(d.reasons.has(Cause::smart_overruled));
  h.orders.dispatch = Order{charge(200.0_W, 90.0_soc), h.now + 1h};
  EXPECT_NEAR(h.run(5s).battery_power.value(), 200, 1);
  h.orders.manual = Order{charge(100.0_W, 90.0_soc), h.now + 1h};
  EXPECT_NEAR(h.run(5s).battery_power.value(), 100, 1);
}

TEST(Smart, IsSilentInOtherModesAndWithoutAClock) {
  House h = planned(bought);
  h.orders.mode = Mode::scheduled;
  EXPECT_NEAR(h.run(5s).battery_power.value(), -800, 2);
  h.orders.mode.reset();
  h.local.trusted = false;
  const Decision d = h.run(5s);
  EXPECT_NEAR(d.battery_power.value(), -800, 2);
  EXPECT_TRUE(d.faults.active(Fault::plan_suspended));
}

TEST(Smart, ServesAndSellsNothingWhileOneIsPaidToDraw) {
  House h = planned(sold);
  h.settings.tariff.import_price = -0.05;
  EXPECT_NEAR(h.run(5s).battery_power.value(), 0, 1);
}

TEST(Smart, APlanThatIsLateIsTold) {
  const auto missing = [](House& h) { return h.run(1s).faults.active(Fault::plan_missing); };
  House h = planned(kept);
  EXPECT_FALSE(missing(h));
  h.now += plan_every + 2h - 10s;
  EXPECT_FALSE(missing(h));
  h.now += 10s;
  EXPECT_TRUE(missing(h));
  h.plan.made = h.now;
  EXPECT_FALSE(missing(h));
  h.plan.count = 0;
  EXPECT_FALSE(missing(h)) << "made a moment ago, though it ended early or was dropped";
  h.now += plan_every + 2h - 10s;
  EXPECT_FALSE(missing(h));
  h.now += 10s;
  EXPECT_TRUE(missing(h)) << "none for 8 h";
  h.plan = {};
  EXPECT_TRUE(missing(h)) << "Smart for long, and none at all";
  h.orders.mode = Mode::balance;
  EXPECT_FALSE(missing(h));
  h.orders.mode = Mode::smart;
  EXPECT_FALSE(missing(h));
  h.now += 2h - 10s;
  EXPECT_FALSE(missing(h));
  h.now += 10s;
  EXPECT_TRUE(missing(h));
  h.plan.made = Instant::max();
  EXPECT_FALSE(missing(h));
  h.plan.made = Instant::min();
  EXPECT_TRUE(missing(h));
}

TEST(Smart, APlanOfBeforeSmartModeHasAMinuteToBeRenewed) {
  House h = planned(kept);
  h.orders.mode = Mode::balance;
  h.run(1s);
  h.now += 11h;
  h.orders.mode = Mode::smart;
  h.run(1s);
  h.now += 1min - 2s;
  EXPECT_FALSE(h.run(1s).faults.active(Fault::plan_missing));
  EXPECT_TRUE(h.run(2s).faults.active(Fault::plan_missing));
}

TEST(Smart, APlanIsLateAfterEightHoursAndAMinuteOfSmartMode) {
  House h = planned(kept);
  const auto missing_after = [&](Duration age) {
    h.plan.made = h.now + h.settings.period - age;
    return h.run(h.settings.period).faults.active(Fault::plan_missing);
  };
  h.now += 1h;
  EXPECT_TRUE(missing_after(8h));
  EXPECT_FALSE(missing_after(8h - 1ns));
  h.orders.mode = Mode::balance;
  EXPECT_FALSE(missing_after(9h));
  h.orders.mode = Mode::smart;
  EXPECT_FALSE(missing_after(9h));
  h.now += 1min - 2 * h.settings.period;
  EXPECT_FALSE(missing_after(9h));
  EXPECT_TRUE(missing_after(9h)) << "a minute";
}

}  // namespace
}  // namespace esshub::control
