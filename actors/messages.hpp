// Every message and atom of the actors: the single type-id block, and the only header with CAF.
#pragma once

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/atom.hpp>
#include <caf/type_id.hpp>
#include <memory>
#include <string>

#include "control/settings.hpp"
#include "model/fault.hpp"
#include "model/instruction.hpp"
#include "model/time.hpp"
#include "service/supervision.hpp"

namespace esshub::actors {

/// An actor -> itself: the moment asked for. Cannot be recalled, so a stale one is ignored.
struct Wake {
  Instant at;
};

/// supervisor -> control: the state of the hub's own parts.
using service::ComponentsState;

/// anybody -> control: validated settings, valid from the next tick on.
using SettingsPtr = std::shared_ptr<const control::Settings>;

/// anybody -> control: a fault outside the buses, raised or cleared. Each sender has its own.
struct FaultNote {
  std::string by;
  Fault fault{};
  bool active = false;
};

/// anybody -> supervisor: the owner acknowledges what it holds the battery for.
struct Acknowledged {};

/// Last setpoint, then end; the answer goes to `reply_to`.
struct StopControl {
  caf::actor reply_to;
};
struct ControlStopped {
  bool acknowledged;  ///< the inverter acknowledged it, or none was being controlled
};
/// hub -> supervisor: stop everything in order; the answer goes to `reply_to`.
struct StopHub {
  caf::actor reply_to;
};
struct HubStopped {
  bool acknowledged;
  bool all_ended;  ///< false: an actor hangs (a sink that blocks) and was left behind
};

}  // namespace esshub::actors

CAF_BEGIN_TYPE_ID_BLOCK(esshub, caf::first_custom_type_id)
CAF_ADD_TYPE_ID(esshub, (esshub::actors::Wake))
CAF_ADD_TYPE_ID(esshub, (esshub::service::ComponentsState))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::SettingsPtr))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::FaultNote))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::Acknowledged))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::StopControl))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::ControlStopped))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::StopHub))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::HubStopped))
CAF_ADD_TYPE_ID(esshub, (esshub::Orders))
CAF_ADD_ATOM(esshub, esshub::actors, look_atom, "look")
CAF_END_TYPE_ID_BLOCK(esshub)

// Nothing ever leaves the process, so nothing is serialised.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::Wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::service::ComponentsState)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::SettingsPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::FaultNote)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::Acknowledged)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::StopControl)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::ControlStopped)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::StopHub)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::HubStopped)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::Orders)
