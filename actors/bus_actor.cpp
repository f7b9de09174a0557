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

#include "protocol/frame_result.hpp"

namespace esshub::actors {
namespace {

constexpr Duration first_backoff = 200ms;
constexpr Duration longest_backoff = 5s;
constexpr Duration report_period = 500ms;

class Bus;
using Self = caf::stateful_actor<Bus>;

class Bus {
 public:
  static inline const char* name = "bus";
  explicit Bus(Self* self) : self_(self) {}
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;
  ~Bus() {
    if (line_) line_->close();
  }

  void start(BusDeps parts, caf::actor supervisor) {
    parts_ = std::move(parts);
    supervisor_ = std::move(supervisor);
    driver_ = parts_.make_driver();
    health_.bus = parts_.name;
    health_.driver.trouble = "the line is being opened";
    open();
    next_report_ = now();
    report_in_time();
  }

  void on_up(const LineUp& up) {
    if (up.generation != generation_) return;
    health_.line_up = true;
    if (std::exchange(ever_up_, true)) ++health_.reopens;
    frames_at_open_ = good_frames();
    tell_up(losses_ == 0 || loss_told_);
    perform(driver_->on_start(now()));
    report_change();
  }

  void on_chunk(const LineChunk& chunk) {
    if (chunk.generation != generation_ || !health_.line_up) return;
    health_.bytes_in += chunk.bytes.size();
    perform(driver_->on_bytes(chunk.bytes, chunk.at));
    if (good_frames() > frames_at_open_) prove();
    report_change();
  }

  void on_down(const LineDown& down) {
    if (down.generation == generation_) lose(down.reason);
  }

  void on_wake(const Wake& wake) {
    if (wake_at_ != wake.at) return;  // replaced since
    wake_at_.reset();
    perform(driver_->on_timer(now()));
    report_change();
  }

  void on_reopen(const Reopen& reopen) {
    if (reopen.generation == generation_ && !line_) open();
  }

  void on_setpoint(const Setpoint& setpoint) {
    if (!health_.line_up) return;
    perform(driver_->on_setpoint(setpoint, now()));
    report_change();
  }

  void report_in_time() {
    report();
    // Absolute, and after a pause from now on: a late report is not made up for.
    next_report_ = std::max(next_report_ + report_period, now());
    self_->scheduled_send(self_, next_report_, report_atom_v);
  }

  void tell(Level level, std::string event, std::string detail) {
    parts_.events("bus." + parts_.name, {level, std::move(event), std::move(detail)});
  }

 private:
  [[nodiscard]] Instant now() const { return self_->clock().now(); }
  [[nodiscard]] std::uint64_t good_frames() const {
    return driver_->health().frames[FrameResult::ok];
  }

  void open() {
    ++generation_;
    line_ = parts_.make_line();
    const caf::actor me = self_;
    line_->open({[me, generation = generation_] { caf::anon_send(me, LineUp{generation}); },
                 [me, generation = generation_](std::vector<std::byte> bytes, Instant at) {
                   caf::anon_send(me, LineChunk{generation, std::move(bytes), at});
                 },
                 [me, generation = generation_](std::string reason) {
                   caf::anon_send(me, LineDown{generation, std::move(reason)});
                 }});
  }

  /// The line is gone: the driver forgets everything, and after the back-off there is a new line.
  void lose(const std::string& reason) {
    if (std::exchange(health_.line_up, false)) driver_->on_down(now());
    line_->close();
    line_.reset();
    wake_at_.reset();
    ++generation_;
    health_.driver.trouble = reason;
    tell_loss(reason);
    self_->scheduled_send(self_, now() + backoff_, Reopen{generation_});
    backoff_ = std::min(2 * backoff_, longest_backoff);
    report();
  }

  // A device that stays away, or comes and goes without a word (a CAN bus on which nobody
  // acknowledges), says so the first and every hundredth time; another reason is news again.

