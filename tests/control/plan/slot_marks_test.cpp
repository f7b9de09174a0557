#include "control/plan/slot_marks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "tests/control/plan/plain.hpp"

namespace esshub::control {
namespace {

PlanBattery battery() {
  PlanBattery b;
  b.capacity = WattHours{8640};
  b.charge = Watts{1600};
  b.discharge = Watts{2400};
  b.charge_efficiency = b.discharge_efficiency = 0.95;
  b.to_grid = true;
  return b;
}

CostToCome worth(const std::vector<double>& per_kwh) {
  CostToCome cost{8640, per_kwh.size()};
  for (std::size_t i = 0; i < per_kwh.size(); ++i)
    cost.points()[i + 1] = cost.points()[i] - per_kwh[i] / 1000.0 * cost.width();
  return cost;
}

SlotTerms hour(double import_price, double export_price) {
  SlotTerms terms;
  terms.hours = 1.0;
  terms.import_price = import_price / 1000.0;
  terms.export_price = export_price / 1000.0;
  return terms;
}

const std::vector<SlotFlows> flows{{500, 0}, {900, 0}, {0, 300}, {0, 900}};

TEST(PlanSlotMarks, WhereCostsAreConvexByWhatAKilowattHourIsWorth) {
  // Thresholds: buy above 0.211, store above 0.053, serve below 0.190, sell below 0.0475.
  const auto after = worth({0.30, 0.25, 0.20, 0.15, 0.05, 0.02});
  const auto marks = best_marks(hour(0.20, 0.05), flows, battery(), after, {});
  EXPECT_NEAR(marks.buy, 2 * 1440, 1e-6);
  EXPECT_NEAR(marks.store, 4 * 1440, 1e-6);
  EXPECT_NEAR(marks.serve, 3 * 1440, 1e-6);
  EXPECT_NEAR(marks.sell, 5 * 1440, 1e-6);
  auto worn = battery();
  worn.wear = 0.06;
  EXPECT_NEAR(best_marks(hour(0.20, 0.05), flows, worn, after, {}).serve, 4 * 1440, 1e-6);
  worn.from_grid = worn.to_grid = false;
  const auto less = best_marks(hour(0.20, 0.05), flows, worn, after, {});
  EXPECT_EQ(less.buy, 0.0);
  EXPECT_NEAR(less.sell, 8640, 1e-6);
}

TEST(PlanSlotMarks, AreOrderedWhateverTheCosts) {
  std::mt19937 random{11};
  const auto draw = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(random() % 1000) / 999.0;
  };
  for (int n = 0; n < 300; ++n) {
    std::vector<double> values(24);
    for (auto& value : values) value = draw(-0.2, 0.4);
    if (n % 3 == 0) std::ranges::sort(values, std::greater{});
    auto terms = hour(draw(-0.2, 0.4), draw(-0.1, 0.3));
    if (n % 2 == 0) terms.reserve = draw(0, 4000);
    const auto m = best_marks(terms, flows, battery(), worth(values), {});
    EXPECT_GE(m.buy, 0.0);
    EXPECT_LE(m.buy, m.store);
    EXPECT_LE(m.buy, m.serve);
    EXPECT_LE(m.serve, m.sell);
    EXPECT_LE(std::max(m.store, m.sell), 8640 + 1e-6);
  }
}

/// A year's fortnight of prices with import below export: the marks, executed, against the
/// programme itself.
TEST(PlanSlotMarks, LoseLittleWhereCostsAreNotConvex) {
  std::mt19937 random{17};
  const auto draw = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(random() % 1000) / 999.0;
  };
  std::vector<SlotTerms> terms;
  ScenarioFlows day;
  const int hours = 14 * 24;
  for (int k = 0; k < hours; ++k) {
    const int hour_of_day = k % 24;
    const bool negative = random() % 8 == 0;
    terms.push_back(negative ? hour(draw(-0.10, 0.02), draw(0.05, 0.15))
                             : hour(draw(0.10, 0.35), draw(0.03, 0.10)));
    const double sun = hour_of_day > 7 && hour_of_day < 17 ? draw(0, 2500) : 0.0;
    const double net = draw(100, 1200) - sun;
    day.push_back({std::max(net, 0.0), std::max(-net, 0.0)});
  }
  const auto b = battery();
  const std::size_t cells = 54;
  CostToCome after{8640, cells};
  std::vector<CostToCome> to_come(terms.size() + 1, after);
  for (std::size_t k = terms.size(); k-- > 0;)
    step_back(terms[k], day[k], b, to_come[k + 1], to_come[k]);
  double cost = 0.0;
  double none = 0.0;
  double stored = 4320;
  for (std::size_t k = 0; k < terms.size(); ++k) {
    const auto marks =
        best_marks(terms[k], std::span(&day[k], 1), b, to_come[k + 1], std::span(&stored, 1));
    const auto out = follow_marks(terms[k], day[k], b, marks, stored, 0.0);
    cost += out.cost;
    stored = out.stored;
    none += slot_actions(terms[k], day[k], b, 0.0).rest.cost;
  }
  const double least = to_come[0](4320);
  const double lost = 100.0 * (cost - least) / (none - least);
  RecordProperty("percent_of_saving_lost", std::to_string(lost));
  EXPECT_LE(lost, 0.5) << "of a saving of " << none - least;
}

