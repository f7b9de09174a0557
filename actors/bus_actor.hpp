// BusActor: the one shell of every bus - line, session, queue - under CAF.
#pragma once

#include <caf/fwd.hpp>
#include <functional>
#include <memory>
#include <string>

#include "actors/messages.hpp"
#include "actors/sample_queue.hpp"
#include "model/event.hpp"
#include "protocol/driver.hpp"
#include "transport/line.hpp"

namespace esshub::actors {

/// What a bus is made of. The makers are called anew: the line for every opening, the driver for
/// every start of the actor.
struct BusDeps {
  std::string name;
  std::function<std::shared_ptr<transport::Line>()> make_line;
  std::function<std::unique_ptr<protocol::Driver>()> make_driver;
  std::shared_ptr<SampleQueue> queue;
  EventSink events;  ///< gets component "bus.<name>"
};

/// Does what service::BusSession says, and sends BusReport to `supervisor` on every change and
/// twice a second. Takes Setpoint. Ends on an exception, with an event.
[[nodiscard]] caf::actor spawn_bus(caf::actor_system& system, const BusDeps& deps,
                                   const caf::actor& supervisor);

}  // namespace esshub::actors
