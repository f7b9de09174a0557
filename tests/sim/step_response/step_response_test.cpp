// The goals of the loop's quality, in virtual time: the same figures on every machine.
#include "sim/step_response/step_response.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "sim/trace.hpp"

namespace esshub::sim {
namespace {

constexpr int phases = 8;

double p50(const StepRecord& record, double (*figure)(const StepFigures&)) {
  return spread(record.runs, figure).p50;
}
double dead(const StepFigures& f) {
  return f.dead.count();
}
double settling(const StepFigures& f) {
  return f.settling.count();
}
double overshoot(const StepFigures& f) {
  return f.overshoot;
}
double import(const StepFigures& f) {
  return f.import.value();
}

TEST(StepResponse, TheNominalPlantIsFollowedAsPromised) {
  const LoopPlant nominal;
  for (const auto& step : usual_steps()) {
    const auto record = record_step(nominal, LoopKind::hub, step, phases);
    const double height = abs(step.to - step.from).value();
    EXPECT_LE(p50(record, dead), 0.40) << step.name;
    EXPECT_LE(p50(record, settling), height / nominal.ramp.value() + 0.8) << step.name;
    EXPECT_LE(p50(record, overshoot), 0.05) << step.name;
  }
}

TEST(StepResponse, AfterAStartTheFirstKilowattIsFollowedLikeTheOthers) {
  // The hub has seen one move of 300 W by then.
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    LoopPlant plant;
    plant.seed = seed;
    const auto record = record_step(plant, LoopKind::hub, usual_steps()[1], 1);
    EXPECT_LE(record.runs.front().settling, Seconds{1.8}) << "seed " << seed;
  }
}

TEST(StepResponse, AKilowattImportsLittleMoreThanPhysicsAsks) {
  const LoopPlant nominal;
  const auto record = record_step(nominal, LoopKind::hub, usual_steps()[1], phases);
  EXPECT_LE(p50(record, import), 0.33);
  EXPECT_LE(p50(record, import), 1.5 * physical_bound(nominal, 1000.0_W).value());
}

TEST(StepResponse, WhatTheWiresAllowIsMeasuredAsItIsCalculated) {
  const LoopPlant nominal;
  const auto [shortest, longest] = wait_range(nominal);
  const auto record = record_step(nominal, LoopKind::ideal, usual_steps()[1], phases);
  for (const auto& run : record.runs) {
    EXPECT_GE(run.dead, shortest);
    EXPECT_LE(run.dead, longest + Seconds{0.02}) << "10 W at 1000 W/s, in steps of 10 ms";
    EXPECT_LE(run.overshoot, 0.005);
    // 950 W at the ramp, and its time constant for the rest.
    EXPECT_NEAR(run.settling.count() - run.dead.count(), 0.95, 0.03);
  }
  const auto hub = record_step(nominal, LoopKind::hub, usual_steps()[1], phases);
  EXPECT_NEAR(p50(hub, dead), p50(record, dead), 0.05) << "the wires, not the hub";
}

TEST(StepResponse, AMeterBesideTheGridsDoesNotHalveItsPace) {
  LoopPlant plant;
  plant.battery_meter = true;
  const auto record = record_step(plant, LoopKind::hub, usual_steps()[1], phases);
  EXPECT_LE(p50(record, dead), 0.45);
  EXPECT_LE(p50(record, import), 0.33);
}

TEST(StepResponse, AtRestTheGridIsHeldWithin3W) {
  const auto rest = record_rest({}, LoopKind::hub, 1200.0_W);
  EXPECT_LE(rest.import, 3.0_W);
  EXPECT_LE(rest.export_, 3.0_W);
}

TEST(StepResponse, ARecordedLoadIsFollowedFasterThanOneSecondLate) {
  const auto load = read_load_trace(ESSHUB_TEST_DATA "/load_1hz_kettle_vacuum_waterheater_a.csv");
  ASSERT_TRUE(load);
  const auto figures = follow_trace(load->values, LoopKind::hub);
  const auto late = follow_late(load->values, 1);
  EXPECT_NEAR(figures.consumed.value(), 715.78, 0.05);
  EXPECT_LE(figures.import, late.import);
  EXPECT_LE(figures.export_, late.export_);
}

TEST(StepResponse, APureDelayComesToWhatWasComputedElsewhere) {
  const auto load = read_load_trace(ESSHUB_TEST_DATA "/load_1hz_kettle_vacuum_waterheater_a.csv");
  ASSERT_TRUE(load);
  struct Row {
    std::size_t seconds;
    double import, export_;
  };
  // tests/data/README-traces.md
  for (const auto& row : {Row{1, 4.31, 4.31}, Row{2, 8.15, 8.15}, Row{5, 19.44, 19.45},
                          Row{10, 37.96, 37.98}, Row{30, 109.28, 109.33}}) {
    const auto late = follow_late(load->values, row.seconds);
    EXPECT_NEAR(late.import.value(), row.import, 0.006) << row.seconds;
    EXPECT_NEAR(late.export_.value(), row.export_, 0.006) << row.seconds;
  }
}

TEST(StepResponse, TheIntegralIsHeldBackByThePlantAlone) {
  // 5 kW: beyond the inverter of the nominal plant, not beyond an unlimited one.
  std::vector<double> load(60, 300.0);
  std::fill(load.begin() + 20, load.end(), 5000.0);
  const auto figures = follow_trace(load, LoopKind::integral);
  EXPECT_LT(figures.import, 10.0_Wh) << "held back at 2.4 kW it would import 29 Wh";
}

TEST(StepResponse, TheSeedIsThePlants) {
  const auto figures = [](std::uint64_t seed) {
    LoopPlant plant;
    plant.seed = seed;
    return record_rest(plant, LoopKind::hub, 1200.0_W).deviation;
  };
  EXPECT_EQ(figures(3), figures(3));
  EXPECT_NE(figures(3), figures(4));
  const std::vector<double> load{300.0, 300.0, 900.0, 900.0};
  EXPECT_NE(follow_trace(load, LoopKind::hub, 1).import,
            follow_trace(load, LoopKind::hub, 2).import);
  EXPECT_NE(sweep(144, {}, 1).front().overshoot, sweep(144, {}, 2).front().overshoot);
  EXPECT_NE(wrong_sweep(108, {}, 1).front().overshoot, wrong_sweep(108, {}, 2).front().overshoot);
}

TEST(StepResponse, PlantsItWasNotToldOfAreFollowedWithoutHunting) {
  for (const auto& cell : sweep(11, {}))
    EXPECT_TRUE(cell.good()) << cell.ramp.value() << " W/s, time constant "
                             << cell.meter_time_constant.count() << " s, poll " << cell.poll.count()
                             << " s, gain " << cell.gain << ": " << cell.overshoot * 100.0 << " %, "
                             << cell.peak_to_peak.value() << " W";
}

TEST(StepResponse, SettingsWrongInEverythingDoNotMakeItHunt) {
  for (const auto& cell : wrong_sweep(5, {}))
    EXPECT_TRUE(cell.quiet()) << cell.ramp.value() << " W/s, time constant "
                              << cell.meter_time_constant.count() << " s, later by "
                              << cell.meter_delay / 1ms << " ms, gain " << cell.gain << ": "
                              << cell.peak_to_peak.value() << " W";
}

}  // namespace
}  // namespace esshub::sim
