#include "sim/year/optimal_bound.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace esshub::sim {
namespace {

TEST(Foresight, BuysWhileCheapForTheDearHour) {
  // Two hours of 1 kW, first at 0.10, then at 0.40; nothing stored, 1 kWh fits.
  const std::vector<PricedSpan> hours{{Watts{1000}, 0.10, 0.05}, {Watts{1000}, 0.40, 0.05}};
  const IdealBattery battery{WattHours{1000}, WattHours{}, Watts{1600}, Watts{2400}, 0.9};
  // 1 kWh in the cells gives 0.9 kWh and costs 1 / 0.9 kWh.
  EXPECT_NEAR(least_cost(hours, battery, {}).value(), 0.10 + 0.10 / 0.9 + 0.40 * 0.1, 1e-12);
  EXPECT_NEAR(least_cost(hours, battery, {.from_grid = false}).value(), 0.10 + 0.40, 1e-12);
  // 1.5 kW of import at most: half a kilowatt hour can be bought.
  EXPECT_NEAR(least_cost(hours, battery, {.import_cap = Watts{1500}}).value(),
              0.10 + 0.10 * 0.5 + 0.40 * (1.0 - 0.5 * 0.9 * 0.9), 1e-12);
  // The same in quarters of an hour.
  std::vector<PricedSpan> quarters;
  for (int n = 0; n < 8; ++n) {
    quarters.push_back(hours[n < 4 ? 0 : 1]);
    quarters.back().length = Hours{0.25};
  }
  EXPECT_NEAR(least_cost(quarters, battery, {}).value(), least_cost(hours, battery, {}).value(),
              1e-12);
}

TEST(Foresight, ACurveCountsByItsBest) {
  IdealBattery battery;
  battery.curve = {{Watts{100}, 0.80}, {Watts{500}, 0.96}, {Watts{2500}, 0.92}};
  EXPECT_EQ(battery.best_efficiency(), 0.96);
  EXPECT_NEAR(battery.efficiency_at(Watts{50}), 0.80, 1e-12);
  EXPECT_NEAR(battery.efficiency_at(Watts{300}), 0.88, 1e-12);
  EXPECT_NEAR(battery.efficiency_at(Watts{1500}), 0.94, 1e-12);
  EXPECT_NEAR(battery.efficiency_at(Watts{5000}), 0.92, 1e-12);
  const std::vector<PricedSpan> hours{{Watts{1000}, 0.10, 0.05}, {Watts{1000}, 0.40, 0.05}};
  IdealBattery best = battery;
  best.curve.clear();
  best.efficiency = 0.96;
  EXPECT_EQ(least_cost(hours, battery, {}), least_cost(hours, best, {}));
}

TEST(Foresight, GivesBackWhatItWasLentUnlessTheEndIsFree) {
  const IdealBattery battery{WattHours{2000}, WattHours{1000}, Watts{1600}, Watts{2400}, 1.0};
  // The dear hour could use it, but it must be bought back in the next.
  const std::vector<PricedSpan> hours{{Watts{1000}, 0.40, 0.05}, {Watts{0}, 0.10, 0.05}};
  EXPECT_NEAR(least_cost(hours, battery, {.end = WattHours{1000}}).value(), 0.10, 1e-12);
  EXPECT_NEAR(least_cost(hours, battery, {}).value(), 0.0, 1e-12);
  const std::vector<PricedSpan> sunny{{Watts{-500}, 0.40, 0.05}};
  EXPECT_NEAR(least_cost(sunny, battery, {.end = WattHours{1000}}).value(), -0.5 * 0.05, 1e-12);
  EXPECT_NEAR(least_cost(sunny, battery, {}).value(), -1.5 * 0.05, 1e-12) << "the rest is sold";
}

TEST(Foresight, HasNoAnswerWhereExportEarnsMoreThanImportCosts) {
  EXPECT_FALSE(least_cost(std::vector<PricedSpan>{{Watts{1000}, 0.04, 0.05}}, IdealBattery{}, {}));
}

}  // namespace
}  // namespace esshub::sim
