// Publisher: fans the newest View out to everything that faces outward.
#pragma once

#include <caf/fwd.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "actors/bus_channel.hpp"
#include "actors/control_channel.hpp"
#include "model/event.hpp"
#include "model/view.hpp"
#include "publish/sink.hpp"

namespace esshub::actors {

/// Fills in what the control does not know (energies), on the publisher's own copy of the View.
using Completion = std::function<void(View&)>;

struct PublisherDeps {
  std::shared_ptr<Heartbeat> heartbeat;  ///< publisher -> supervisor
  std::shared_ptr<ControlChannel> control;
  std::vector<std::shared_ptr<BusChannel>> buses;
  std::vector<publish::Sink> sinks;
  Completion complete;
  EventSink events;  ///< gets component "publisher"
};

/// A detached actor, because sinks are foreign code and may block: they delay each other, never a
/// bus nor the control. Ten times a second, or less often where the sinks take longer, it takes the
/// newest View; what came before is skipped, nothing piles up. Each View gets the buses' health and
/// is completed, then given to the sinks in their order. A sink that throws is reported and kept,
/// and so is the completion.
[[nodiscard]] caf::actor spawn_publisher(caf::actor_system& system, const PublisherDeps& deps);

}  // namespace esshub::actors
