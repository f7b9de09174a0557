#include "actors/supervisor.hpp"

#include <algorithm>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/system_messages.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "service/supervision.hpp"

namespace esshub::actors {
namespace {

constexpr Duration look_period = 500ms;

// The stop has 5 s (safety contract F20): the control needs up to 3 s for the last setpoint.
constexpr Duration control_stop_limit = 2500ms;
constexpr Duration others_stop_limit = 500ms;

using service::ComponentsState;
using service::Supervision;
using PartId = Supervision::PartId;
using Role = Supervision::Role;

enum class Stage : std::uint8_t { running, control, buses, publisher, done };

/// One supervised part over all its starts; its place is its PartId.
struct Part {
  SupervisedPart deps;
  caf::actor actor{};  ///< nothing between its death and its restart
};

class Supervisor;
using Self = caf::stateful_actor<Supervisor>;

class Supervisor {
 public:
  static inline const char* name = "supervisor";
  explicit Supervisor(Self* self) : self_(self) {}

  void start(SupervisorDeps deps) {
    deps_ = std::move(deps);
    for (auto& part : deps_.parts) {
      policy_.add(part.name, part.role);
      parts_.push_back({.deps = std::move(part)});
    }
    policy_.restore(deps_.restored);
    for (PartId id = 0; id < parts_.size(); ++id) {
      policy_.on_started(id, now());
      start(parts_[id]);
    }
    next_look_ = now();
    look();
  }

  /// Twice a second, or as often as the watchdog wants it.
  void look() {
    deps_.control->supervisor.beat();
    if (const auto* const safety = deps_.control->safety.take()) deps_.remember_safety(*safety);
    if (stage_ == Stage::running) {
      for (PartId id = 0; id < parts_.size(); ++id)
        if (parts_[id].actor) policy_.on_beat(id, beat_of(parts_[id].deps), now());
      for (const PartId id : policy_.look(now())) start(parts_[id]);
      if (policy_.became_ready()) deps_.notify("READY=1");
      send_state();
    }
    if (watched() && policy_.feed_watchdog()) deps_.notify("WATCHDOG=1");
    report_status();
    const auto period = watched() ? std::min(look_period, deps_.watchdog_period) : look_period;
    next_look_ = std::max(next_look_ + period, now());
    self_->scheduled_send(self_, next_look_, look_atom_v);
  }

  void on_down(const caf::down_msg& down) {
    const auto dead = std::find_if(parts_.begin(), parts_.end(),
                                   [&](const Part& part) { return part.actor == down.source; });
    if (dead == parts_.end()) return;
    dead->actor = {};
    if (stage_ != Stage::running) return advance_stop();
    const auto id = static_cast<PartId>(dead - parts_.begin());
    policy_.on_death(id, now());
    if (dead->deps.bus) dead->deps.bus->restarts = policy_.restarts(id);
    send_state();
  }

  void on_acknowledged() {
    if (stage_ != Stage::running) return;
    policy_.acknowledge(now());
    send_state();
  }

  void on_stop(const StopHub& stop) {
    if (stage_ != Stage::running) return;
    deps_.notify("STOPPING=1");
    stop_reader_ = stop.reply_to;
    enter(Stage::control);
  }
  void on_control_stopped(const ControlStopped& stopped) { acknowledged_ = stopped.acknowledged; }
  void on_stage_limit(const Wake& wake) {
    if (wake.at != stage_limit_) return;  // of an earlier stage
    all_ended_ = false;
    if (stage_ == Stage::control && control())
      self_->send_exit(control(), caf::exit_reason::kill);  // should it ever move again
    enter(next(stage_));
  }

 private:
  [[nodiscard]] Instant now() const { return self_->clock().now(); }
  [[nodiscard]] bool watched() const { return deps_.watchdog_period > Duration::zero(); }
  [[nodiscard]] caf::actor control() const {
    const auto control =
        std::ranges::find(parts_, Role::control, [](const Part& part) { return part.deps.role; });
    return control == parts_.end() ? caf::actor{} : control->actor;
  }

  void start(Part& part) {
    try {
      part.actor = part.deps.spawn(self_->system());
    } catch (const std::exception& e) {  // no thread, no memory: like a death, and tried again
      deps_.events("supervisor", {Level::critical, "actor_not_started",
                                  "actor=" + part.deps.name + " reason=" + log_quoted(e.what())});
      policy_.on_death(static_cast<PartId>(&part - parts_.data()), now());
      return;
    }
    self_->monitor(part.actor);
    if (part.deps.role == Role::control) self_->send(part.actor, sent_state_);
  }

