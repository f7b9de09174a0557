#include "actors/publisher.hpp"

#include <algorithm>
#include <caf/actor_system.hpp>
#include <caf/after.hpp>
#include <caf/blocking_actor.hpp>
#include <caf/others.hpp>
#include <caf/system_messages.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "model/event.hpp"
#include "publish/threads/thread_name.hpp"

namespace esshub::actors {
namespace {

constexpr Duration look_period = 100ms;
constexpr Duration stuck_after = 5s;  // safety contract F11

/// What the publisher knows of one bus.
class BusWatch {
 public:
  explicit BusWatch(BusChannel& channel) : channel_(channel) { newest_.bus = channel.name; }

  [[nodiscard]] BusHealth look(Instant now) {
    if (const auto* const health = channel_.health.take()) newest_ = *health;
    BusHealth shown = newest_;
    shown.restarts = channel_.restarts.load(std::memory_order_relaxed);
    if (silent(now)) {
      shown.line_up = false;
      shown.driver.ready = false;
      shown.driver.trouble = "the thread of this bus does not answer: what it told last is old";
    }
    // A thread that hangs cannot tell that what it told last is not true any more.
    if (const auto call = channel_.call->current(); call && now - call->since > stuck_after) {
      shown.line_up = false;
      shown.driver.ready = false;
      shown.driver.trouble =
          "the system does not return from " + std::string(call->name) + " for " +
          std::to_string(
              std::chrono::duration_cast<std::chrono::seconds>(now - call->since).count()) +
          " s: the port's driver or adapter hangs; unplug it, and restart the machine if it stays";
    }
    return shown;
  }

 private:
  /// No heartbeat for so long that a look at it tells; what nobody looked at does not count.
  [[nodiscard]] bool silent(Instant now) {
    const auto beats = channel_.heartbeat.beats();
    const Duration unseen = looked_at_ ? now - *looked_at_ : Duration{};
    looked_at_ = now;
    silence_ = std::exchange(beats_, beats) == beats ? silence_ + std::min<Duration>(unseen, 1s)
                                                     : Duration{};
    return silence_ > stuck_after;
  }

  BusChannel& channel_;
  BusHealth newest_;
  std::uint64_t beats_ = 0;
  std::optional<Instant> looked_at_;
  Duration silence_{};
};

struct Receiver {
  publish::Sink sink;
  std::optional<Instant> served_at;  ///< by the View's own time
  std::uint64_t failures = 0;
};

class Publisher {
 public:
  Publisher(caf::blocking_actor* self, const PublisherDeps& deps) : self_(self), deps_(deps) {
    for (const auto& bus : deps.buses) buses_.emplace_back(*bus);
    for (const auto& sink : deps.sinks) receivers_.push_back({sink, {}, 0});
  }

  void run() {
    auto look_at = std::chrono::steady_clock::now();
    while (!ended_) {
      deps_.heartbeat->beat();
      if (const auto* const view = deps_.control->views.take()) publish(*view);
      look_at = std::max(look_at + look_period, std::chrono::steady_clock::now());
      // Not CAF's timed receive: it waits by the wall clock, and one set back would hold it.
      std::this_thread::sleep_until(look_at);
      look_into_mailbox();
    }
  }

 private:
  void look_into_mailbox() {
    bool empty = false;
    while (!empty && !ended_ && !self_->mailbox().empty())
      self_->receive([&](const caf::exit_msg&) { ended_ = true; },
                     caf::others >> [](caf::message_view&) -> caf::result<caf::message> {
                       return caf::sec::unexpected_message;
                     },
                     caf::after(Duration::zero()) >> [&] { empty = true; });
  }

  void publish(View view) {
    for (auto& bus : buses_) view.buses.push_back(bus.look(view.now));
    if (deps_.complete) attempt(completion_failures_, [&] { deps_.complete(view); });
    for (auto& receiver : receivers_) {
      if (receiver.served_at && view.now - *receiver.served_at < receiver.sink.period) continue;
      receiver.served_at = view.now;
      attempt(receiver.failures, [&] { receiver.sink.update(view); });
    }
  }

  template <class Work>
  void attempt(std::uint64_t& failures, Work work) {
    try {
      work();
    } catch (const std::exception& e) {
      // The first and every hundredth: a sink that fails ten times a second must not flood.
      if (failures++ % 100 == 0)
        deps_.events("publisher",
                     {Level::warning, "sink_failed",
                      "times=" + std::to_string(failures) + " exception=" + log_quoted(e.what())});
    }
  }

  caf::blocking_actor* self_;
  const PublisherDeps& deps_;
  std::vector<BusWatch> buses_;
  std::vector<Receiver> receivers_;
  std::uint64_t completion_failures_ = 0;
  bool ended_ = false;
};

void publisher_main(caf::blocking_actor* self, const PublisherDeps& deps) {
  publish::name_thread("publisher");
  deps.heartbeat->begin();
  Publisher(self, deps).run();
}

}  // namespace

caf::actor spawn_publisher(caf::actor_system& system, const PublisherDeps& deps) {
  return system.spawn<caf::detached>(publisher_main, deps);
}

}  // namespace esshub::actors
