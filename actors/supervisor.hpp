// Supervisor: starts every actor, restarts what dies, feeds the watchdog only while all is well.
#pragma once

#include <caf/fwd.hpp>
#include <functional>
#include <string>
#include <vector>

#include "actors/messages.hpp"
#include "model/event.hpp"
#include "model/time.hpp"

namespace esshub::actors {

/// Starts an actor that sends its heartbeats to the given supervisor.
using Spawn = std::function<caf::actor(caf::actor_system& system, const caf::actor& supervisor)>;

struct SupervisedBus {
  std::string name;
  bool takes_setpoints = false;  ///< the inverter's
  Spawn spawn;
};

struct SupervisorDeps {
  Spawn control;
  std::vector<SupervisedBus> buses;
  Spawn publisher;
  /// To the service manager, "READY=1" and the like (sd_notify); must not block.
  std::function<void(const std::string& state)> notify;
  /// How often WATCHDOG=1 may be due at the latest (half of WatchdogSec); 0: no watchdog.
  Duration watchdog_period{};
  EventSink events;  ///< gets component "supervisor"
};

/// Starts the control, the publisher and the buses, gives them each other's handles, and does what
/// service::Supervision says. READY=1 with the first heartbeat of the control.
/// StopHub: control first (final setpoint), then buses, then the publisher; each has its time, and
/// HubStopped follows within 4.5 s whatever hangs.
[[nodiscard]] caf::actor spawn_supervisor(caf::actor_system& system, SupervisorDeps deps);

}  // namespace esshub::actors