  [[nodiscard]] static Supervision::Beat beat_of(const SupervisedPart& part) {
    Supervision::Beat beat{.count = part.heartbeat->beats(), .cpu = part.heartbeat->cpu()};
    if (!part.bus) return beat;
    if (const auto call = part.bus->call->current()) {
      beat.call = call->name;
      beat.call_age = std::chrono::steady_clock::now() - call->since;
    }
    return beat;
  }

  /// To the control, when it has changed; what led to it, to the log; what is to last, to the disk.
  void send_state() {
    for (const auto& event : policy_.take_events()) deps_.events("supervisor", event);
    if (const auto memory = policy_.saved()) deps_.remember(*memory);
    const auto state = policy_.state();
    if (std::exchange(sent_state_, state) == state) return;
    if (const auto to = control()) self_->send(to, state);
  }

  void report_status() {
    std::size_t buses = 0;
    std::size_t ready = 0;
    for (const auto& part : parts_) {
      if (!part.deps.bus) continue;
      ++buses;
      if (part.actor && part.deps.bus->ready) ++ready;
    }
    auto status =
        "STATUS=" + std::to_string(ready) + " of " + std::to_string(buses) + " buses ready";
    if (const auto trouble = policy_.trouble(); !trouble.empty()) status += ", " + trouble;
    if (std::exchange(status_, status) != status) deps_.notify(status);
  }

  // ---- the stop, stage by stage -------------------------------------------------------------

  [[nodiscard]] static bool belongs(const Part& part, Stage stage) {
    switch (stage) {
      case Stage::control:
        return part.deps.role == Role::control;
      case Stage::buses:
        return part.deps.role == Role::bus || part.deps.role == Role::vital_bus;
      case Stage::publisher:
        return part.deps.role == Role::publisher;
      case Stage::running:
      case Stage::done:
        return false;
    }
    return false;
  }

  void enter(Stage stage) {
    stage_ = stage;
    if (stage == Stage::done) {
      self_->send(stop_reader_, HubStopped{acknowledged_, all_ended_});
      self_->quit();
      return;
    }
    stage_limit_ = now() + (stage == Stage::control ? control_stop_limit : others_stop_limit);
    self_->scheduled_send(self_, stage_limit_, Wake{stage_limit_});
    for (const auto& part : parts_) {
      if (!part.actor || !belongs(part, stage)) continue;
      if (stage == Stage::control)
        self_->send(part.actor, StopControl{self_});
      else
        self_->send_exit(part.actor, caf::exit_reason::user_shutdown);
    }
    advance_stop();
  }

  /// On to the next stage once nobody of this one is left.
  void advance_stop() {
    if (stage_ == Stage::done) return;
    for (const auto& part : parts_)
      if (part.actor && belongs(part, stage_)) return;
    enter(next(stage_));
  }

  [[nodiscard]] static Stage next(Stage stage) {
    return static_cast<Stage>(static_cast<std::uint8_t>(stage) + 1);
  }

  Self* self_;
  SupervisorDeps deps_;
  Supervision policy_;
  std::vector<Part> parts_;
  ComponentsState sent_state_;
  std::string status_;
  Instant next_look_{};

  Stage stage_ = Stage::running;
  Instant stage_limit_{};
  caf::actor stop_reader_;
  bool acknowledged_ = false;
  bool all_ended_ = true;
};

caf::behavior supervisor_behavior(Self* self, SupervisorDeps deps) {
  self->set_down_handler([self](caf::down_msg& down) { self->state.on_down(down); });
  self->state.start(std::move(deps));
  return {
      [self](look_atom) { self->state.look(); },
      [self](const Acknowledged&) { self->state.on_acknowledged(); },
      [self](const StopHub& stop) { self->state.on_stop(stop); },
      [self](const ControlStopped& stopped) { self->state.on_control_stopped(stopped); },
      [self](const Wake& wake) { self->state.on_stage_limit(wake); },
  };
}

}  // namespace

caf::actor spawn_supervisor(caf::actor_system& system, SupervisorDeps deps) {
  return system.spawn(supervisor_behavior, std::move(deps));
}

void SupervisorProxy::attach(caf::actor supervisor) {
  const std::lock_guard lock(mutex_);
  supervisor_ = std::move(supervisor);
  if (supervisor_ && std::exchange(waiting_, false)) caf::anon_send(supervisor_, Acknowledged{});
}

void SupervisorProxy::acknowledge() {
  const std::lock_guard lock(mutex_);
  if (supervisor_)
    caf::anon_send(supervisor_, Acknowledged{});
  else
    waiting_ = true;  // the page opens before the supervisor is there
}

}  // namespace esshub::actors
