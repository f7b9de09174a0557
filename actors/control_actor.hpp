// ControlActor: the control loop on a thread of its own, ticking on absolute deadlines.
#pragma once

#include <caf/fwd.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "actors/bus_channel.hpp"
#include "actors/control_channel.hpp"
#include "actors/messages.hpp"
#include "actors/system_clock.hpp"
#include "civil_time/zone.hpp"
#include "control/settings.hpp"
#include "control/tick.hpp"
#include "model/event.hpp"

namespace esshub::actors {

struct ControlDeps {
  control::Settings settings;
  std::vector<std::shared_ptr<BusChannel>> buses;
  std::shared_ptr<BusChannel> inverter;  ///< takes the setpoints; nothing: there is none
  std::shared_ptr<ControlChannel> channel;
  control::StepFunction step;
  civil_time::Zone zone;
  civil_time::ClockSource clock = civil_time::ClockSource::ntp;
  std::shared_ptr<const Rtc> rtc = std::make_shared<Rtc>();  ///< read by somebody else
  bool realtime = true;
  EventSink events;  ///< gets component "control"; must not block
  /// What the control before it remembered (I12); asked once, at its start. May be empty.
  std::function<SafetyMemory()> remembered{};
};

/// A detached actor that waits for nobody. From its deadline until the setpoint is handed over it
/// takes no lock, no memory and no system call but the inverter's bell (safety contract I11); then
/// it beats, hands a View over ten times a second, and looks into its mailbox. StopControl is
/// answered with ControlStopped after 3 s at most, then it ends. A supervisor that does not beat
/// for 5 s is Fault::actor_stuck. An exception ends it, with an event, and withdraws its setpoint.
[[nodiscard]] caf::actor spawn_control(caf::actor_system& system, const ControlDeps& deps);

}  // namespace esshub::actors
