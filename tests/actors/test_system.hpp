// An actor system under CAF's testing scheduler: virtual time, one thread.
#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/send.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/messages.hpp"
#include "model/event.hpp"

namespace esshub::actors {

struct TestConfig : caf::actor_system_config {
  explicit TestConfig(bool virtual_time) {
    add_message_types<caf::id_block::esshub>();
    if (virtual_time) set("scheduler.policy", caf::atom("testing"));
    set("scheduler.max-threads", 2u);
  }
};

struct VirtualSystem {
  TestConfig config{true};
  caf::actor_system system{config};
  caf::scheduler::test_coordinator& scheduler =
      dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());

  [[nodiscard]] Instant now() { return scheduler.clock().now(); }
  void run() { scheduler.run(); }
  /// Lets time pass in small steps, so that every timer fires at its own moment.
  void pass(Duration time) {
    for (const auto end = now() + time; now() < end;) {
      scheduler.advance_time(std::min<Duration>(50ms, end - now()));
      run();
    }
  }
  void end(const caf::actor& actor) {
    caf::anon_send_exit(actor, caf::exit_reason::kill);
    run();
  }
};

/// Events in the order told, from any thread.
class EventLog {
 public:
  [[nodiscard]] EventSink sink() {
    return [this](const std::string& component, const Event& event) {
      const std::lock_guard lock(mutex_);
      lines_.push_back(component + " " + event.name + " " + event.detail);
    };
  }
  [[nodiscard]] std::size_t count(const std::string& start) const {
    const std::lock_guard lock(mutex_);
    std::size_t n = 0;
    for (const auto& line : lines_)
      if (line.rfind(start, 0) == 0) ++n;
    return n;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace esshub::actors
