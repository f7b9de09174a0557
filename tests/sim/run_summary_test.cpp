#include "sim/run_summary.hpp"

#include <gtest/gtest.h>

namespace esshub::sim {
namespace {

using namespace literals;

Decision balancing() {
  Decision decision;
  decision.setpoint.mode = InverterMode::follow;
  decision.reasons.add({Cause::self_consumption, Watts{}});
  return decision;
}

TEST(RunSummary, CountsMoneyByPriceAndFaultsByTheirBeginning) {
  House house{HouseSettings{}};
  house.set_load(1000.0_W);
  RunSummary summary{house, {.import = 0.10}};
  Decision decision = balancing();
  FaultSet faults;
  WattHours half{};
  for (int second = 0; second < 40; ++second) {
    house.advance(1s);
    if (second == 21) half = house.truth().import;  // the price of decision 21 begins there
    decision.policy.import_price =
        second > 20 ? std::optional{0.40} : std::nullopt;  // else the flat one
    decision.proposed = Watts{second < 30 ? 0.0 : 500.0};  // a limit held the last 10 s back
    faults.set(Fault::islanded, second % 10 < 3, Instant{} + second * 1s);
    summary.tick(decision, faults);
  }
  house.advance(1s);
  summary.finish();
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
  EXPECT_EQ(json["faults"]["islanded"]["seconds"], 13.0) << "the second before it included";
  EXPECT_NEAR(json["outside_50w_h"].get<double>(), 41.0 / 3600.0, 1e-9);
  EXPECT_NEAR(json["outside_50w_regulating_h"].get<double>(), 31.0 / 3600.0, 1e-9);
  EXPECT_NEAR(json["unexplained_kwh"].get<double>(), 0.0, 1e-4);
  EXPECT_EQ(json["self_consumption_percent"], nullptr) << "there was no sun";
}

TEST(RunSummary, CountsTimeByTheClockAndNotByTicks) {
  House house{HouseSettings{}};
  house.set_load(1000.0_W);
  RunSummary summary{house, {}};
  FaultSet lost;
  lost.set(Fault::grid_meter_lost, true, Instant{});
  Decision idle;
  idle.reasons.add({Cause::idle, Watts{}});
  const auto pass = [&](Duration time) {
    for (Duration t{}; t < time; t += 100ms) house.advance(100ms);
  };
  pass(1s);
  summary.tick(balancing(), FaultSet{});  // the first second is its as well
  pass(10s);
  summary.tick(idle, lost);
  pass(200ms);
  summary.tick(idle, lost);
  pass(5s);
  summary.tick(balancing(), FaultSet{});
  pass(800ms);
  summary.finish();
  const auto json = summary.json();
  EXPECT_NEAR(json["rules_h"]["self_consumption"].get<double>() * 3600.0, 11.8, 1e-9);
  EXPECT_NEAR(json["rules_h"]["idle"].get<double>() * 3600.0, 5.2, 1e-9);
  EXPECT_NEAR(json["faults"]["grid_meter_lost"]["seconds"].get<double>(), 5.2, 1e-9);
  EXPECT_EQ(json["faults"]["grid_meter_lost"]["times"], 1);
  EXPECT_NEAR(json["outside_50w_h"].get<double>() * 3600.0, 17.0, 1e-9);
}

TEST(RunSummary, TimeOutsideIsTheHousesAndNotWhatATickHappensToSee) {
  House house{HouseSettings{}};
  RunSummary summary{house, {}};
  for (int n = 0; n < 10; ++n) {  // half of each second outside, and over at its tick
    house.set_load(1000.0_W);
    house.advance(500ms);
    house.set_load(0.0_W);
    house.advance(500ms);
    summary.tick(balancing(), FaultSet{});
  }
  EXPECT_NEAR(summary.json()["outside_50w_h"].get<double>() * 3600.0, 5.0, 1e-9);
}

TEST(RunSummary, WhatIsPlannedIsNotHeldAgainstTheControl) {
  const auto regulating = [](Cause target, InverterMode mode) {
    House house{HouseSettings{}};
    house.set_load(1000.0_W);
    RunSummary summary{house, {}};
    Decision decision;
    decision.setpoint.mode = mode;
    decision.reasons.add({target, 1600.0_W});
    decision.proposed = decision.battery_power = 1600.0_W;
    summary.tick(decision, FaultSet{});
    house.advance(10s);
    summary.finish();
    return summary.json()["outside_50w_regulating_h"].get<double>() * 3600.0;
  };
  EXPECT_NEAR(regulating(Cause::self_consumption, InverterMode::follow), 10.0, 1e-9);
  for (const Cause planned : {Cause::charge, Cause::cheap_charge, Cause::discharge, Cause::idle})
    EXPECT_EQ(regulating(planned, InverterMode::follow), 0.0) << name(planned);
  EXPECT_EQ(regulating(Cause::self_consumption, InverterMode::release), 0.0);
}

TEST(RunSummary, UnservedLoadIsShownAndCountsAgainstSelfSufficiency) {
  House house{HouseSettings{}};
  house.set_load(1000.0_W);
  RunSummary summary{house, {}};
  house.set_grid(false);
  summary.tick(balancing(), FaultSet{});
  house.advance(1h);
  summary.finish();
  EXPECT_NEAR(summary.json()["unserved_kwh"].get<double>(), 1.0, 1e-9);
  EXPECT_EQ(summary.json()["self_sufficiency_percent"], 0.0);
  EXPECT_NE(summary.text().find("unserved             1.000 kWh"), std::string::npos)
      << summary.text();
}

}  // namespace
}  // namespace esshub::sim
