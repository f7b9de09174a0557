#include "sim/closed_loop.hpp"

#include <algorithm>
#include <utility>

namespace esshub::sim {

ClosedLoopSettings fitting_settings() {
  using protocol::MeterModel;
  ClosedLoopSettings settings;
  settings.meters.meters = {
      {"main",
       MeterModel::sdm630,
       1,
       {{1, Point::grid, false}, {2, Point::solar, false}, {3, Point::circuit1, false}}},
      {"battery", MeterModel::sdm120, 244, {{1, Point::battery_meter, false}}}};
  return settings;
}

ClosedLoop::ClosedLoop(Plant& plant, ClosedLoopSettings settings)
    : plant_(plant),
      settings_(std::move(settings)),
      lines_{Line{Bus::meters, protocol::make_modbus_driver(settings_.meters)},
             Line{Bus::battery, protocol::make_pylontech_driver(settings_.battery)},
             Line{Bus::inverter, protocol::make_vebus_driver(settings_.inverter)}},
      tick_(settings_.control, bus_count, settings_.controller),
      next_tick_(plant.now() + settings_.control.period) {
  for (Line& line : lines_) take(line, line.driver->on_start(plant_.now()), plant_.now());
}

void ClosedLoop::take(Line& line, protocol::Step step, Instant now) {
  arrivals_.samples.insert(arrivals_.samples.end(), step.samples.begin(), step.samples.end());
  if (step.baud) plant_.set_baud(line.bus, *step.baud);
  for (const auto& bytes : step.send) plant_.to_device(line.bus, bytes, now);
  if (step.wake_at) line.wake_at = step.wake_at;
  std::move(step.events.begin(), step.events.end(), std::back_inserter(events_));
  if (step.reopen) {
    line.wake_at.reset();
    line.driver->on_down(now);
    take(line, line.driver->on_start(now), now);
  }
}

LocalTime ClosedLoop::local(Instant now) const {
  return clock_ ? clock_(now - plant_.start())
                : LocalTime{.minute_of_day = 720, .weekday = 1, .trusted = true};
}

void ClosedLoop::tick(Instant now, const OnTick& on_tick) {
  for (const Line& line : lines_)
    tick_.set_bus_faults(static_cast<std::size_t>(line.bus), line.driver->health().faults);
  const std::span sources(&arrivals_, 1);
  const Duration late = now - next_tick_;
  tick_.run(sources, {.now = now, .local = local(now), .lateness = late, .missed = missed_});
  const auto missed = late / settings_.control.period;
  missed_ = static_cast<std::uint64_t>(missed);
  next_tick_ += (missed + 1) * settings_.control.period;
  Line& inverter = lines_[static_cast<std::size_t>(Bus::inverter)];
  if (inverter.up) take(inverter, inverter.driver->on_setpoint(decision().setpoint, now), now);
  if (on_tick) on_tick(decision(), snapshot());
  arrivals_.forget_taken();
}

/// A pulled adapter takes the line down, and its driver starts anew when it is plugged in again.
void ClosedLoop::follow_plug(Line& line, Instant now) {
  const bool up = plant_.fault(line.bus).kind != FaultKind::unplug;
  if (std::exchange(line.up, up) == up) return;
  line.wake_at.reset();
  if (up) {
    take(line, line.driver->on_start(now), now);
  } else {
    line.driver->on_down(now);
  }
}

void ClosedLoop::run(Duration time, const OnTick& on_tick) {
  const Instant end = plant_.now() + time;
  while (plant_.now() < end) {
    Instant next = std::min({end, next_tick_, plant_.next_event()});
    for (const Line& line : lines_)
      if (line.wake_at) next = std::min(next, *line.wake_at);
    plant_.advance_to(std::max(next, plant_.now()));
    const Instant now = plant_.now();
    for (Line& line : lines_) {
      follow_plug(line, now);
      const protocol::Bytes bytes = plant_.from_device(line.bus, now);
      if (!bytes.empty()) take(line, line.driver->on_bytes(bytes, now), now);
      if (line.wake_at && *line.wake_at <= now) {
        line.wake_at.reset();
        take(line, line.driver->on_timer(now), now);
      }
    }
    if (now >= next_tick_) tick(now, on_tick);
  }
}

}  // namespace esshub::sim
