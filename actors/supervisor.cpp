#include "actors/supervisor.hpp"

#include <algorithm>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/system_messages.hpp>
#include <cstddef>
#include <cstdint>
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
using PartId = service::Supervision::PartId;

enum class Role : std::uint8_t { control, bus, publisher };
enum class Stage : std::uint8_t { running, control, buses, publisher, done };

/// One supervised actor over all its starts; its place is its service::Supervision::PartId.
struct Part {
  Role role;
  bool takes_setpoints = false;
  Spawn spawn;
  caf::actor actor{};  ///< nothing between its death and its restart
  BusHealth health{};
  std::uint64_t beats = 0;
};

class Supervisor;
using Self = caf::stateful_actor<Supervisor>;

class Supervisor {
 public:
  static inline const char* name = "supervisor";
  explicit Supervisor(Self* self) : self_(self) {}

  void start(SupervisorDeps deps) {
    notify_ = std::move(deps.notify);
    events_ = std::move(deps.events);
    watchdog_period_ = deps.watchdog_period;
    add("control", {.role = Role::control, .spawn = deps.control});
    add("publisher", {.role = Role::publisher, .spawn = deps.publisher});
    for (auto& bus : deps.buses) {
      add("bus." + bus.name, {.role = Role::bus,
                              .takes_setpoints = bus.takes_setpoints,
                              .spawn = std::move(bus.spawn)});
      parts_.back().health.bus = bus.name;
    }
    for (PartId id = 0; id < parts_.size(); ++id) {
      policy_.on_started(id, now());
      start(parts_[id]);
    }
    next_look_ = now();
    look();
  }

  /// Twice a second, or as often as the watchdog wants it.
  void look() {
    if (stage_ == Stage::running) {
      beat(publisher_id);
      for (const PartId id : policy_.look(now())) start(parts_[id]);
      send_state();
    }
    if (watchdog_period_ > Duration::zero() && policy_.feed_watchdog()) notify_("WATCHDOG=1");
    report_status();
    const auto period =
        watchdog_period_ > Duration::zero() ? std::min(look_period, watchdog_period_) : look_period;
    next_look_ = std::max(next_look_ + period, now());
    self_->scheduled_send(self_, next_look_, look_atom_v);
  }

  void on_down(const caf::down_msg& down) {
    const auto dead = std::find_if(parts_.begin(), parts_.end(),
                                   [&](const Part& part) { return part.actor == down.source; });
    if (dead == parts_.end()) return;
    dead->actor = {};
    if (stage_ != Stage::running) return advance_stop();
    policy_.on_death(static_cast<PartId>(dead - parts_.begin()), now());
    send_state();
  }

  void on_beat(const ControlHeartbeat&) {
    beat(control_id);
    if (policy_.became_ready()) notify_("READY=1");
  }

  void on_report(const BusReport& report) {
    for (PartId id = 0; id < parts_.size(); ++id) {
      Part& part = parts_[id];
      if (part.role != Role::bus || part.health.bus != report.health.bus) continue;
      beat(id);
      part.health = report.health;
      part.health.restarts = policy_.restarts(id);
      if (control()) self_->send(control(), BusReport{part.health});
    }
  }

  void on_stop(const StopHub& stop) {
    if (stage_ != Stage::running) return;
    notify_("STOPPING=1");
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
  static constexpr PartId control_id = 0;
  static constexpr PartId publisher_id = 1;

  [[nodiscard]] Instant now() const { return self_->clock().now(); }
  [[nodiscard]] const caf::actor& control() const { return parts_[control_id].actor; }

  void add(std::string part_name, Part part) {
    policy_.add(std::move(part_name), policy_role(part.role));
    parts_.push_back(std::move(part));
  }

  [[nodiscard]] static service::Supervision::Role policy_role(Role role) {
    using Policy = service::Supervision::Role;
    switch (role) {
      case Role::control:
        return Policy::control;
      case Role::bus:
        return Policy::vital_bus;
      case Role::publisher:
        break;
    }
    return Policy::publisher;
  }

  void beat(PartId id) { policy_.on_beat(id, {.count = ++parts_[id].beats}, now()); }

  void start(Part& part) {
    part.actor = part.spawn(self_->system(), self_);
    self_->monitor(part.actor);
    send_handles();
  }

  /// Control, publisher and the inverter's bus get each other's handles; harmless to repeat.
  void send_handles() {
    if (!control()) return;
    for (const auto& part : parts_) {
      if (!part.actor) continue;
      if (part.takes_setpoints) self_->send(control(), InverterBusStarted{part.actor});
      if (part.role == Role::publisher) self_->send(part.actor, ControlStarted{control()});
    }
    self_->send(control(), sent_state_);
  }

  /// To the control, when it has changed; what led to it, to the log.
  void send_state() {
    for (const auto& event : policy_.take_events()) events_("supervisor", event);
    if (const auto state = policy_.state(); std::exchange(sent_state_, state) != state && control())
      self_->send(control(), state);
  }

  void report_status() {
    std::size_t buses = 0;
    std::size_t ready = 0;
    for (const auto& part : parts_) {
      if (part.role != Role::bus) continue;
      ++buses;
      if (part.health.driver.ready) ++ready;
    }
    auto status =
        "STATUS=" + std::to_string(ready) + " of " + std::to_string(buses) + " buses ready";
    if (const auto trouble = policy_.trouble(); !trouble.empty()) status += ", " + trouble;
    if (std::exchange(status_, status) != status) notify_(status);
  }

  // ---- the stop, stage by stage -------------------------------------------------------------

  [[nodiscard]] static bool belongs(const Part& part, Stage stage) {
    switch (stage) {
      case Stage::control:
        return part.role == Role::control;
      case Stage::buses:
        return part.role == Role::bus;
      case Stage::publisher:
        return part.role == Role::publisher;
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
  std::function<void(const std::string&)> notify_;
  EventSink events_;
  Duration watchdog_period_{};
  service::Supervision policy_;
  std::vector<Part> parts_;  ///< the control first
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
      [self](const ControlHeartbeat& beat) { self->state.on_beat(beat); },
      [self](const BusReport& report) { self->state.on_report(report); },
      [self](const StopHub& stop) { self->state.on_stop(stop); },
      [self](const ControlStopped& stopped) { self->state.on_control_stopped(stopped); },
      [self](const Wake& wake) { self->state.on_stage_limit(wake); },
  };
}

}  // namespace

caf::actor spawn_supervisor(caf::actor_system& system, SupervisorDeps deps) {
  return system.spawn(supervisor_behavior, std::move(deps));
}

}  // namespace esshub::actors
