#include "sim/step_response/loop_bench.hpp"

#include <gtest/gtest.h>

namespace esshub::sim {
namespace {

TEST(StepResponse, ThePlantIsFoundOutFromOwnMoves) {
  LoopPlant plant;
  plant.meter_time_constant = Seconds{0.5};
  plant.ramp = WattsPerSecond{400.0};
  plant.gain = 0.95;
  LoopBench bench{plant, LoopKind::hub};
  for (int n = 0; n < 6; ++n) {
    bench.set_net_load(n % 2 == 0 ? 300.0_W : 1800.0_W);
    bench.run(25s);
  }
  const LoopQuality& found = bench.decision().loop;
  ASSERT_TRUE(found.meter_time_constant && found.inverter_ramp && found.inverter_gain);
  EXPECT_NEAR(found.meter_time_constant->count(), 0.5, 0.2);
  EXPECT_NEAR(found.inverter_ramp->value(), 400.0, 100.0);
  EXPECT_NEAR(*found.inverter_gain, 0.95, 0.02);
  EXPECT_LT(*found.model_error, 30.0_W);
}

}  // namespace
}  // namespace esshub::sim
