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
#include <string>
#include <utility>

#include "actors/realtime.hpp"
#include "actors/system_clock.hpp"
#include "model/event.hpp"
#include "publish/threads/thread_name.hpp"

namespace esshub::actors {
namespace {

constexpr Duration view_period = 100ms;
constexpr Duration supervisor_limit = 5s;  // safety contract F11

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

/// A bus as the tick drains it.
struct Source {
  SampleQueue* queue;
  [[nodiscard]] bool pop(Sample& sample) const { return queue->pop(sample); }
};

class Control {
 public:
  Control(caf::blocking_actor* self, const ControlDeps& deps)
      : self_(self),
        deps_(deps),
        tick_(deps.settings, deps.buses.size(), deps.step),
        clock_(deps.zone) {
    if (deps.remembered) tick_.restore(deps.remembered());
    for (const auto& bus : deps.buses) sources_.push_back({&bus->samples});
  }

  void run() {
    log(Level::info, "control_started", "");
    auto deadline = clock_now();
    supervisor_heard_at_ = deadline;
    LocalTime local = read_local_time(clock_, deps_.clock, *deps_.rtc);
    while (!ended_) {
      deadline += period();
      sleep_until(deadline);
      const auto woke = clock_now();
      const auto late = woke - deadline;
      const auto missed = late / period();
      decide({woke, local, late, static_cast<std::uint64_t>(missed)});
      const auto handed_over = clock_now();
      const auto handover = handed_over - deadline;
      deps_.channel->heartbeat.beat();
      // Everything that can wait until the setpoint is out.
      deadline += missed * period();
      supervisor_heard_at_ += missed * period();  // what we slept through is not its silence
      poll_mailbox(woke);
      if (const auto* const plan = deps_.channel->plan.take()) tick_.set_plan(*plan);
      if (const auto* const prices = deps_.channel->prices.take()) tick_.set_prices(*prices);
      watch_supervisor(woke);
      show(woke);
      answer_stop();
      local = read_local_time(clock_, deps_.clock, *deps_.rtc);
      tick_.record(handover, clock_now() - woke);
    }
  }

  void log(Level level, std::string event, std::string detail) {
    deps_.events("control", {level, std::move(event), std::move(detail)});
  }

 private:
  [[nodiscard]] Duration period() const { return tick_.settings().period; }

  /// The critical path: safety contract I11.
  void decide(const control::TickTime& time) {
    for (std::size_t i = 0; i < deps_.buses.size(); ++i)
      tick_.set_bus_faults(i, deps_.buses[i]->faults.load(std::memory_order_relaxed));
    const Decision& decision = tick_.run(sources_, time);
    if (deps_.inverter) deps_.inverter->setpoints.publish(decision.setpoint);
  }

  void poll_mailbox(Instant now) {
    bool empty = false;
    while (!empty && !ended_ && !self_->mailbox().empty()) {
      self_->receive(
          [&](const ComponentsState& state) {
            components_ = state;
            tell_components(now);
          },
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

  void watch_supervisor(Instant now) {
    const auto beats = deps_.channel->supervisor.beats();
    if (std::exchange(supervisor_beats_, beats) != beats) supervisor_heard_at_ = now;
    const bool silent = now - supervisor_heard_at_ > supervisor_limit;
    if (std::exchange(supervisor_silent_, silent) == silent) return;
    if (silent) log(Level::critical, "actor_stuck", "actor=supervisor");
    tell_components(now);
  }
  void tell_components(Instant now) {
    tick_.set_components(components_.stuck || supervisor_silent_, components_.hold_safe, now);
  }

  void show(Instant now) {
    if (now < next_view_ && !tick_.stopped()) return;
    next_view_ = now + view_period;
    deps_.channel->safety.publish(tick_.decision().safety);
    deps_.channel->views.publish(tick_.view(std::chrono::system_clock::now()));
  }

  void answer_stop() {
    const auto stopped = tick_.stopped();
    if (!stopped) return;
    self_->send(stop_reader_, ControlStopped{*stopped});
    ended_ = true;
  }

  caf::blocking_actor* self_;
  const ControlDeps& deps_;
  std::vector<Source> sources_;
  control::Tick tick_;
  civil_time::LocalClock clock_;
  ComponentsState components_;
  std::uint64_t supervisor_beats_ = 0;
  Instant supervisor_heard_at_{};
  bool supervisor_silent_ = false;
  caf::actor stop_reader_;
  Instant next_view_{};
  bool ended_ = false;
};

void ask_for_realtime(const EventSink& events) {
  auto refused = ask_for_priority(control_priority);
  if (const auto memory = ask_for_locked_memory(); !memory.empty())
    refused += (refused.empty() ? "" : ", ") + memory;
  if (!refused.empty())
    events("control", {Level::warning, "realtime_denied", "detail=" + log_quoted(refused)});
}

void control_main(caf::blocking_actor* self, const ControlDeps& deps) {
  publish::name_thread("control");
  deps.channel->heartbeat.begin();
  std::string what = "unknown";
  const auto withdraw = [&deps] {
    if (deps.inverter) deps.inverter->setpoints.withdraw();
  };
  try {
    if (deps.realtime) ask_for_realtime(deps.events);
    return Control(self, deps).run();
  } catch (const std::exception& e) {
    withdraw();  // before anything that needs memory
    what = e.what();
  } catch (...) {
    withdraw();
  }
  deps.events("control", {Level::critical, "actor_died", "exception=" + log_quoted(what)});
  self->fail_state(caf::exit_reason::unhandled_exception);
}

}  // namespace

caf::actor spawn_control(caf::actor_system& system, const ControlDeps& deps) {
  return system.spawn<caf::detached>(control_main, deps);
}

}  // namespace esshub::actors
