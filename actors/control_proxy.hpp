// ControlProxy: the lasting word to the control, whichever control is alive; a new one hears it
// all.
#pragma once

#include <mutex>
#include <optional>
#include <vector>

#include "actors/messages.hpp"

namespace esshub::actors {

/// Thread-safe, never waits. Remembers the newest of every kind, so that a control started again
/// goes on as ordered.
class ControlProxy {
 public:
  /// The control is this one now; nobody (an empty handle) lets go of the last one.
  void attach(caf::actor control);

  void send(const Orders& orders);
  void send(SettingsPtr settings);
  void send(const FaultNote& note);
  /// The last setpoint, then the end; ControlStopped goes to `reply_to`, unless there is no
  /// control.
  void stop(const caf::actor& reply_to);

 private:
  std::mutex mutex_;
  caf::actor control_;
  std::optional<Orders> orders_;
  SettingsPtr settings_;
  std::vector<FaultNote> notes_;  ///< one for each sender and fault
};

}  // namespace esshub::actors
