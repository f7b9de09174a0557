#include "actors/hub_system.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/after.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/system_messages.hpp>
#include <chrono>
#include <thread>
#include <utility>

namespace esshub::actors {
namespace {

constexpr Duration stop_limit = 5s;  // safety contract F20

struct ActorConfig : caf::actor_system_config {
  ActorConfig() {
    add_message_types<caf::id_block::esshub>();
    // The default polls while idle; two workers, because no handler of ours blocks.
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", 2u);
  }
};

/// Whether a message comes within `limit`, by the steady clock: CAF's timed receive waits by the
/// wall clock, and one set back would hold it.
bool hears(const caf::scoped_actor& self, Duration limit) {
  for (const auto end = std::chrono::steady_clock::now() + limit; self->mailbox().empty();
       std::this_thread::sleep_for(5ms))
    if (std::chrono::steady_clock::now() >= end) return false;
  return true;
}

/// There is no supervisor to do it.
bool stop_control(const caf::scoped_actor& self, ControlProxy& control) {
  bool acknowledged = false;
  control.stop(self);
  if (hears(self, 2500ms))
    self->receive([&](const ControlStopped& s) { acknowledged = s.acknowledged; },
                  caf::after(Duration::zero()) >> [] {});
  return acknowledged;
}

}  // namespace

struct HubSystem::Impl {
  ActorConfig config;
  caf::actor_system system{config};
};

HubSystem::HubSystem() : impl_(std::make_unique<Impl>()) {}
HubSystem::~HubSystem() = default;

caf::actor_system& HubSystem::caf() {
  return impl_->system;
}

HubStopped HubSystem::stop(caf::actor supervisor, ControlProxy& control) {
  HubStopped stopped{.acknowledged = false, .all_ended = false};
  const caf::scoped_actor self{impl_->system};
  self->monitor(supervisor);
  self->send(std::move(supervisor), StopHub{self});
  bool died = false;
  if (hears(self, stop_limit))
    self->receive([&](const HubStopped& s) { stopped = s; },
                  [&](const caf::down_msg&) { died = true; },
                  caf::after(Duration::zero()) >> [] {});
  if (died) stopped.acknowledged = stop_control(self, control);
  return stopped;
}

}  // namespace esshub::actors
