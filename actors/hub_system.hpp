// HubSystem: CAF's part of the hub - the system its actors live in, and their end in order.
#pragma once

#include <caf/fwd.hpp>
#include <memory>

#include "actors/control_proxy.hpp"
#include "actors/messages.hpp"

namespace esshub::actors {

class HubSystem {
 public:
  HubSystem();
  HubSystem(const HubSystem&) = delete;
  HubSystem& operator=(const HubSystem&) = delete;
  /// Waits for every actor's end.
  ~HubSystem();

  [[nodiscard]] caf::actor_system& caf();
  /// Has the supervisor end all actors; where it is dead, ends the control alone. Takes seconds.
  [[nodiscard]] HubStopped stop(caf::actor supervisor, ControlProxy& control);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace esshub::actors