/// Mean over all charges of what following the marks costs more than the programme, as a share of
/// what the programme saves against resting.
double mean_regret(const SlotTerms& terms, const SlotFlows& flow, const PlanBattery& b,
                   const CostToCome& after) {
  const auto marks = best_marks(terms, std::span(&flow, 1), b, after, {});
  CostToCome least = after;
  step_back(terms, flow, b, after, least);
  double lost = 0.0;
  double saved = 0.0;
  for (std::size_t i = 0; i <= after.cells(); ++i) {
    const double stored = after.level(i);
    const auto out = follow_marks(terms, flow, b, marks, stored, 0.0);
    lost += out.cost + after(out.stored) - least.points()[i];
    saved += slot_actions(terms, flow, b, stored).rest.cost + after(stored) - least.points()[i];
  }
  return lost / saved;
}

TEST(PlanSlotMarks, AValleyOfWorthIsNoEndOfBuyingOrSelling) {
  auto b = battery();
  b.charge = b.discharge = Watts{10000};  // the whole range within the hour
  // The first quarter is worth little and what lies above it much: buying goes through.
  std::vector<double> rising(24, 0.30);
  std::fill_n(rising.begin(), 6, 0.05);
  EXPECT_LE(mean_regret(hour(0.15, 0.02), {0, 0}, b, worth(rising)), 0.005);
  // The last quarter is worth much and what lies below it little: selling goes through.
  std::vector<double> falling(24, 0.02);
  std::fill_n(falling.rbegin(), 6, 0.20);
  EXPECT_LE(mean_regret(hour(0.35, 0.15), {0, 0}, b, worth(falling)), 0.005);
}

TEST(PlanSlotMarks, WhereSellingPaysMoreThanBuyingCostsBothHaveTheirCharges) {
  auto b = battery();
  b.charge = b.discharge = Watts{10000};
  std::vector<double> falling(24, 0.30);  // convex, but for the prices
  std::fill_n(falling.rbegin(), 12, 0.03);
  const SlotFlows nothing{};
  const auto marks = best_marks(hour(0.02, 0.15), std::span(&nothing, 1), b, worth(falling), {});
  EXPECT_NEAR(marks.buy, 4320, 400);
  EXPECT_NEAR(marks.sell, 4320, 400) << "what lies above is worth more sold";
}

void expect_near(const MarkLevels& a, const MarkLevels& b) {
  EXPECT_NEAR(a.buy, b.buy, 1e-9);
  EXPECT_NEAR(a.store, b.store, 1e-9);
  EXPECT_NEAR(a.serve, b.serve, 1e-9);
  EXPECT_NEAR(a.sell, b.sell, 1e-9);
}

bool convex_prices(const SlotTerms& terms) {
  return terms.import_price >= terms.export_price && terms.export_price >= 0.0;
}

