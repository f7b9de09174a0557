#include "actors/bus_actor.hpp"

#include <algorithm>
#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "model/event.hpp"
#include "service/bus_session.hpp"

namespace esshub::actors {
namespace {

constexpr Duration report_period = 500ms;

class Bus;
using Self = caf::stateful_actor<Bus>;

/// The session's shell: owns the line, reads the clock, passes on.
class Bus {
 public:
  static inline const char* name = "bus";
  explicit Bus(Self* self) : self_(self) {}
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;
  ~Bus() {
    if (line_) line_->close();
  }

  void start(BusDeps deps, caf::actor supervisor) {
    deps_ = std::move(deps);
    supervisor_ = std::move(supervisor);
    session_.emplace(deps_.name, deps_.make_driver());
    apply(session_->on_start());
    next_report_ = now();
    report_in_time();
  }

  void on_up(const LineUp& up) { apply(session_->on_up(up.generation, now())); }
  void on_chunk(const LineChunk& chunk) {
    apply(session_->on_bytes(chunk.generation, chunk.bytes, chunk.at, now()));
  }
  void on_down(const LineDown& down) {
    apply(session_->on_down(down.generation, down.reason, now()));
  }
  void on_wake(const Wake& wake) {
    if (wake_at_ != wake.at) return;  // replaced since
    wake_at_.reset();
    apply(session_->on_timer(now()));
  }
  void on_setpoint(const Setpoint& setpoint) { apply(session_->on_setpoint(setpoint, now())); }

  void report_in_time() {
    report();
    // Absolute, and after a pause from now on: a late report is not made up for.
    next_report_ = std::max(next_report_ + report_period, now());
    self_->scheduled_send(self_, next_report_, report_atom_v);
  }

  void log(Level level, std::string event, std::string detail) {
    deps_.events("bus." + deps_.name, {level, std::move(event), std::move(detail)});
  }

 private:
  [[nodiscard]] Instant now() const { return self_->clock().now(); }

  void apply(service::BusStep step) {
    for (const auto& sample : step.samples) deps_.queue->push(sample);
    for (const auto& event : step.events) deps_.events("bus." + deps_.name, event);
    if (step.close) {
      line_->close();
      line_.reset();
    }
    if (step.open) open();
    if (step.baud) line_->set_baud(*step.baud);
    for (auto& frame : step.send) line_->write(std::move(frame));
    if (step.report) report();
    // What is under way already needs no second message: a driver repeats itself at every byte.
    const auto wake_at = session_->wake_at();
    if (std::exchange(wake_at_, wake_at) != wake_at && wake_at)
      self_->scheduled_send(self_, *wake_at, Wake{*wake_at});
  }

  void open() {
    line_ = deps_.make_line();
    const caf::actor me = self_;
    const auto generation = session_->generation();
    line_->open({[me, generation] { caf::anon_send(me, LineUp{generation}); },
                 [me, generation](std::vector<std::byte> bytes, Instant at) {
                   caf::anon_send(me, LineChunk{generation, std::move(bytes), at});
                 },
                 [me, generation](std::string reason) {
                   caf::anon_send(me, LineDown{generation, std::move(reason)});
                 }});
  }

  void report() {
    BusHealth health = session_->health();
    health.queue_dropped = deps_.queue->dropped();
    self_->send(supervisor_, BusReport{std::move(health)});
  }

  Self* self_;
  BusDeps deps_;
  caf::actor supervisor_;
  std::optional<service::BusSession> session_;
  std::shared_ptr<transport::Line> line_;  ///< nothing between a loss and the reopening
  std::optional<Instant> wake_at_;         ///< a Wake for it is under way
  Instant next_report_{};
};

caf::behavior bus_behavior(Self* self, const BusDeps& deps, const caf::actor& supervisor) {
  self->set_exception_handler([self](std::exception_ptr& thrown) -> caf::error {
    std::string what = "unknown";
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      what = e.what();
    } catch (...) {
    }
    self->state.log(Level::critical, "actor_died", "exception=" + log_quoted(what));
    return caf::exit_reason::unhandled_exception;
  });
  self->state.start(deps, supervisor);
  return {
      [self](const LineUp& up) { self->state.on_up(up); },
      [self](const LineChunk& chunk) { self->state.on_chunk(chunk); },
      [self](const LineDown& down) { self->state.on_down(down); },
      [self](const Wake& wake) { self->state.on_wake(wake); },
      [self](const Setpoint& setpoint) { self->state.on_setpoint(setpoint); },
      [self](report_atom) { self->state.report_in_time(); },
  };
}

}  // namespace

caf::actor spawn_bus(caf::actor_system& system, const BusDeps& deps, const caf::actor& supervisor) {
  return system.spawn(bus_behavior, deps, supervisor);
}

}  // namespace esshub::actors
