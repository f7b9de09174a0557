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

namespace {

std::vector<std::string> names_of_buses() {
  std::vector<std::string> names;
  for (const auto& row : bus_names) names.emplace_back(row.name);
  return names;
}

}  // namespace

ClosedLoop::ClosedLoop(Plant& plant, ClosedLoopSettings settings)
    : plant_(plant),
      settings_(std::move(settings)),
      lines_{Line{Bus::meters, protocol::make_modbus_driver(settings_.meters)},
             Line{Bus::battery, protocol::make_pylontech_driver(settings_.battery)},
             Line{Bus::inverter, protocol::make_vebus_driver(settings_.inverter)}},
      tick_(settings_.control, names_of_buses(), settings_.controller),
      next_tick_(plant.now() + settings_.control.period) {
  for (Line& line : lines_) take(line, line.driver->on_start(plant_.now()), plant_.now());
}

void ClosedLoop::take(Line& line, protocol::Step step, Instant now) {
  arrivals_.samples.insert(arrivals_.samples.end(), step.samples.begin(), step.samples.end());
  for (const Sample& sample : step.samples)
    if (sample.channel == Channel{Point::grid, Measure::power} && !look_at_)
      look_at_ = next_look(now);
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

/// As the control's thread does: it looks at fixed moments between two ticks.
Instant ClosedLoop::next_look(Instant now) const {
  const auto left = std::max(next_tick_ - now, Duration{});
  return next_tick_ - left / control::fast_path_period * control::fast_path_period;
}

LocalTime ClosedLoop::local(Instant now) const {
  return clock_ ? clock_(now - plant_.start())
                : LocalTime{.minute_of_day = 720, .weekday = 1, .trusted = true};
}

/// As a bus actor does.
void ClosedLoop::report(Line& line) {
  const DriverHealth& driver = line.driver->health();
  const Vital vital{line.up, line.up && driver.ready, driver.faults};
  if (std::exchange(line.reported, vital) == vital) return;
  tick_.set_bus_health({.bus = std::string{name(line.bus)}, .line_up = line.up, .driver = driver});
}

bool ClosedLoop::decide(Instant now, bool due) {
  const std::span sources(&arrivals_, 1);
  if (due) {
    tick_.run(sources, {.now = now, .local = local(now)});
  } else {
    if (!tick_.drain(sources)) return false;
    tick_.decide(now, local(now));
  }
  return true;
}

void ClosedLoop::tick(Instant now, bool due, const OnTick& on_tick) {
  look_at_.reset();
  for (Line& line : lines_) report(line);
  if (!decide(now, due)) return;
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
    if (look_at_) next = std::min(next, *look_at_);
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
    const bool due = now >= next_tick_;
    if (due) next_tick_ += settings_.control.period;
    if (due || (look_at_ && now >= *look_at_)) tick(now, due, on_tick);
  }
}

}  // namespace esshub::sim
