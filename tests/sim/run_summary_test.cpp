#include "sim/run_summary.hpp"

#include <gtest/gtest.h>

namespace esshub::sim {
namespace {

using namespace literals;

TEST(RunSummary, CountsMoneyByPriceAndFaultsByTheirBeginning) {
  House house{HouseSettings{}};
  house.set_load(1000.0_W);
  RunSummary summary{house, {.import = 0.10}};
  Decision decision;
  FaultSet faults;
  WattHours half{};
  for (int second = 0; second < 40; ++second) {
    house.advance(1s);
    if (second == 20) half = house.truth().import;
    decision.policy.import_price =
        second > 20 ? std::optional{0.40} : std::nullopt;  // else the flat one
    decision.proposed = Watts{second < 30 ? 0.0 : 500.0};  // a limit held the last 10 s back
    faults.set(Fault::islanded, second % 10 < 3, Instant{} + second * 1s);
    summary.tick(decision, faults, 1s);
  }
  const auto json = summary.json();
  const double first = half.value() / 1000.0;
  const double second = house.truth().import.value() / 1000.0 - first;
  ASSERT_EQ(json["bought"].size(), 2u);
  EXPECT_EQ(json["bought"][0]["price"], 0.10);
  EXPECT_NEAR(json["bought"][0]["kwh"].get<double>(), first, 1e-9);
  EXPECT_EQ(json["bought"][1]["price"], 0.40);
  EXPECT_NEAR(json["bought"][1]["kwh"].get<double>(), second, 1e-9);
  EXPECT_NEAR(json["cost"].get<double>(), 0.10 * first + 0.40 * second, 1e-9);
  EXPECT_GT(first, 0.0);
  EXPECT_EQ(json["faults"]["islanded"]["times"], 4);
  EXPECT_EQ(json["faults"]["islanded"]["seconds"], 12.0);
  EXPECT_NEAR(json["outside_50w_h"].get<double>() - json["outside_50w_unlimited_h"].get<double>(),
              10.0 / 3600.0, 1e-9);
  EXPECT_NEAR(json["unexplained_kwh"].get<double>(), 0.0, 1e-4);
  EXPECT_EQ(json["self_consumption_percent"], nullptr) << "there was no sun";
}

}  // namespace
}  // namespace esshub::sim
