// Every message and atom of the actors: the single type-id block, and the only header with CAF.
#pragma once

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/atom.hpp>
#include <caf/type_id.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "control/settings.hpp"
#include "model/decision.hpp"
#include "model/health.hpp"
#include "model/instruction.hpp"
#include "model/time.hpp"
#include "model/view.hpp"
#include "service/supervision.hpp"

namespace esshub::actors {

// line -> its bus actor. `generation` counts the openings: words of an earlier one are ignored.
struct LineUp {
  std::uint64_t generation;
};
struct LineChunk {
  std::uint64_t generation;
  std::vector<std::byte> bytes;
  Instant at;  ///< when the last byte had arrived
};
struct LineDown {
  std::uint64_t generation;
  std::string reason;
};

/// An actor -> itself: the moment asked for. Cannot be recalled, so a stale one is ignored.
struct Wake {
  Instant at;
};

/// bus actor -> supervisor: health and heartbeat in one; supervisor -> control: the same with the
/// restarts filled in.
struct BusReport {
  BusHealth health;
};

/// control -> supervisor: heartbeat.
struct ControlHeartbeat {
  bool healthy;  ///< the last tick came in its own period
  std::uint64_t ticks;
};

// supervisor -> others: who is who now, after every start of an actor.
struct InverterBusStarted {
  caf::actor bus;  ///< takes the Setpoints
};
struct ControlStarted {
  caf::actor control;  ///< gives the Views
};

/// supervisor -> control: the state of the hub's own parts.
using service::ComponentsState;

/// publisher -> control: send me the next View, once. One is under way at most, so a slow publisher
/// skips Views instead of piling them up.
struct NextView {
  caf::actor to;
};
using ViewPtr = std::shared_ptr<const View>;

/// anybody -> control: validated settings, valid from the next tick on.
using SettingsPtr = std::shared_ptr<const control::Settings>;

/// anybody -> control: a fault outside the buses, raised or cleared. Each sender has its own.
struct FaultNote {
  std::string by;
  Fault fault{};
  bool active = false;
};

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
CAF_ADD_TYPE_ID(esshub, (esshub::actors::LineUp))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::LineChunk))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::LineDown))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::Wake))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::BusReport))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::ControlHeartbeat))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::InverterBusStarted))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::ControlStarted))
CAF_ADD_TYPE_ID(esshub, (esshub::service::ComponentsState))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::NextView))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::ViewPtr))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::SettingsPtr))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::FaultNote))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::StopControl))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::ControlStopped))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::StopHub))
CAF_ADD_TYPE_ID(esshub, (esshub::actors::HubStopped))
CAF_ADD_TYPE_ID(esshub, (esshub::Setpoint))
CAF_ADD_TYPE_ID(esshub, (esshub::Orders))
CAF_ADD_ATOM(esshub, esshub::actors, report_atom, "report")
CAF_ADD_ATOM(esshub, esshub::actors, look_atom, "look")
CAF_END_TYPE_ID_BLOCK(esshub)

// Nothing ever leaves the process, so nothing is serialised.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::LineUp)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::LineChunk)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::LineDown)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::Wake)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::BusReport)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::ControlHeartbeat)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::InverterBusStarted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::ControlStarted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::service::ComponentsState)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::NextView)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::ViewPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::SettingsPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::FaultNote)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::StopControl)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::ControlStopped)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::StopHub)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::actors::HubStopped)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::Setpoint)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(esshub::Orders)
