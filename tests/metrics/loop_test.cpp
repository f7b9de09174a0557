#include "tests/metrics/full_view.hpp"

namespace esshub::metrics {
namespace {

TEST(Sections, LoopShowsWhatWasFoundOut) {
  expect_shown(series(text(full_view(), 250ms)),
               {{"esshub_loop_grid_deviation_watts", 12},
                {"esshub_loop_model_error_watts", 30},
                {"esshub_loop_time_constant_seconds{device=\"meter\"}", 0.217},
                {"esshub_loop_time_constant_seconds{device=\"inverter\"}", 0.1},
                {"esshub_loop_meter_delay_seconds", 0.15},
                {"esshub_loop_inverter_ramp_watts_per_second", 1000},
                {"esshub_loop_inverter_gain_ratio", 0.97}});
}

}  // namespace
}  // namespace esshub::metrics
