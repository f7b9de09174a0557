#include "control/plan/programme.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <vector>

#include "tests/control/plan/plain.hpp"

namespace esshub::control {
namespace {

PlanBattery battery() {
  PlanBattery b;
  b.capacity = WattHours{1000};
  b.charge = Watts{400};
  b.discharge = Watts{300};
  b.to_grid = true;
  return b;
}

struct Case {
  std::vector<SlotTerms> terms;
  ScenarioFlows flows;
};

Case random_case(std::mt19937& random, std::size_t slots, double least_price) {
  const auto draw = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(random() % 1000) / 999.0;
  };
  Case c;
  for (std::size_t k = 0; k < slots; ++k) {
    SlotTerms terms;
    terms.hours = 1.0;
    terms.import_price = draw(least_price, 0.4) / 1000.0;
    terms.export_price = least_price < 0.0 ? draw(-0.1, 0.3) / 1000.0 : 0.0;
    c.terms.push_back(terms);
    const double net = 100.0 * static_cast<double>(static_cast<int>(random() % 11) - 5);
    c.flows.push_back({std::max(net, 0.0), std::max(-net, 0.0)});
  }
  return c;
}

/// By trying every course over charges 100 Wh apart, without losses: every kind of move costs what
/// the grid then pays. Nothing is discharged while one is paid to draw, and nothing into the grid
/// while that costs (docs/policy.md).
double brute_force(const Case& c, std::size_t k, int stored, int end) {
  if (k == c.terms.size()) return stored >= end ? 0.0 : 1e9;
  const auto& [deficit, surplus] = c.flows[k];
  const int net = static_cast<int>(deficit - surplus);
  double least = std::numeric_limits<double>::infinity();
  for (int change = -300; change <= 400; change += 100) {
    if (stored + change < 0 || stored + change > 1000) continue;
    if (change < 0 && c.terms[k].import_price < 0.0) continue;
    if (change < 0 && -change > deficit && c.terms[k].export_price < 0.0) continue;
    const int grid = net + change;
    const double price = grid > 0 ? c.terms[k].import_price : c.terms[k].export_price;
    least = std::min(least, grid * price + brute_force(c, k + 1, stored + change, end));
  }
  return least;
}

TEST(PlanProgramme, EqualsTryingEveryCourse) {
  std::mt19937 random{3};
  for (int n = 0; n < 60; ++n) {
    SCOPED_TRACE(n);
    const auto c = random_case(random, 4, n % 2 == 0 ? 0.0 : -0.2);
    for (const int start : {0, 500, 1000})
      EXPECT_NEAR(least_known_cost(c.terms, c.flows, battery(), start, 500, 10),
                  brute_force(c, 0, start, 500), 1e-9);
  }
}

TEST(PlanProgramme, AFinerGridChangesLittle) {
  std::mt19937 random{5};
  auto b = battery();
  b.charge_efficiency = b.discharge_efficiency = 0.93;
  for (int n = 0; n < 20; ++n) {
    const auto c = random_case(random, 96, -0.1);
    const double coarse = least_known_cost(c.terms, c.flows, b, 500, 0, 54);
    const double fine = least_known_cost(c.terms, c.flows, b, 500, 0, 108);
    double none = 0.0;
    for (std::size_t k = 0; k < 96; ++k)
      none += slot_actions(c.terms[k], c.flows[k], b, 0.0).rest.cost;
    EXPECT_NEAR(coarse, fine, 0.002 * (none - fine));
  }
}

TEST(PlanProgramme, NothingIsTakenFromTheReserveAndWhatItLacksCosts) {
  SlotTerms terms;
  terms.hours = 1.0;
  terms.import_price = 0.3e-3;
  terms.reserve = 500;
  terms.missing_price = 0.4e-3;
  const CostToCome after{1000, 10};
  CostToCome before{1000, 10};
  auto b = battery();
  b.from_grid = false;
  step_back(terms, {200, 0}, b, after, before);
  EXPECT_NEAR(before(1000), 0.0, 1e-12);
  EXPECT_NEAR(before(600), 0.3e-3 * 100, 1e-12);
  EXPECT_NEAR(before(500), 0.3e-3 * 200, 1e-12);
  EXPECT_NEAR(before(300), 0.3e-3 * 200 + 0.4e-3 * 200, 1e-12);
  terms.fixed = Marks{.serve = 70.0_soc};
  step_back(terms, {200, 0}, b, after, before);
  EXPECT_NEAR(before(800), 0.3e-3 * 100, 1e-12);
}

TEST(PlanProgramme, TheEndIsWorthWhatItWasADayBefore) {
  // Two days alike, 0.1 at night and 0.4 by day: what is left at the end serves the next day.
  std::vector<SlotTerms> terms;
  ScenarioFlows flows;
  for (int k = 0; k < 8; ++k) {
    SlotTerms slot;
    slot.hours = 1.0;
    slot.import_price = k % 4 == 0 ? 0.1e-3 : 0.4e-3;
    terms.push_back(slot);
    flows.push_back({100, 0});
  }
  const std::vector<ScenarioFlows> days{flows, flows};
  const std::vector<std::size_t> begins{0, 4};
  auto b = battery();
  b.charge = Watts{50};
  const auto mean = mean_cost_to_come(terms, days, b, 10, begins);
  ASSERT_EQ(mean.size(), 9u);
  EXPECT_NEAR(mean[8].worth(0), 0.4e-3, 1e-9);
  EXPECT_NEAR(mean[8].worth(9), 0.1e-3, 1e-9) << "more than a day needs";
}

TEST(PlanProgramme, TheMeanOfDaysCountsEachAlike) {
  SlotTerms slot;
  slot.hours = 1.0;
  slot.import_price = 0.4e-3;
  auto b = battery();
  b.from_grid = b.to_grid = false;
  const std::vector<SlotTerms> terms{slot};
  const std::vector<ScenarioFlows> days{{{0, 0}}, {{300, 0}}};
  const std::vector<std::size_t> begins{0};
  const auto mean = mean_cost_to_come(terms, days, b, 10, begins);
  CostToCome idle{1000, 10};
  CostToCome busy{1000, 10};
  step_back(slot, days[0][0], b, mean[1], idle);
  step_back(slot, days[1][0], b, mean[1], busy);
  for (const double stored : {0.0, 200.0, 1000.0}) {
    EXPECT_NEAR(mean[0](stored), (idle(stored) + busy(stored)) / 2.0, 1e-12);
    EXPECT_LT(idle(stored), busy(stored));
  }
}

double reference_before(const SlotTerms& terms, const SlotFlows& flows, const PlanBattery& b,
                        const CostToCome& after, double stored) {
  const double missing = terms.missing_price * std::max(terms.reserve - stored, 0.0);
  if (!terms.fixed) return plain::least_cost(terms, flows, b, after, stored) + missing;
  const auto out = plain::follow(terms, flows, b, levels(*terms.fixed, b), stored, 0.0);
  return out.cost + after(out.stored) + missing;
}

Marks some_fixed(plain::Draw& draw) {
  Marks fixed;
  fixed.buy_power = Watts{draw.of({0, 100})};
  const double serve = draw.of({0, 30, 50});
  fixed.serve = *Soc::from_percent(serve);
  fixed.buy = *Soc::from_percent(std::min(serve, draw.of({0, 30})));
  fixed.sell = *Soc::from_percent(std::max(serve, draw.of({0, 50, 90})));
  fixed.sell_power = Watts{draw.of({0, 100})};
  return fixed;
}

SlotTerms some_slot(plain::Draw& draw) {
  auto terms = plain::some_terms(draw);
  if (draw.one_in(3)) terms.missing_price = draw.of({0.1, 0.5}) / 1000.0;
  if (draw.one_in(4)) terms.fixed = some_fixed(draw);
  return terms;
}

TEST(PlanProgramme, ASlotCostsTheLeastOfAllThatItCanDo) {
  for (unsigned seed = 0; seed < 3000 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    plain::Draw draw{seed};
    auto b = plain::some_battery(draw);
    if (draw.one_in(3)) b.taper = {{WattHours{200}, Watts{60}}, {WattHours{300}, Watts{30}}};
    const auto terms = some_slot(draw);
    const auto flows = plain::some_flows(draw);
    const std::size_t cells = 2 + draw.below(7);
    const auto after = plain::some_worth(draw, cells, draw.one_in(3));
    CostToCome before{400.0, cells};
    step_back(terms, flows, b, after, before);
    for (std::size_t i = 0; i <= cells; ++i)
      EXPECT_NEAR(before.points()[i], reference_before(terms, flows, b, after, before.level(i)),
                  1e-9);
  }
}

/// Of the slots [first, end), the mean over the days of the cost from each on.
std::vector<CostToCome> mean_of(std::span<const SlotTerms> terms,
                                std::span<const ScenarioFlows> days, const PlanBattery& b,
                                std::size_t first, std::size_t end, const CostToCome& at_end) {
  std::vector<CostToCome> mean(end - first, CostToCome{400.0, at_end.cells()});
  for (const auto& day : days) {
    CostToCome after = at_end;
    for (std::size_t k = end; k-- > first;) {
      CostToCome now = after;
      for (std::size_t i = 0; i <= after.cells(); ++i) {
        now.points()[i] = reference_before(terms[k], day[k], b, after, after.level(i));
        mean[k - first].points()[i] += now.points()[i] / static_cast<double>(days.size());
      }
      after = now;
    }
  }
  return mean;
}

TEST(PlanProgramme, TheMeanOverDaysEqualsTheReference) {
  for (unsigned seed = 0; seed < 300 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    plain::Draw draw{seed};
    const auto b = plain::some_battery(draw);
    const std::size_t n = 1 + draw.below(5);
    const std::size_t cells = 2 + draw.below(4);
    std::vector<SlotTerms> terms;
    std::vector<ScenarioFlows> days(1 + draw.below(3));
    std::vector<std::size_t> begins{0};
    for (std::size_t k = 0; k < n; ++k) {
      terms.push_back(some_slot(draw));
      for (auto& day : days) day.push_back(plain::some_flows(draw));
      if (k > 0 && draw.one_in(2)) begins.push_back(k);
    }
    // What is left at the end: first as the cheapest price would have it, then as a day before.
    double cheapest = terms[0].import_price;
    for (const auto& slot : terms) cheapest = std::min(cheapest, slot.import_price);
    CostToCome end{400.0, cells};
    for (std::size_t i = 0; i <= cells; ++i)
      end.points()[i] = -end.level(i) * std::max(cheapest, 0.0) * b.discharge_efficiency;
    const auto last = mean_of(terms, days, b, begins.back(), n, end).front();
    for (std::size_t i = 0; i <= cells; ++i)
      end.points()[i] = last.points()[i] - last.points()[cells];
    const auto mean = mean_cost_to_come(terms, days, b, cells, begins);
    ASSERT_EQ(mean.size(), n + 1);
    std::size_t until = n;
    for (auto begin = begins.rbegin(); begin != begins.rend(); ++begin) {
      const auto right = mean_of(terms, days, b, *begin, until, mean[until]);
      for (std::size_t k = *begin; k < until; ++k)
        for (std::size_t i = 0; i <= cells; ++i)
          EXPECT_NEAR(mean[k].points()[i], right[k - *begin].points()[i], 1e-9) << k;
      until = *begin;
    }
    for (std::size_t i = 0; i <= cells; ++i)
      EXPECT_NEAR(mean[n].points()[i], end.points()[i], 1e-9);
  }
}

}  // namespace
}  // namespace esshub::control
