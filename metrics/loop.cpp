#include "metrics/sections.hpp"

namespace esshub::metrics {

void add_loop(Page& page, const LoopQuality& loop) {
  page.gauge("esshub_loop_grid_deviation_watts",
             "Mean distance of the grid meter from 0 over about the last minute in watts.");
  page.add({}, loop.mean_grid.value());
  page.gauge("esshub_loop_model_error_watts",
             "Mean distance of the inverter's measured power from the predicted one in watts.");
  page.add({}, loop.model_error.value());
  page.gauge(
      "esshub_loop_lag_seconds",
      "Time constants of the grid meter's filter and of the inverter's answer in seconds, as "
      "identified; as configured until then.");
  page.add({{"device", "meter"}}, loop.meter_lag.count());
  page.add({{"device", "inverter"}}, loop.inverter_lag.count());
  page.gauge("esshub_loop_inverter_ramp_watts_per_second",
             "How fast the inverter moves at most, as identified; as configured until then.");
  page.add({}, loop.inverter_ramp.value());
  page.gauge("esshub_loop_inverter_gain_ratio",
             "Watts the inverter does for each watt it is told, as identified.");
  page.add({}, loop.inverter_gain);
}

}  // namespace esshub::metrics
