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
constexpr Duration burnt_limit = silence_limit / 2;  // half a core, or longer on a full machine
constexpr Duration call_hangs_after = 1s;            // a loop is in and out of calls all the time
constexpr Duration longest_look = 1s;                // looks further apart: the process stood still

Duration backoff(std::size_t deaths) {
  Duration wait = first_backoff;
  for (; deaths > 1 && wait < longest_backoff; --deaths) wait *= 2;
  return std::min(wait, longest_backoff);
}

/// "5.5s"
std::string log_text(Duration time) {
  const auto tenths = time / 100ms;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + "s";
}

/// Coarse, so that it does not change with every look: "5 s", "20 s", "3 min", "2 h".
std::string coarse_text(Duration time) {
  if (time < 10s) return std::to_string(time / 5s * 5) + " s";
  if (time < 1min) return std::to_string(time / 10s * 10) + " s";
  if (time < 1h) return std::to_string(time / 1min) + " min";
  return std::to_string(time / 1h) + " h";
}

}  // namespace

bool Supervision::Part::in_call() const {
  return !newest.call.empty() && newest.call_age >= call_hangs_after;
}

Duration Supervision::Part::burnt() const {
  return newest.cpu - cpu_then.value_or(newest.cpu);
}

Supervision::PartId Supervision::add(std::string name, Role role) {
  parts_.push_back({.name = std::move(name), .role = role});
  return parts_.size() - 1;
}

void Supervision::restore(const SupervisionMemory& memory) {
  hold_until_ = memory.hold_until;
  for (const auto& known : memory.parts)
    for (auto& part : parts_)
      if (part.name == known.name) part.deaths = known.deaths;
  saved_ = this->memory();
  if (hold_until_)
    note(Level::critical, "hold_safe", "reason=\"a part of the hub died again and again before\"");
}

void Supervision::on_started(PartId id, Instant now) {
  Part& part = parts_[id];
  part.start_at.reset();
  part.alive = true;
  part.heard_at = now;
  part.newest = {};
  part.cpu_then.reset();
}

void Supervision::on_death(PartId id, Instant now) {
  Part& part = parts_[id];
  ++part.restarts;
  note(Level::error, "actor_restart",
       "actor=" + part.name + " restarts=" + std::to_string(part.restarts));
  if (!part.starves) count_death(part, now);
  part.alive = part.stuck = part.starves = false;
  part.start_at = now + backoff(part.deaths.size());
}

void Supervision::count_death(Part& part, Instant now) {
  part.deaths.push_back(now);
  if (!part.vital()) return;
  const bool often = part.deaths.size() > deaths_allowed;
  if (often && !hold_until_)
    note(Level::critical, "hold_safe", "reason=\"a part of the hub dies again and again\"");
  if (often || hold_until_) hold_until_ = now + deaths_window;
}

void Supervision::on_beat(PartId id, const Beat& beat, Instant now) {
  Part& part = parts_[id];
  const bool lives = beat.count != part.newest.count;
  part.newest = beat;
  if (lives) part.heard_at = now;
  if (lives || !part.cpu_then || *part.cpu_then > beat.cpu) part.cpu_then = beat.cpu;
  if (lives && part.role == Role::control) ready_ = control_beat_ = true;
}

std::vector<Supervision::PartId> Supervision::look(Instant now) {
  discount_unseen(now);
  std::vector<PartId> start;
  for (PartId id = 0; id < parts_.size(); ++id) {
    Part& part = parts_[id];
    std::erase_if(part.deaths, [now](Instant death) { return now - death > deaths_window; });
    if (part.start_at && now >= *part.start_at) {
      start.push_back(id);
      on_started(id, now);
    }
    evaluate(part, now);
  }
  if (hold_until_ && now > *hold_until_) {
    hold_until_.reset();
    note(Level::notice, "hold_ended", "reason=\"an hour without a death\"");
  }
  return start;
}

/// Of the time since the last look only what a look may take counts as silence.
void Supervision::discount_unseen(Instant now) {
  const auto gap = now - std::exchange(looked_at_, now).value_or(now);
  if (gap <= longest_look) return;
  for (auto& part : parts_) part.heard_at = std::min(now, part.heard_at + gap - longest_look);
}

void Supervision::evaluate(Part& part, Instant now) {
  const auto silence = now - part.heard_at;
  const bool stuck = part.alive && silence > silence_limit;
  const bool is_bus = part.role == Role::vital_bus || part.role == Role::bus;
  const bool burns = is_bus && !part.in_call() && part.burnt() >= burnt_limit;
  const bool starves = stuck && (part.role == Role::control || burns);
  if (stuck && !part.stuck)
    note(
        Level::critical, "actor_stuck",
        "actor=" + part.name +
            (part.in_call() ? " call=" + part.newest.call + " age=" + log_text(part.newest.call_age)
                            : " call=none age=" + log_text(silence)));
  if (!stuck && part.stuck) note(Level::notice, "actor_recovered", "actor=" + part.name);
  if (starves && !part.starves) {
    note(Level::critical, "watchdog_starved",
         "actor=" + part.name +
             (burns ? " reason=\"burns CPU without a heartbeat\"" : " reason=\"does not tick\""));
    count_death(part, now);
  }
  part.stuck = stuck;
  part.starves = starves;
}

bool Supervision::feed_watchdog() {
  bool control_waits = false;
  for (const auto& part : parts_) {
    if (part.starves) return false;
    control_waits |= part.role == Role::control && part.start_at;
  }
  return std::exchange(control_beat_, false) || control_waits;
}

bool Supervision::became_ready() {
  return ready_ && !std::exchange(ready_reported_, true);
}

ComponentsState Supervision::state() const {
  ComponentsState state{.stuck = hold_until_.has_value(), .hold_safe = hold_until_.has_value()};
  for (const auto& part : parts_) {
    state.stuck |= part.stuck || !part.alive;
    state.hold_safe |= part.stuck && part.vital();
  }
  return state;
}

void Supervision::acknowledge(Instant now) {
  hold_until_.reset();
  for (auto& part : parts_) {
    part.deaths.clear();
    if (part.start_at) part.start_at = now;
  }
}

SupervisionMemory Supervision::memory() const {
  SupervisionMemory memory{.parts = {}, .hold_until = hold_until_};
  for (const auto& part : parts_)
    if (!part.deaths.empty()) memory.parts.push_back({part.name, part.deaths});
  return memory;
}

std::optional<SupervisionMemory> Supervision::saved() {
  auto now = memory();
  if (now == saved_) return std::nullopt;
  return saved_ = std::move(now);
}

std::vector<Event> Supervision::take_events() {
  return std::exchange(events_, {});
}

std::string Supervision::trouble() const {
  std::string all;
  const auto add = [&](const std::string& one) {
    if (!one.empty()) all += (all.empty() ? "" : ", ") + one;
  };
  for (const auto& part : parts_) add(trouble(part));
  if (hold_until_)
    add("held at the safe setpoint because a part died again and again: ends after an hour without "
        "that, or with esshub acknowledge");
  return all;
}

std::string Supervision::trouble(const Part& part) const {
  if (!part.alive) return part.name + " died and is started again";
  if (!part.stuck) return {};
  if (part.in_call())
    return part.name + " stuck in " + part.newest.call + "() for " +
           coarse_text(part.newest.call_age);
  return part.name + " silent for " + coarse_text(*looked_at_ - part.heard_at);
}

void Supervision::note(Level level, std::string event, std::string detail) {
  events_.push_back({level, std::move(event), std::move(detail)});
}

}  // namespace esshub::service
