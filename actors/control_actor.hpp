// ControlActor: the control loop on a thread of its own, ticking on absolute deadlines.
#pragma once

#include <caf/fwd.hpp>
#include <memory>
#include <string>
#include <vector>

#include "actors/messages.hpp"
#include "actors/sample_queue.hpp"
#include "civil_time/zone.hpp"
#include "control/settings.hpp"
#include "control/tick.hpp"
#include "model/event.hpp"

namespace esshub::actors {

/// A bus as the control sees it.
struct ControlSource {
  std::string bus;
  std::shared_ptr<SampleQueue> queue;
  [[nodiscard]] bool pop(Sample& sample) const { return queue->pop(sample); }
};

struct ControlDeps {
  control::Settings settings;
  std::vector<ControlSource> sources;
  control::StepFunction step;
  civil_time::Zone zone;
  bool realtime = true;
  EventSink events;  ///< gets component "control"; must not block
};

/// A detached actor. It never waits for a message: it looks into its mailbox once a tick, drains
/// the queues, steps, and sends the Setpoint to the inverter's bus actor (InverterBusStarted).
/// ControlHeartbeat goes to `supervisor` twice a second; a View to whoever asked (NextView), ten a
/// second at most. StopControl is answered with ControlStopped after 3 s at most, then it ends.
[[nodiscard]] caf::actor spawn_control(caf::actor_system& system, const ControlDeps& deps,
                                       const caf::actor& supervisor);

}  // namespace esshub::actors
