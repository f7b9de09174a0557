#include "tests/metrics/full_view.hpp"

namespace esshub::metrics {
namespace {

using testing::HasSubstr;

TEST(Sections, BusesAndControlShowWhatTheyCounted) {
  View view;
  view.buses.emplace_back();
  view.buses.back().bus = "meters";
  view.buses.back().line_up = true;
  view.buses.back().reopens = 2;
  view.buses.back().restarts = 1;
  view.buses.back().discards = 4;
  view.buses.back().bytes_in = 900;
  view.buses.back().bytes_out = 300;
  view.buses.back().driver.wire_busy = 1500ms;
  view.buses.back().driver.round_trip.add(60ms);
  view.buses.back().driver.round_trip.add(3s);
  view.buses.back().setpoint_latency.add(80ms);
  view.buses.back().driver.devices.push_back({"main", 45ms, 60ms});
  view.buses.back().driver.ready = true;
  view.buses.back().driver.frames.add(FrameResult::checksum);
  view.ticks.ticks = 12;
  view.ticks.overruns = 1;
  view.ticks.lateness.add(200us);
  view.ticks.lateness.add(7s);
  view.ticks.handover.add(30ms);
  view.ticks.duration.add(40us);
  const auto page = text(view);
  for (const char* line : {
           "esshub_bus_up{bus=\"meters\"} 1\n",
           "esshub_bus_ready{bus=\"meters\"} 1\n",
           "esshub_bus_reconnects_total{bus=\"meters\"} 2\n",
           "esshub_bus_restarts_total{bus=\"meters\"} 1\n",
           "esshub_bus_bytes_total{bus=\"meters\",direction=\"in\"} 900\n",
           "esshub_bus_bytes_total{bus=\"meters\",direction=\"out\"} 300\n",
           "esshub_bus_busy_seconds_total{bus=\"meters\"} 1.5\n",
           "esshub_bus_round_trip_seconds_count{bus=\"meters\"} 2\n",
           "esshub_bus_round_trip_seconds_sum{bus=\"meters\"} 3.06\n",
           "esshub_bus_round_trip_seconds_bucket{bus=\"meters\",le=\"0.05\"} 0\n",
           "esshub_bus_round_trip_seconds_bucket{bus=\"meters\",le=\"0.075\"} 1\n",
           "esshub_bus_round_trip_seconds_bucket{bus=\"meters\",le=\"+Inf\"} 2\n",
           "esshub_device_turnaround_seconds{bus=\"meters\",device=\"main\"} 0.045\n",
           "esshub_bus_frames_total{bus=\"meters\",result=\"checksum\"} 1\n",
           "esshub_bus_frames_total{bus=\"meters\",result=\"ok\"} 0\n",
           "esshub_queue_dropped_total{bus=\"meters\"} 0\n",
           "esshub_bus_discards_total{bus=\"meters\"} 4\n",
           "esshub_control_ticks_total 12\n",
           "esshub_control_overruns_total 1\n",
           "esshub_control_tick_lateness_seconds_count 2\n",
           "esshub_control_tick_lateness_seconds_bucket{le=\"0.0001\"} 0\n",
           "esshub_control_tick_lateness_seconds_bucket{le=\"0.1\"} 1\n",
           "esshub_control_tick_lateness_seconds_bucket{le=\"+Inf\"} 2\n",
           "esshub_control_setpoint_handover_seconds_bucket{le=\"0.02\"} 0\n",
           "esshub_control_setpoint_handover_seconds_bucket{le=\"0.05\"} 1\n",
           "esshub_control_setpoint_handover_seconds_sum 0.03\n",
           "esshub_control_tick_duration_seconds_bucket{le=\"5e-05\"} 1\n",
           "esshub_control_tick_duration_seconds_count 1\n",
           "esshub_bus_setpoint_latency_seconds_bucket{bus=\"meters\",le=\"0.075\"} 0\n",
           "esshub_bus_setpoint_latency_seconds_bucket{bus=\"meters\",le=\"0.1\"} 1\n",
       })
    EXPECT_THAT(page, HasSubstr(line));
}

}  // namespace
}  // namespace esshub::metrics
