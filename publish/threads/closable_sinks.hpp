// ClosableSinks: sinks that can be closed for good while a thread that hangs may still come back to
// them.
#pragma once

#include <mutex>
#include <string>
#include <utility>

#include "model/command.hpp"
#include "model/event.hpp"

namespace esshub::publish {

class ClosableSinks {
 public:
  ClosableSinks(CommandSink commands, EventSink events)
      : commands_(std::move(commands)), events_(std::move(events)) {}

  void event(const std::string& component, const Event& event) {
    const std::lock_guard lock{mutex_};
    if (open_) events_(component, event);
  }
  Result<void> command(const Command& command, const std::string& who) {
    const std::lock_guard lock{mutex_};
    if (!open_) return fail(ErrorKind::refused, "the hub is stopping");
    return commands_(command, who);
  }
  /// From its return on neither sink is called.
  void close() {
    const std::lock_guard lock{mutex_};
    open_ = false;
  }

 private:
  std::mutex mutex_;
  bool open_ = true;
  CommandSink commands_;
  EventSink events_;
};

}  // namespace esshub::publish
