#include "metrics/sections.hpp"

namespace esshub::metrics {

void add_bus_states(Page& page, const std::vector<BusHealth>& buses) {
  page.gauge("esshub_bus_up", "1 while the line of the bus is open, else 0.");
  for (const auto& bus : buses) page.add({{"bus", bus.bus}}, bus.line_up);
  page.gauge("esshub_bus_ready", "1 while the handshake is done and values flow, else 0.");
  for (const auto& bus : buses) page.add({{"bus", bus.bus}}, bus.line_up && bus.driver.ready);
  page.gauge("esshub_device_turnaround_seconds",
             "Within it 99 of 100 recent answers of the device began. Absent until learned.");
  for (const auto& bus : buses)
    for (const auto& timing : bus.driver.devices)
      page.add({{"bus", bus.bus}, {"device", timing.device}}, Seconds(timing.turnaround).count());
}

void add_bus_counters(Page& page, const std::vector<BusHealth>& buses) {
  page.counter("esshub_bus_frames_total", "Frames or requests of the bus by what became of them.");
  for (const auto& bus : buses)
    for (const FrameResult result : enum_values<FrameResult>) {
      page.add({{"bus", bus.bus}, {"result", name(result)}}, bus.driver.frames[result]);
    }
  page.counter("esshub_bus_reconnects_total", "Times the line was opened again after a loss.");
  for (const auto& bus : buses)
    page.add({{"bus", bus.bus}}, static_cast<std::uint64_t>(bus.reopens));
  page.counter("esshub_bus_restarts_total",
               "Times the part of the program that runs the bus was started again.");
  for (const auto& bus : buses)
    page.add({{"bus", bus.bus}}, static_cast<std::uint64_t>(bus.restarts));
  page.counter("esshub_bus_bytes_total", "Bytes received and sent on the bus.");
  for (const auto& bus : buses) {
    page.add({{"bus", bus.bus}, {"direction", "in"}}, bus.bytes_in);
    page.add({{"bus", bus.bus}, {"direction", "out"}}, bus.bytes_out);
  }
  page.counter("esshub_bus_busy_seconds_total",
               "Time the wire carried bits, both ways; its rate is the utilisation.");
  for (const auto& bus : buses) page.add({{"bus", bus.bus}}, Seconds(bus.driver.wire_busy).count());
  page.histogram("esshub_bus_round_trip_seconds",
                 "From writing a request to its whole answer, in seconds. Absent where nothing is "
                 "asked.");
  for (const auto& bus : buses)
    if (bus.driver.round_trip.count() != 0)
      page.add_histogram({{"bus", bus.bus}}, bus.driver.round_trip);
  page.histogram("esshub_bus_setpoint_latency_seconds",
                 "From the arrival of a grid reading to the setpoint frame it changed being "
                 "written to the port, in seconds. Absent where none was written.");
  for (const auto& bus : buses)
    if (bus.setpoint_latency.count() != 0)
      page.add_histogram({{"bus", bus.bus}}, bus.setpoint_latency);
  page.counter("esshub_bus_discards_total",
               "Times what had come on the bus was thrown away because the hub's own thread had "
               "not looked at the port for 0.3 s.");
  for (const auto& bus : buses) page.add({{"bus", bus.bus}}, bus.discards);
  page.counter("esshub_queue_dropped_total", "Samples dropped because the control did not drain.");
  for (const auto& bus : buses) page.add({{"bus", bus.bus}}, bus.queue_dropped);
}

void add_control(Page& page, const TickStats& ticks) {
  page.counter("esshub_control_ticks_total", "Ticks of the control loop.");
  page.add({}, ticks.ticks);
  page.counter("esshub_control_overruns_total",
               "Control periods missed: their deadline went by without a tick.");
  page.add({}, ticks.overruns);
  page.histogram("esshub_control_tick_lateness_seconds",
                 "How long after its deadline the control tick woke, in seconds.");
  page.add_histogram({}, ticks.lateness);
  page.histogram("esshub_control_setpoint_handover_seconds",
                 "From the deadline of a control tick to its setpoint handed over to the "
                 "inverter's bus, in seconds.");
  page.add_histogram({}, ticks.handover);
  page.histogram("esshub_control_tick_duration_seconds",
                 "Time from the wake-up of a control tick to the end of its work, in seconds.");
  page.add_histogram({}, ticks.duration);
}

}  // namespace esshub::metrics