  void tell_loss(const std::string& reason) {
    if (std::exchange(loss_reason_, reason) != reason) losses_ = 0;
    loss_told_ = protocol::is_log_due(++losses_);
    if (!loss_told_) return;
    tell(Level::warning, "line_down",
         "reason=\"" + reason + "\"" + (losses_ > 1 ? " count=" + std::to_string(losses_) : ""));
  }
  void tell_up(bool now) {
    up_told_ = now;
    if (now) tell(Level::notice, "line_up", "");
  }
  /// The device speaks: what went wrong before is over.
  void prove() {
    backoff_ = first_backoff;
    if (!up_told_) tell_up(true);
    losses_ = 0;
    loss_reason_.clear();
  }

  void perform(protocol::Step step) {
    for (const auto& sample : step.samples) parts_.queue->push(sample);
    for (auto& event : step.events) parts_.events("bus." + parts_.name, event);
    if (step.reopen) return lose("the driver asks for a fresh start");
    if (step.baud) line_->set_baud(*step.baud);
    for (auto& frame : step.send) {
      health_.bytes_out += frame.size();
      line_->write(std::move(frame));
    }
    // What is under way already needs no second message: a driver repeats itself at every byte.
    if (step.wake_at && step.wake_at != wake_at_) {
      wake_at_ = step.wake_at;
      self_->scheduled_send(self_, *wake_at_, Wake{*wake_at_});
    }
  }

  /// What a person or the control must know at once; counters wait for the next report.
  struct Vital {
    bool line_up = false;
    bool ready = false;
    FaultFlags faults;
    friend bool operator==(const Vital&, const Vital&) = default;
  };
  [[nodiscard]] Vital vital() const {
    const auto& driver = driver_->health();
    return {health_.line_up, health_.line_up && driver.ready, driver.faults};
  }
  void report_change() {
    if (vital() != reported_) report();
  }
  void report() {
    const auto line_trouble = std::move(health_.driver.trouble);
    health_.driver = driver_->health();
    if (!health_.line_up) {
      health_.driver.ready = false;
      health_.driver.trouble = line_trouble;
    }
    health_.queue_dropped = parts_.queue->dropped();
    reported_ = vital();
    self_->send(supervisor_, BusReport{health_});
  }

  Self* self_;
  BusDeps parts_;
  caf::actor supervisor_;
  std::unique_ptr<protocol::Driver> driver_;
  std::shared_ptr<transport::Line> line_;  ///< nothing between a loss and the reopening
  std::uint64_t generation_ = 0;
  BusHealth health_;
  Vital reported_;
  std::optional<Instant> wake_at_;
  Instant next_report_{};
  Duration backoff_ = first_backoff;
  std::uint64_t frames_at_open_ = 0;
  std::string loss_reason_;
  std::uint64_t losses_ = 0;  ///< for that reason, since the device last spoke
  bool loss_told_ = false;    ///< the newest one
  bool up_told_ = false;      ///< since the line is up
  bool ever_up_ = false;
};

caf::behavior bus_behavior(Self* self, const BusDeps& parts, const caf::actor& supervisor) {
  self->set_exception_handler([self](std::exception_ptr& thrown) -> caf::error {
    std::string what = "unknown";
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      what = e.what();
    } catch (...) {
    }
    self->state.tell(Level::critical, "actor_died", "exception=\"" + what + "\"");
    return caf::exit_reason::unhandled_exception;
  });
  self->state.start(parts, supervisor);
  return {
      [self](const LineUp& up) { self->state.on_up(up); },
      [self](const LineChunk& chunk) { self->state.on_chunk(chunk); },
      [self](const LineDown& down) { self->state.on_down(down); },
      [self](const Wake& wake) { self->state.on_wake(wake); },
      [self](const Reopen& reopen) { self->state.on_reopen(reopen); },
      [self](const Setpoint& setpoint) { self->state.on_setpoint(setpoint); },
      [self](report_atom) { self->state.report_in_time(); },
  };
}

}  // namespace

caf::actor spawn_bus(caf::actor_system& system, const BusDeps& parts,
                     const caf::actor& supervisor) {
  return system.spawn(bus_behavior, parts, supervisor);
}

}  // namespace esshub::actors
