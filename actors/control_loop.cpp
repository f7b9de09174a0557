#include "actors/control_loop.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace esshub::actors {
namespace {

constexpr std::uint64_t overrun_limit = 3;       // safety contract F10
constexpr unsigned clean_ticks_to_recover = 60;  // safety contract F10
constexpr Duration stop_limit = 2s;              // safety contract F20, within its 5 s
constexpr int most_samples_a_tick = 5000;        // more than a queue holds
constexpr Watts acknowledged_within{1.0};

}  // namespace

ControlLoop::ControlLoop(control::Settings settings, std::vector<ControlSource> sources,
                         StepFunction step)
    : settings_(settings), sources_(std::move(sources)), step_(step) {
  // Every bus is in the View from the start, down until it reports.
  for (const auto& source : sources_) {
    buses_.emplace_back();
    buses_.back().bus = source.bus;
  }
}

void ControlLoop::hear(const BusHealth& health) {
  const auto known = std::find_if(buses_.begin(), buses_.end(),
                                  [&](const auto& bus) { return bus.bus == health.bus; });
  if (known != buses_.end()) *known = health;
}

void ControlLoop::set_components(bool stuck, bool hold_safe, Instant now) {
  own_faults_.set(Fault::actor_stuck, stuck || hold_safe, now);
  hold_safe_ = hold_safe;
}

void ControlLoop::set_fault(const std::string& by, Fault fault, bool active) {
  const std::pair told{by, fault};
  std::erase(told_faults_, told);
  if (active) told_faults_.push_back(told);
}

void ControlLoop::begin_stop(Instant now) {
  if (stop_) return;
  stop_.emplace();
  stop_->since = now;
}

const Decision& ControlLoop::tick(Instant now, Duration lateness, std::uint64_t missed,
                                  LocalTime local) {
  ++stats_.ticks;
  stats_.overruns += missed;
  stats_.lateness.add(Seconds(lateness).count());
  note_missed(missed);
  local_ = local;
  drain();
  return decide(now, local);
}

bool ControlLoop::look() {
  drain();
  const auto grid = snapshot_.power(Point::grid);
  return grid && decided_grid_ != grid->at;
}

const Decision& ControlLoop::decide(Instant now, LocalTime local) {
  if (const auto grid = snapshot_.power(Point::grid)) decided_grid_ = grid->at;
  const bool followed_before = decision_.setpoint.mode == InverterMode::follow;
  decision_ =
      step_({.settings = settings_,
             .snapshot = snapshot_,
             .now = now,
             .local = local,
             .stopping = stop_.has_value(),
             .overrun = overrun_,
             .components_failing = hold_safe_,
             .orders = orders_,
             .implausible = plausibility_filter_.doubtful(),
             .grid_frozen = std::any_of(
                 buses_.begin(), buses_.end(),
                 [](const auto& bus) { return bus.driver.fault == Fault::grid_meter_frozen; })},
            memory_);
  decision_.at = now;

  EnumArray<Fault, bool> raised;
  for (const auto& bus : buses_)
    if (bus.driver.fault) raised[*bus.driver.fault] = true;
  for (const auto& [by, fault] : told_faults_) raised[fault] = true;
  for (const Fault fault : enum_values<Fault>) {
    if (fault != Fault::actor_stuck) own_faults_.set(fault, raised[fault], now);
  }
  if (stop_) watch_stop(now, followed_before);
  return decision_;
}

void ControlLoop::drain() {
  Sample sample{};
  for (const auto& source : sources_) {
    // Bounded, so that a flooded bus cannot hold the tick.
    for (int n = 0; n < most_samples_a_tick && source.queue->pop(sample); ++n)
      if (plausibility_filter_.admit(sample, settings_)) snapshot_.absorb(sample);
  }
}

void ControlLoop::note_missed(std::uint64_t missed) {
  if (missed > 0) {
    missed_in_a_row_ += missed;
    clean_ticks_ = 0;
    if (missed_in_a_row_ >= overrun_limit) overrun_ = true;
  } else {
    missed_in_a_row_ = 0;
    if (overrun_ && ++clean_ticks_ >= clean_ticks_to_recover) overrun_ = false;
  }
}

bool ControlLoop::controllable(Instant now) const {
  return fresh(snapshot_.raw(Point::inverter, Measure::controllable), now,
               settings_.inverter_max_age)
      .has_value();
}

void ControlLoop::watch_stop(Instant now, bool followed_before) {
  const bool follows = decision_.setpoint.mode == InverterMode::follow;
  if (!std::exchange(stop_->begun, true))
    stop_->controlled = controllable(now) && (followed_before || follows);
  if (!stop_->controlled) {
    stopped_ = true;
    return;
  }
  // The setpoint moves with the load on AC-out, so the acknowledgement may be of an earlier tick;
  // it only counts if that tick let the battery rest.
  if (follows && abs(decision_.battery_power) <= acknowledged_within)
    stop_->commanded[stop_->count++ % stop_->commanded.size()] = decision_.setpoint.ac_power;
  const auto acknowledged = snapshot_.get<Watts>(Point::inverter, Measure::setpoint);
  if (acknowledged && acknowledged->at > stop_->since) {
    const auto known =
        std::span(stop_->commanded).first(std::min(stop_->count, stop_->commanded.size()));
    for (const auto commanded : known)
      if (abs(acknowledged->value - commanded) <= acknowledged_within) stopped_ = true;
  }
  if (!stopped_ && now - stop_->since >= stop_limit) stopped_ = false;
}

View ControlLoop::view(WallTime wall) const {
  View view;
  view.now = decision_.at;
  view.wall = wall;
  view.local = local_;
  view.max_age =
      std::max({settings_.meter_max_age, settings_.bms_max_age, settings_.inverter_max_age});
  view.snapshot = snapshot_;
  view.decision = decision_;
  for (const Fault fault : enum_values<Fault>) {
    if (const auto since = own_faults_.since(fault)) view.decision.faults.set(fault, true, *since);
  }
  view.buses = buses_;
  view.ticks = stats_;
  view.circuit_roles = settings_.circuit_roles;
  return view;
}

}  // namespace esshub::actors
