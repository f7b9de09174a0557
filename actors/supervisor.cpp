#include "actors/supervisor.hpp"

#include <algorithm>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/system_messages.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace esshub::actors {
namespace {

constexpr Duration look_period = 500ms;
constexpr Duration silence_limit = 5s;  // safety contract F11
constexpr std::size_t deaths_allowed = 3;
constexpr Duration deaths_window = 1h;
constexpr Duration first_backoff = 500ms;
constexpr Duration longest_backoff = 30s;

// The stop has 5 s (safety contract F20): the control needs up to 3 s for the last setpoint.
constexpr Duration control_stop_limit = 2500ms;
constexpr Duration others_stop_limit = 500ms;

enum class Role : std::uint8_t { control, bus, publisher };
enum class Stage : std::uint8_t { running, control, buses, publisher, done };

/// One supervised actor over all its lives.
struct Part {
  std::string name;
  Role role;
  bool takes_setpoints = false;
  Spawn spawn;
  caf::actor actor{};                 ///< nothing between its death and its restart
  std::optional<Instant> start_at{};  ///< restart due
  Instant heard_at{};                 ///< newest heartbeat, or its start
  bool stuck = false;
  std::uint32_t restarts = 0;
  Duration backoff = first_backoff;
  std::deque<Instant> deaths{};  ///< within the last hour
  BusHealth health{};

  [[nodiscard]] bool vital() const { return role != Role::publisher; }
};

class Supervisor;
using Self = caf::stateful_actor<Supervisor>;

class Supervisor {
 public:
  static inline const char* name = "supervisor";
  explicit Supervisor(Self* self) : self_(self) {}

  void start(SupervisorDeps parts) {
    notify_ = std::move(parts.notify);
    events_ = std::move(parts.events);
    watchdog_period_ = parts.watchdog_period;
    parts_.push_back(Part{.name = "control", .role = Role::control, .spawn = parts.control});
    parts_.push_back(Part{.name = "publisher", .role = Role::publisher, .spawn = parts.publisher});
    for (auto& bus : parts.buses)
      parts_.push_back(Part{.name = "bus." + bus.name,
                            .role = Role::bus,
                            .takes_setpoints = bus.takes_setpoints,
                            .spawn = std::move(bus.spawn)});
    for (auto& part : parts_) start(part);
    next_look_ = now();
    look();
  }

  /// Twice a second, or as often as the watchdog wants it.
  void look() {
    for (auto& part : parts_) {
      if (stage_ != Stage::running) continue;
      if (part.start_at && now() >= *part.start_at) start(part);
      evaluate(part);
    }
    tell_control();
    feed_watchdog();
    tell_status();
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
    note_death(*dead);
  }

  void on_beat(const ControlHeartbeat& beat) {
    parts_.front().heard_at = now();
    healthy_since_feed_ = beat.healthy;
    if (beat.healthy && !std::exchange(ready_, true)) notify_("READY=1");
  }

  void on_report(const BusReport& report) {
    for (auto& part : parts_) {
      if (part.name != "bus." + report.health.bus) continue;
      part.heard_at = now();
      part.health = report.health;
      part.health.restarts = part.restarts;
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
  [[nodiscard]] Instant now() const { return self_->clock().now(); }
  [[nodiscard]] const caf::actor& control() const { return parts_.front().actor; }

  void start(Part& part) {
    part.start_at.reset();
    part.actor = part.spawn(self_->system(), self_);
    self_->monitor(part.actor);
    part.heard_at = now();
    introduce();
  }

  /// Tells everybody who is who; harmless to repeat.
  void introduce() {
    if (!control()) return;
    for (const auto& part : parts_) {
      if (!part.actor) continue;
      if (part.takes_setpoints) self_->send(control(), InverterBusStarted{part.actor});
      if (part.role == Role::publisher) self_->send(part.actor, ControlStarted{control()});
    }
    self_->send(control(), told_);
  }

  void note_death(Part& part) {
    ++part.restarts;
    if (part.vital()) part.deaths.push_back(now());
    part.start_at = now() + part.backoff;
    part.backoff = std::min(2 * part.backoff, longest_backoff);
    tell(Level::error, "actor_restart",
         "actor=" + part.name + " restarts=" + std::to_string(part.restarts));
    tell_control();
  }

  void evaluate(Part& part) {
    while (!part.deaths.empty() && now() - part.deaths.front() > deaths_window)
      part.deaths.pop_front();
    if (part.deaths.empty() && part.actor) part.backoff = first_backoff;
    const bool silent = part.vital() && now() - part.heard_at > silence_limit;
    if (silent && !part.stuck) {
      tell(Level::critical, "actor_stuck", "actor=" + part.name);
      if (part.actor) self_->send_exit(part.actor, caf::exit_reason::kill);
    }
    part.stuck = silent;
  }

  [[nodiscard]] bool all_well() const {
    return std::none_of(parts_.begin(), parts_.end(), [](const Part& part) {
      return part.vital() && (part.stuck || !part.actor);
    });
  }

  void tell_control() {
    ComponentsState state{.stuck = !all_well()};
    for (const auto& part : parts_)
      if (part.deaths.size() > deaths_allowed) state.hold_safe = true;
    if (state == told_) return;
    if (state.hold_safe && !told_.hold_safe)
      tell(Level::critical, "hold_safe", "reason=\"a part of the hub dies again and again\"");
    told_ = state;
    if (control()) self_->send(control(), told_);
  }

  void feed_watchdog() {
    if (watchdog_period_ > Duration::zero() && healthy_since_feed_ && all_well()) {
      healthy_since_feed_ = false;
      notify_("WATCHDOG=1");
    }
  }

  void tell_status() {
    std::size_t buses = 0;
    std::size_t ready = 0;
    for (const auto& part : parts_) {
      if (part.role != Role::bus) continue;
      ++buses;
      if (part.health.driver.ready) ++ready;
    }
    auto status =
        "STATUS=" + std::to_string(ready) + " of " + std::to_string(buses) + " buses ready";
    if (told_.hold_safe) status += ", held at the safe setpoint";
    if (told_.stuck) status += ", a part is stuck";
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

  void tell(Level level, std::string event, std::string detail) {
    events_("supervisor", {level, std::move(event), std::move(detail)});
  }

  Self* self_;
  std::function<void(const std::string&)> notify_;
  EventSink events_;
  Duration watchdog_period_{};
  std::vector<Part> parts_;  ///< the control first
  ComponentsState told_;
  std::string status_;
  bool ready_ = false;
  bool healthy_since_feed_ = false;
  Instant next_look_{};

  Stage stage_ = Stage::running;
  Instant stage_limit_{};
  caf::actor stop_reader_;
  bool acknowledged_ = false;
  bool all_ended_ = true;
};

caf::behavior supervisor_behavior(Self* self, SupervisorDeps parts) {
  self->set_down_handler([self](caf::down_msg& down) { self->state.on_down(down); });
  self->state.start(std::move(parts));
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

caf::actor spawn_supervisor(caf::actor_system& system, SupervisorDeps parts) {
  return system.spawn(supervisor_behavior, std::move(parts));
}

}  // namespace esshub::actors
