#include "control/plan/flows.hpp"

#include <gtest/gtest.h>

#include "tests/control/plan/plain.hpp"

namespace esshub::control {
namespace {

PlanBattery battery() {
  PlanBattery b;
  b.capacity = WattHours{4000};
  b.charge = Watts{2000};
  b.discharge = Watts{1000};
  b.charge_efficiency = 0.8;
  b.discharge_efficiency = 0.5;
  b.to_grid = true;
  return b;
}

/// An hour: import 0.30, export 0.10 per kWh.
SlotTerms hour() {
  SlotTerms terms;
  terms.hours = 1.0;
  terms.import_price = 0.30e-3;
  terms.export_price = 0.10e-3;
  return terms;
}

TEST(PlanFlows, EachActionMovesAndCostsWhatItSays) {
  const auto can = slot_actions(hour(), {400, 300}, battery(), 0.0);
  EXPECT_NEAR(can.rest.cost, 0.4 * 0.30 - 0.3 * 0.10, 1e-12);
  EXPECT_NEAR(can.store.change, 240, 1e-9);
  EXPECT_NEAR(can.store.cost, 0.4 * 0.30, 1e-12);
  EXPECT_NEAR(can.serve.change, -800, 1e-9);
  EXPECT_NEAR(can.serve.cost, -0.3 * 0.10, 1e-12);
  EXPECT_NEAR(can.both.change, 240 - 800, 1e-9);
  EXPECT_NEAR(can.buy.change, 1600, 1e-9);
  EXPECT_NEAR(can.buy.cost, 2.1 * 0.30, 1e-12);
  EXPECT_NEAR(can.sell.change, -2000, 1e-9);
  EXPECT_NEAR(can.sell.cost, -0.9 * 0.10, 1e-12);
}

TEST(PlanFlows, CapsTaperAndWear) {
  auto b = battery();
  b.import_cap = Watts{900};
  b.export_cap = Watts{500};
  b.wear = 0.02;
  b.taper = {{WattHours{3000}, Watts{600}}};
  const auto can = slot_actions(hour(), {400, 0}, b, 0.0);
  EXPECT_NEAR(can.buy.bought, 500, 1e-9);
  EXPECT_NEAR(can.sell.sold, 500, 1e-9);
  EXPECT_NEAR(can.sell.cost, -0.5 * 0.10 + 0.9 * 0.02, 1e-12);
  EXPECT_NEAR(slot_actions(hour(), {0, 800}, b, 0.0).rest.cost, -0.5 * 0.10, 1e-12);
  EXPECT_NEAR(slot_actions(hour(), {0, 800}, b, 3000.0).store.change, 480, 1e-9);
  b.from_grid = b.to_grid = false;
  const auto less = slot_actions(hour(), {400, 100}, b, 0.0);
  EXPECT_EQ(less.buy.change, less.store.change);
  EXPECT_EQ(less.sell.change, less.serve.change);
}

TEST(PlanFlows, AnActionEndsAtItsMarkAndTheNextBegins) {
  const MarkLevels buy{800, 4000, 4000, 4000};
  const auto bought = follow_marks(hour(), {400, 0}, battery(), buy, 0.0, 0.0);
  EXPECT_NEAR(bought.stored, 800, 1e-6);
  EXPECT_NEAR(bought.bought, 1000, 1e-6);
  EXPECT_NEAR(bought.of_it_bought, 800, 1e-6);
  EXPECT_NEAR(bought.cost, 1.4 * 0.30, 1e-9);

  const MarkLevels sell{0, 4000, 0, 3000};  // half an hour, then the house is served
  const auto sold = follow_marks(hour(), {400, 0}, battery(), sell, 4000.0, 0.0);
  EXPECT_NEAR(sold.sold, 300, 1e-6);
  EXPECT_NEAR(sold.stored, 3000 - 400, 1e-6);

  auto kept = hour();
  kept.reserve = 3900;
  EXPECT_NEAR(follow_marks(kept, {400, 0}, battery(), sell, 4000.0, 0.0).stored, 3900, 1e-6);
  EXPECT_NEAR(follow_marks(kept, {400, 0}, battery(), sell, 1000.0, 0.0).stored, 1000, 1e-6);
}

TEST(PlanFlows, WhatWasBoughtIsServedFirstAndNotSold) {
  auto b = battery();
  b.bought_to_grid = false;
  const MarkLevels sell{0, 4000, 0, 0};
  const auto out = follow_marks(hour(), {0, 0}, b, sell, 4000.0, 3500.0);
  EXPECT_NEAR(out.stored, 3500, 1e-6);
  EXPECT_NEAR(out.of_it_bought, 3500, 1e-6);
  const auto served = follow_marks(hour(), {400, 0}, b, {0, 4000, 0, 4000}, 4000.0, 3500.0);
  EXPECT_NEAR(served.of_it_bought, 2700, 1e-6);
}

TEST(PlanFlows, BothWaysInOneSlotHoldAMark) {
  // 200 Wh of sun store 160; the house's 400 would take 800: at the mark what is stored is served.
  const auto out = follow_marks(hour(), {400, 200}, battery(), {0, 4000, 1000, 4000}, 1000, 0.0);
  EXPECT_NEAR(out.stored, 1000, 1e-6);
  EXPECT_NEAR(out.cost, 0.3 * (0.4 - 0.2 * 0.8 * 0.5), 1e-9);
}

TEST(PlanFlows, MarksAreLevels) {
  Marks marks{50.0_soc, Watts{1}, 75.0_soc, 25.0_soc, 60.0_soc, Watts{}};
  const auto l = levels(marks, battery());
  EXPECT_EQ(l.buy, 2000);
  EXPECT_EQ(l.store, 3000);
  EXPECT_EQ(l.serve, 1000);
  EXPECT_EQ(l.sell, 4000) << "no power: nothing is sold";
  marks.buy_power = Watts{};
  EXPECT_EQ(levels(marks, battery()).buy, 0);
  marks.sell_power = Watts{1};
  EXPECT_EQ(levels(marks, battery()).sell, 2400);
}

TEST(PlanFlows, EqualTheReference) {
  for (unsigned seed = 0; seed < 20000 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    plain::Draw draw{seed};
    auto b = plain::some_battery(draw);
    if (draw.one_in(3)) b.taper = {{WattHours{200}, Watts{60}}, {WattHours{300}, Watts{30}}};
    auto terms = plain::some_terms(draw);
    if (draw.one_in(3)) {
      terms.fixed.emplace();
      terms.fixed->buy_power = Watts{draw.of({0, 30, 500})};
      terms.fixed->sell_power = Watts{draw.of({0, 30, 500})};
      terms.ordered = draw.one_in(2);
    }
    const auto flows = plain::some_flows(draw);
    const auto marks = plain::some_marks(draw);
    const double stored = draw.of({0, 50, 100, 150, 200, 200.5, 300, 330, 400});
    const double bought = draw.of({0, 50, 200, 400});
    const auto can = slot_actions(terms, flows, b, stored);
    const auto may = plain::actions(terms, flows, b, stored);
    for (const auto which : {&SlotActions::buy, &SlotActions::store, &SlotActions::both,
                             &SlotActions::rest, &SlotActions::serve, &SlotActions::sell}) {
      EXPECT_NEAR((can.*which).change, (may.*which).change, 1e-9);
      EXPECT_NEAR((can.*which).cost, (may.*which).cost, 1e-12);
      EXPECT_NEAR((can.*which).bought, (may.*which).bought, 1e-9);
      EXPECT_NEAR((can.*which).sold, (may.*which).sold, 1e-9);
    }
    const auto out = follow_marks(terms, flows, b, marks, stored, bought);
    const auto right = plain::follow(terms, flows, b, marks, stored, bought);
    EXPECT_NEAR(out.stored, right.stored, 1e-7);
    EXPECT_NEAR(out.of_it_bought, right.of_it_bought, 1e-7);
    EXPECT_NEAR(out.cost, right.cost, 1e-9);
    EXPECT_NEAR(out.bought, right.bought, 1e-7);
    EXPECT_NEAR(out.sold, right.sold, 1e-7);
    EXPECT_GE(out.stored, 0.0);
    EXPECT_LE(out.stored, 400.0);
  }
}

TEST(PlanFlows, AChangeIsFollowedAsFarAsThereIsRoomAndEnergy) {
  const auto stores = follow_change(hour(), {400, 0}, battery(), 800, 1000);
  EXPECT_NEAR(stores.stored, 1800, 1e-9);
  EXPECT_NEAR(stores.cost, 1.4 * 0.30, 1e-12);
  const auto full = follow_change(hour(), {0, 2000}, battery(), 800, 3600);
  EXPECT_NEAR(full.stored, 4000, 1e-9);
  EXPECT_NEAR(full.cost, -1.5 * 0.10, 1e-12);
  const auto gives = follow_change(hour(), {400, 0}, battery(), -1000, 3000);
  EXPECT_NEAR(gives.stored, 2000, 1e-9);
  EXPECT_NEAR(gives.cost, -0.1 * 0.10, 1e-12) << "more than the house lacks";
  const auto empty = follow_change(hour(), {400, 0}, battery(), -1000, 600);
  EXPECT_NEAR(empty.stored, 0, 1e-9);
  EXPECT_NEAR(empty.cost, 0.1 * 0.30, 1e-12);
  auto b = battery();
  b.export_cap = Watts{50};
  EXPECT_NEAR(follow_change(hour(), {400, 0}, b, -1000, 3000).cost, -0.05 * 0.10, 1e-12);
}

}  // namespace
}  // namespace esshub::control
