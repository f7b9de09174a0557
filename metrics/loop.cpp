#include "metrics/sections.hpp"

namespace esshub::metrics {
namespace {

template <class Q>
std::optional<double> number(const std::optional<Q>& quantity) {
  return quantity ? std::optional{quantity->value()} : std::nullopt;
}
std::optional<double> number(const std::optional<Seconds>& time) {
  return time ? std::optional{time->count()} : std::nullopt;
}

}  // namespace

void add_loop(Page& page, const LoopQuality& loop) {
  page.gauge("esshub_loop_grid_deviation_watts",
             "Mean distance of the grid meter from 0 over about the last minute in watts.");
  page.add({}, number(loop.mean_grid));
  page.gauge("esshub_loop_model_error_watts",
             "Mean distance of the inverter's measured power from the predicted one in watts.");
  page.add({}, number(loop.model_error));
  page.gauge(
      "esshub_loop_time_constant_seconds",
      "Time constants of the grid meter's filter and of the inverter's answer in seconds, as "
      "identified; absent until then.");
  page.add({{"device", "meter"}}, number(loop.meter_time_constant));
  page.add({{"device", "inverter"}}, number(loop.inverter_time_constant));
  page.gauge("esshub_loop_meter_delay_seconds",
             "How much later than configured the grid meter is besides its filter in seconds, as "
             "identified; absent until then.");
  page.add({}, number(loop.meter_delay));
  page.gauge("esshub_loop_inverter_ramp_watts_per_second",
             "How fast the inverter moves at most, as identified; absent until then.");
  page.add({}, number(loop.inverter_ramp));
  page.gauge("esshub_loop_inverter_gain_ratio",
             "Watts the inverter does for each watt it is told, as identified; absent until then.");
  page.add({}, loop.inverter_gain);
}

}  // namespace esshub::metrics
