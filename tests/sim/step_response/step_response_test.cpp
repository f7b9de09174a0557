// The goals of the loop's quality, in virtual time: the same figures on every machine.
#include "sim/step_response/step_response.hpp"

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

TEST(StepResponse, AKilowattImportsLittleMoreThanPhysicsAsks) {
  const LoopPlant nominal;
  const auto record = record_step(nominal, LoopKind::hub, usual_steps()[1], phases);
  EXPECT_LE(p50(record, import), 0.33);
  EXPECT_LE(p50(record, import), 1.5 * physical_bound(nominal, 1000.0_W).value());
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
  EXPECT_NEAR(figures.consumed.value(), 715.78, 0.05);
  EXPECT_LE(figures.import, 4.4_Wh);
  EXPECT_LE(figures.export_, 4.4_Wh);
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
