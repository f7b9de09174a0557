#include "service/supervision.hpp"

#include <algorithm>
#include <utility>

namespace esshub::service {
namespace {

constexpr Duration silence_limit = 5s;  // safety contract F11
constexpr std::size_t deaths_allowed = 3;
constexpr Duration deaths_window = 1h;
constexpr Duration first_backoff = 500ms;
constexpr Duration longest_backoff = 30s;

}  // namespace

Supervision::PartId Supervision::add(std::string name, bool vital) {
  parts_.push_back({.name = std::move(name), .vital = vital, .backoff = first_backoff});
  return parts_.size() - 1;
}

void Supervision::on_started(PartId id, Instant now) {
  parts_[id].start_at.reset();
  parts_[id].alive = true;
  parts_[id].heard_at = now;
}

void Supervision::on_death(PartId id, Instant now) {
  Part& part = parts_[id];
  part.alive = false;
  ++part.restarts;
  if (part.vital) part.deaths.push_back(now);
  part.start_at = now + part.backoff;
  part.backoff = std::min(2 * part.backoff, longest_backoff);
  note(Level::error, "actor_restart",
       "actor=" + part.name + " restarts=" + std::to_string(part.restarts));
  note_hold();
}

void Supervision::on_control_heartbeat(PartId id, bool healthy, Instant now) {
  on_heartbeat(id, now);
  healthy_since_feed_ = healthy;
  if (healthy) ready_ = true;
}

Supervision::Due Supervision::look(Instant now) {
  Due due;
  for (PartId id = 0; id < parts_.size(); ++id) {
    if (parts_[id].start_at && now >= *parts_[id].start_at) {
      due.start.push_back(id);
      on_started(id, now);
    }
    evaluate(id, now, due);
  }
  note_hold();
  return due;
}

void Supervision::evaluate(PartId id, Instant now, Due& due) {
  Part& part = parts_[id];
  while (!part.deaths.empty() && now - part.deaths.front() > deaths_window) part.deaths.pop_front();
  if (part.deaths.empty() && part.alive) part.backoff = first_backoff;
  const bool silent = part.vital && now - part.heard_at > silence_limit;
  if (silent && !part.stuck) {
    note(Level::critical, "actor_stuck", "actor=" + part.name);
    if (part.alive) due.end.push_back(id);
  }
  part.stuck = silent;
}

bool Supervision::feed_watchdog() {
  return all_well() && std::exchange(healthy_since_feed_, false);
}

bool Supervision::became_ready() {
  return ready_ && !std::exchange(ready_reported_, true);
}

ComponentsState Supervision::state() const {
  return {.stuck = !all_well(), .hold_safe = std::ranges::any_of(parts_, [](const Part& part) {
                                  return part.deaths.size() > deaths_allowed;
                                })};
}

std::vector<Event> Supervision::take_events() {
  return std::exchange(events_, {});
}

bool Supervision::all_well() const {
  return std::ranges::none_of(
      parts_, [](const Part& part) { return part.vital && (part.stuck || !part.alive); });
}

void Supervision::note(Level level, std::string event, std::string detail) {
  events_.push_back({level, std::move(event), std::move(detail)});
}

void Supervision::note_hold() {
  const bool hold = state().hold_safe;
  if (hold && !holding_)
    note(Level::critical, "hold_safe", "reason=\"a part of the hub dies again and again\"");
  holding_ = hold;
}

}  // namespace esshub::service
