#include "actors/control_actor.hpp"

#include <time.h>

#include <caf/actor_system.hpp>
#include <caf/after.hpp>
#include <caf/blocking_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/others.hpp>
#include <caf/system_messages.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <utility>

#include "actors/realtime.hpp"
#include "actors/system_clock.hpp"
#include "model/event.hpp"

namespace esshub::actors {
namespace {

constexpr Duration view_period = 100ms;
constexpr Duration beat_period = 500ms;

Instant clock_now() {
  return std::chrono::steady_clock::now();
}

void sleep_until(Instant deadline) {
  // libstdc++'s steady_clock is CLOCK_MONOTONIC.
  const auto since_epoch = deadline.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  timespec t{};
  t.tv_sec = seconds.count();
  t.tv_nsec = std::chrono::nanoseconds(since_epoch - seconds).count();
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr) == EINTR) {
  }
}

/// All of them down.
std::vector<BusHealth> buses_of(const std::vector<ControlSource>& sources) {
  std::vector<BusHealth> buses(sources.size());
  for (std::size_t i = 0; i < buses.size(); ++i) buses[i].bus = sources[i].bus;
  return buses;
}

class Control {
 public:
  Control(caf::blocking_actor* self, const ControlDeps& deps, caf::actor supervisor)
      : self_(self),
        supervisor_(std::move(supervisor)),
        events_(deps.events),
        sources_(deps.sources),
        buses_(buses_of(deps.sources)),
        tick_(deps.settings, deps.sources.size(), deps.step),
        clock_(deps.zone) {}

  void run() {
    log(Level::info, "control_started", "");
    auto deadline = clock_now();
    std::uint64_t missed = 0;
    while (!ended_) {
      deadline += period();
      sleep_until(deadline);
      const auto woke = clock_now();
      poll_mailbox(woke);
      send(tick_.run(sources_, {woke, read_local_time(clock_), woke - deadline, missed}));
      const auto handed_over = clock_now();
      send_reports(woke, missed == 0);
      tick_.record(handed_over - deadline, clock_now() - woke);
      missed = skip_missed(deadline);
    }
  }

  void log(Level level, std::string event, std::string detail) {
    events_("control", {level, std::move(event), std::move(detail)});
  }

 private:
  [[nodiscard]] Duration period() const { return tick_.settings().period; }

  /// CAF hands a message over with an allocation and, where the receiver sleeps, a short critical
  /// section of the workers' queue: bounded, and the only one before the setpoint.
  void send(const Decision& decision) {
    if (inverter_) self_->send(inverter_, decision.setpoint);
  }

  /// Moves the deadline so that the next one lies in the future; how many periods that skipped.
  std::uint64_t skip_missed(Instant& deadline) {
    const auto late = clock_now() - deadline;
    if (late < period()) return 0;
    const auto missed = late / period();
    deadline += missed * period();
    return static_cast<std::uint64_t>(missed);
  }

  void poll_mailbox(Instant now) {
    bool empty = false;
    while (!empty && !ended_ && !self_->mailbox().empty()) {
      self_->receive(
          [&](const BusReport& report) { take(report.health); },
          [&](const ComponentsState& state) {
            tick_.set_components(state.stuck, state.hold_safe, now);
          },
          [&](const InverterBusStarted& started) { inverter_ = started.bus; },
          [&](const NextView& next) { reader_ = next.to; },
          [&](const SettingsPtr& settings) { tick_.set_settings(*settings); },
          [&](const Orders& orders) { tick_.set_orders(orders); },
          [&](const FaultNote& note) { tick_.set_fault(note.by, note.fault, note.active); },
          [&](const StopControl& stop) {
            stop_reader_ = stop.reply_to;
            tick_.begin_stop(now);
          },
          [&](const caf::exit_msg&) { ended_ = true; },
          caf::others >> [](caf::message_view&) -> caf::result<caf::message> {
            return caf::sec::unexpected_message;
          },
          caf::after(Duration::zero()) >> [&] { empty = true; });
    }
  }

  void take(const BusHealth& health) {
    for (std::size_t i = 0; i < buses_.size(); ++i) {
      if (buses_[i].bus != health.bus) continue;
      buses_[i] = health;
      tick_.set_bus_faults(i, health.driver.faults);
    }
  }

  /// Everything that can wait until the setpoint is out.
  void send_reports(Instant now, bool in_time) {
    if (now >= next_beat_) {
      next_beat_ = now + beat_period;
      self_->send(supervisor_, ControlHeartbeat{in_time, tick_.stats().ticks});
    }
    const auto stopped = tick_.stopped();
    if (reader_ && (now >= next_view_ || stopped)) {
      next_view_ = now + view_period;
      auto view = tick_.view(std::chrono::system_clock::now());
      view.buses = buses_;
      self_->send(std::exchange(reader_, {}), ViewPtr(std::make_shared<const View>(view)));
    }
    if (stopped) {
      self_->send(stop_reader_, ControlStopped{*stopped});
      ended_ = true;
    }
  }

  caf::blocking_actor* self_;
  caf::actor supervisor_;
  EventSink events_;
  std::vector<ControlSource> sources_;
  std::vector<BusHealth> buses_;  ///< as `sources_`
  control::Tick tick_;
  civil_time::LocalClock clock_;
  caf::actor inverter_;
  caf::actor reader_;  ///< waits for the next View
  caf::actor stop_reader_;
  Instant next_view_{};
  Instant next_beat_{};
  bool ended_ = false;
};

void control_main(caf::blocking_actor* self, const ControlDeps& deps,
                  const caf::actor& supervisor) {
  try {
    if (deps.realtime) {
      if (const auto refused = ask_for_realtime(); !refused.empty())
        deps.events("control",
                    {Level::warning, "realtime_denied", "detail=" + log_quoted(refused)});
    }
    Control(self, deps, supervisor).run();
  } catch (const std::exception& e) {
    deps.events("control", {Level::critical, "actor_died", "exception=" + log_quoted(e.what())});
    self->fail_state(caf::exit_reason::unhandled_exception);
  }
}

}  // namespace

caf::actor spawn_control(caf::actor_system& system, const ControlDeps& deps,
                         const caf::actor& supervisor) {
  return system.spawn<caf::detached>(control_main, deps, supervisor);
}

}  // namespace esshub::actors