TEST(PlanSlotMarks, EqualTheReferenceWhereCostsAreConvex) {
  for (unsigned seed = 0; seed < 2000 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    plain::Draw draw{seed};
    const auto b = plain::some_battery(draw);
    auto terms = plain::some_terms(draw);
    if (!convex_prices(terms)) continue;
    const std::size_t cells = 2 + draw.below(7);
    const auto after = plain::some_worth(draw, cells, true);
    if (draw.one_in(3))  // at a point, or so near to it that it is taken as there, or not
      terms.reserve = after.level(draw.below(cells)) + draw.of({0, 0.75e-6, 1.5e-6, 0.5});
    const std::vector<SlotFlows> days{plain::some_flows(draw), plain::some_flows(draw)};
    const std::vector<double> likely{draw.of({0, 90, 200, 400}), draw.of({100, 250, 400})};
    const auto by_worth = plain::marks_by_worth(terms, b, after);
    expect_near(best_marks(terms, days, b, after, {}), by_worth);
    const auto sold = by_worth.sell < 400.0
                          ? plain::improved(by_worth, terms, days, b, after, likely, true)
                          : by_worth;
    expect_near(best_marks(terms, days, b, after, likely), sold);
  }
}

TEST(PlanSlotMarks, WhatIsWorthLessBelowTheReserveIsNoMatter) {
  for (unsigned seed = 0; seed < 1000 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    plain::Draw draw{seed};
    const auto b = plain::some_battery(draw);
    auto terms = plain::some_terms(draw);
    terms.import_price = std::max(terms.import_price, 0.1e-3);
    terms.export_price = draw.of({0, 0.05e-3, 0.1e-3});
    const std::size_t cells = 4 + draw.below(5);
    auto after = plain::some_worth(draw, cells, true);
    const std::size_t first = 1 + draw.below(3);
    terms.reserve = after.level(first) - draw.of({0, 10});
    for (std::size_t i = first; i-- > 0;)
      after.points()[i] =
          after.points()[i + 1] + draw.of({0, 0.1, 0.2, 0.4}) / 1000.0 * after.width();
    const SlotFlows none{};
    expect_near(best_marks(terms, std::span(&none, 1), b, after, {}),
                plain::marks_by_worth(terms, b, after));
  }
}

TEST(PlanSlotMarks, EqualTryingAllMarksWhereCostsAreNotConvex) {
  for (unsigned seed = 0; seed < 3000 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    plain::Draw draw{seed};
    auto b = plain::some_battery(draw);
    auto terms = plain::some_terms(draw);
    if (draw.one_in(4)) b.taper = {{WattHours{draw.of({0, 1, 200})}, Watts{30}}};
    const std::size_t cells = 2 + draw.below(4);
    const auto after = plain::some_worth(draw, cells, false);
    if (convex_prices(terms) && plain::falls(after, terms.reserve))
      terms.import_price = terms.export_price - 0.05e-3;
    std::vector<SlotFlows> days(1 + draw.below(7));
    std::vector<double> likely;
    for (auto& day : days) {
      day = plain::some_flows(draw);
      likely.push_back(draw.of({0, 90, 200, 310, 400}));
    }
    const auto searched = plain::cheapest_marks(terms, days, b, after);
    expect_near(best_marks(terms, days, b, after, {}), plain::done_at(terms, b, searched));
    expect_near(
        best_marks(terms, days, b, after, likely),
        plain::done_at(terms, b, plain::improved(searched, terms, days, b, after, likely, false)));
  }
}

/// A billionth beside a threshold is the threshold: the sun is stored and the house served, nothing
/// is bought or sold.
TEST(PlanSlotMarks, AtAThresholdTheGridIsLeftAlone) {
  auto b = battery();
  b.capacity = WattHours{1};
  b.charge_efficiency = b.discharge_efficiency = 1.0;
  const auto marks = [&](double worth_of_it) {
    CostToCome after{1.0, 2};
    after.points()[0] = worth_of_it;  // of both cells
    after.points()[1] = worth_of_it / 2.0;
    return best_marks(hour(0.2, 0.1), flows, b, after, {});
  };
  const double import_price = 0.2 / 1000.0;
  const double export_price = 0.1 / 1000.0;
  for (const double beside : {0.75e-9, 1e-9}) {
    EXPECT_EQ(marks(import_price + beside).buy, 0.0);
    EXPECT_EQ(marks(export_price - beside).store, 1.0);
    EXPECT_EQ(marks(import_price + beside).serve, 0.0);
    EXPECT_EQ(marks(export_price - beside).sell, 1.0);
  }
  EXPECT_EQ(marks(import_price + 1.5e-9).buy, 1.0);
  EXPECT_EQ(marks(export_price - 1.5e-9).store, 0.0);
  EXPECT_EQ(marks(import_price + 1.5e-9).serve, 1.0);
  EXPECT_EQ(marks(export_price - 1.5e-9).sell, 0.0);
}

}  // namespace
}  // namespace esshub::control
