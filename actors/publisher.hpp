// Publisher: fans the newest View out to everything that faces outward.
#pragma once

#include <caf/fwd.hpp>
#include <functional>
#include <vector>

#include "actors/messages.hpp"
#include "model/event.hpp"
#include "model/view.hpp"
#include "publish/sink.hpp"

namespace esshub::actors {

/// Fills in what the control does not know (energies), on the publisher's own copy of the View.
using Completion = std::function<void(View&)>;

/// An actor with a thread of its own, because sinks are foreign code and may block: they delay each
/// other, never a bus. It asks the control (ControlStarted) for a View only when it is done with
/// the one before, so the newest wins and nothing piles up. Each View is completed first, then
/// given to the sinks in their order. A sink that throws is reported and kept, and so is the
/// completion.
[[nodiscard]] caf::actor spawn_publisher(caf::actor_system& system,
                                         std::vector<publish::Sink> sinks, EventSink events,
                                         Completion complete = {});

}  // namespace esshub::actors
