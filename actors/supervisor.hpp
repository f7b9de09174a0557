// Supervisor: starts every actor, restarts what dies, feeds the watchdog only while all is well.
#pragma once

#include <caf/fwd.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/bus_channel.hpp"
#include "actors/control_channel.hpp"
#include "actors/heartbeat.hpp"
#include "actors/messages.hpp"
#include "model/event.hpp"
#include "model/time.hpp"
#include "service/supervision.hpp"

namespace esshub::actors {

using Spawn = std::function<caf::actor(caf::actor_system& system)>;

/// One thread of the hub.
struct SupervisedPart {
  std::string name;
  service::Supervision::Role role;
  Spawn spawn;
  std::shared_ptr<const Heartbeat> heartbeat;
  std::shared_ptr<BusChannel> bus{};  ///< of a bus; nothing: another part
};

struct SupervisorDeps {
  std::vector<SupervisedPart> parts;
  std::shared_ptr<ControlChannel> control;  ///< for its own heartbeat, and what safety remembers
  service::SupervisionMemory restored;      ///< of an earlier run
  /// What is to outlive the program, after each change; must not block.
  std::function<void(const service::SupervisionMemory&)> remember;
  /// The same of the control, from which it is taken here: no sink can hold it up on the way.
  std::function<void(const SafetyMemory&)> remember_safety;
  /// To the service manager, "READY=1" and the like (sd_notify); must not block.
  std::function<void(const std::string& state)> notify;
  /// How often WATCHDOG=1 may be due at the latest (half of WatchdogSec); 0: no watchdog.
  Duration watchdog_period{};
  EventSink events;  ///< gets component "supervisor"
};

/// Starts the parts and does what service::Supervision says of their heartbeats. READY=1 with the
/// control's first one. Takes Acknowledged (the owner's word).
/// StopHub: control first (final setpoint), then buses, then the publisher; each has its time, and
/// HubStopped follows within 4.5 s whatever hangs.
[[nodiscard]] caf::actor spawn_supervisor(caf::actor_system& system, SupervisorDeps deps);

/// The owner's acknowledgement on its way to the supervisor, for threads that may outlive it.
class SupervisorProxy {
 public:
  /// Nobody (an empty handle) lets go of it.
  void attach(caf::actor supervisor);
  void acknowledge();

 private:
  std::mutex mutex_;
  caf::actor supervisor_;
  bool waiting_ = false;
};

}  // namespace esshub::actors
