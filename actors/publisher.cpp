#include "actors/publisher.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "model/event.hpp"

namespace esshub::actors {
namespace {

struct Receiver {
  publish::Sink sink;
  std::optional<Instant> served_at;  ///< by the View's own time
  std::uint64_t failures = 0;
};

struct PublisherState {
  static inline const char* name = "publisher";
  std::vector<Receiver> receivers;
  EventSink events;
  Completion complete;
  std::uint64_t completion_failures = 0;
  caf::actor control;

  void publish(View view) {
    if (complete) attempt(completion_failures, [&] { complete(view); });
    for (auto& receiver : receivers) {
      if (receiver.served_at && view.now - *receiver.served_at < receiver.sink.period) continue;
      receiver.served_at = view.now;
      attempt(receiver.failures, [&] { receiver.sink.update(view); });
    }
  }

  template <class Work>
  void attempt(std::uint64_t& failures, Work work) {
    try {
      work();
    } catch (const std::exception& e) {
      // The first and every hundredth: a sink that fails ten times a second must not flood.
      if (failures++ % 100 == 0)
        events("publisher",
               {Level::warning, "sink_failed",
                "times=" + std::to_string(failures) + " exception=" + log_quoted(e.what())});
    }
  }
};

caf::behavior publisher_behavior(caf::stateful_actor<PublisherState>* self,
                                 std::vector<publish::Sink> sinks, EventSink events,
                                 Completion complete) {
  for (auto& sink : sinks) self->state.receivers.push_back({std::move(sink), {}, 0});
  self->state.events = std::move(events);
  self->state.complete = std::move(complete);
  return {
      [self](const ControlStarted& started) {
        if (self->state.control == started.control) return;  // asked already
        self->state.control = started.control;
        self->send(self->state.control, NextView{self});
      },
      [self](const ViewPtr& view) {
        self->state.publish(*view);
        self->send(self->state.control, NextView{self});
      },
  };
}

}  // namespace

caf::actor spawn_publisher(caf::actor_system& system, std::vector<publish::Sink> sinks,
                           EventSink events, Completion complete) {
  return system.spawn<caf::detached>(publisher_behavior, std::move(sinks), std::move(events),
                                     std::move(complete));
}

}  // namespace esshub::actors
