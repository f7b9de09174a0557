#include "sim/year/optimal_bound.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace esshub::sim {
namespace {

TEST(Foresight, BuysWhileCheapForTheDearHour) {
  // Two hours of 1 kW, first at 0.10, then at 0.40; nothing stored, 1 kWh fits.
  const std::vector<PricedHour> hours{{Watts{1000}, 0.10}, {Watts{1000}, 0.40}};
  const IdealBattery battery{WattHours{1000}, WattHours{}, Watts{1600}, Watts{2400}, 0.9};
  // 1 kWh in the cells gives 0.9 kWh and costs 1 / 0.9 kWh.
  EXPECT_NEAR(least_cost(hours, battery, 0.05, true).value(), 0.10 + 0.10 / 0.9 + 0.40 * 0.1,
              1e-12);
  EXPECT_NEAR(least_cost(hours, battery, 0.05, false).value(), 0.10 + 0.40, 1e-12);
}

TEST(Foresight, NeverFeedsTheGridAndGivesBackWhatItWasLent) {
  const IdealBattery battery{WattHours{2000}, WattHours{1000}, Watts{1600}, Watts{2400}, 1.0};
  // The dear hour could use it, but it must be bought back in the next.
  EXPECT_NEAR(least_cost(std::vector<PricedHour>{{Watts{1000}, 0.40}, {Watts{0}, 0.10}}, battery,
                         0.05, true)
                  .value(),
              0.10, 1e-12);
  EXPECT_NEAR(least_cost(std::vector<PricedHour>{{Watts{-500}, 0.40}}, battery, 0.05, true).value(),
              -0.5 * 0.05, 1e-12);
}

TEST(Foresight, HasNoAnswerWhereExportEarnsMoreThanImportCosts) {
  EXPECT_FALSE(
      least_cost(std::vector<PricedHour>{{Watts{1000}, 0.04}}, IdealBattery{}, 0.05, true));
}

}  // namespace
}  // namespace esshub::sim
