#include "control/tick.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace esshub::control {
namespace {

constexpr Duration stop_limit = 2s;  // safety contract F20, within its 5 s
constexpr Watts acknowledged_within{1.0};
// Longer than an inverter goes on by itself without a setpoint (reference: vebus-mk3#7.4).
constexpr Duration held_at_most = 60s;

/// How old a reading of the point may become that is taken about every second.
Duration max_age_of(Channel channel, const Settings& settings) {
  if (channel == Channel{Point::grid, Measure::power}) return settings.grid_max_age();
  switch (channel.point) {
    case Point::battery:
      return settings.bms_max_age;
    case Point::inverter:
    case Point::ac_out:
      return settings.inverter_max_age;
    default:
      return channel.point < Point::module1 ? settings.meter_max_age : settings.bms_max_age;
  }
}

}  // namespace

Tick::Tick(Settings settings, std::size_t buses, StepFunction step)
    : settings_(std::move(settings)), step_(std::move(step)), bus_faults_(buses) {}

void Tick::set_bus_faults(std::size_t bus, FaultFlags faults) {
  if (bus < bus_faults_.size()) bus_faults_[bus] = faults;
}

void Tick::set_components(bool stuck, bool hold_safe, Instant now) {
  other_faults_.set(Fault::actor_stuck, stuck || hold_safe, now);
  hold_safe_ = hold_safe;
}

void Tick::set_fault(const std::string& by, Fault fault, bool active) {
  const std::pair entry{by, fault};
  std::erase(set_faults_, entry);
  if (active) set_faults_.push_back(entry);
}

void Tick::begin_stop(Instant now) {
  if (stop_) return;
  stop_ = Stop{.since = now, .controlled = false, .begun = false, .commanded = {}, .count = 0};
}

void Tick::count(const TickTime& time) {
  ++stats_.ticks;
  stats_.overruns += time.missed;
  stats_.lateness.add(time.lateness);
  overrun_.on_tick(time.now, settings_.period, time.missed);
}

void Tick::record(Duration handover, Duration duration) {
  stats_.handover.add(handover);
  stats_.duration.add(duration);
}

/// What the control does not go by any more is shown to nobody as current (I10).
void Tick::take(Sample sample) {
  if (!plausibility_filter_.admit(sample, settings_)) return;
  if (sample.max_age <= default_max_age)
    sample.max_age = std::min(sample.max_age, max_age_of(sample.channel, settings_));
  snapshot_.absorb(sample);
}

const Decision& Tick::decide(Instant now, LocalTime local) {
  local_ = local;
  const bool followed_before = decision_.setpoint.mode == InverterMode::follow;
  decision_ = step_({.settings = settings_,
                     .snapshot = snapshot_,
                     .now = now,
                     .local = local,
                     .stopping = stop_.has_value(),
                     .overrun = overrun_.active(),
                     .components_failing = hold_safe_,
                     .orders = orders_,
                     .implausible = plausibility_filter_.doubtful(now),
                     .grid_frozen = any_bus_has(Fault::grid_meter_frozen),
                     .bms_implausible = any_bus_has(Fault::bms_implausible),
                     .stall = overrun_.stall(),
                     .plan = &plan_,
                     .prices = &prices_},
                    memory_);
  decision_.at = now;
  if (const auto grid = snapshot_.power(Point::grid)) decision_.setpoint.based_on = grid->at;

  merge_faults(now);
  if (stop_) watch_stop(now, followed_before);
  return decision_;
}

bool Tick::any_bus_has(Fault fault) const {
  return std::ranges::any_of(bus_faults_,
                             [fault](const auto& faults) { return faults.active(fault); });
}

void Tick::merge_faults(Instant now) {
  FaultFlags raised;
  for (const auto& faults : bus_faults_) raised |= faults;
  for (const auto& [by, fault] : set_faults_) raised.set(fault, true);
  for (const Fault fault : enum_values<Fault>)
    if (fault != Fault::actor_stuck) other_faults_.set(fault, raised.active(fault), now);
}

bool Tick::controllable(Instant now) const {
  return fresh(snapshot_.raw(Point::inverter, Measure::controllable), now,
               settings_.inverter_max_age)
      .has_value();
}

/// It acknowledged one so lately that it may still do as it says, reachable or not.
bool Tick::may_hold_setpoint(Instant now) const {
  const auto acknowledged = snapshot_.get<Watts>(Point::inverter, Measure::setpoint);
  return acknowledged && now - acknowledged->at < held_at_most;
}

void Tick::watch_stop(Instant now, bool followed_before) {
  const bool follows = decision_.setpoint.mode == InverterMode::follow;
  if (!std::exchange(stop_->begun, true))
    stop_->controlled =
        (controllable(now) && (followed_before || follows)) || may_hold_setpoint(now);
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

FaultSet Tick::faults() const {
  FaultSet all = decision_.faults;
  for (const Fault fault : enum_values<Fault>)
    if (const auto since = other_faults_.since(fault)) all.set(fault, true, *since);
  return all;
}

View Tick::view(WallTime wall) const {
  View view;
  view.now = decision_.at;
  view.wall = wall;
  view.local = local_;
  view.max_age =
      std::max({settings_.meter_max_age, settings_.bms_max_age, settings_.inverter_max_age});
  view.snapshot = snapshot_;
  view.decision = decision_;
  view.decision.faults = faults();
  view.ticks = stats_;
  view.circuit_roles = settings_.circuit_roles;
  view.export_cap = settings_.export_cap;
  return view;
}

}  // namespace esshub::control
