// Sink: one publisher as the hub sees it. A new publisher is one file and one line in hub.cpp.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "model/view.hpp"

namespace esshub::publish {

struct Sink {
  /// Called on the publisher's thread, one View at a time. Should hand it over and return: a sink
  /// that waits delays the other sinks, never the control. An exception is reported and the sink
  /// kept.
  std::function<void(const View&)> update;
  /// It gets one View in this time at most; 0: every one (ten a second).
  Duration period{};
  /// Called once when the hub stops, beside the other sinks' and while update() may still be
  /// called. Takes leave of the outside within 2 s.
  std::function<void()> close = [] {};
};

/// The Sink of a publisher that has update(const View&), close() and a constant `period`.
template <class Publisher>
[[nodiscard]] Sink sink_of(std::shared_ptr<Publisher> publisher) {
  return {.update = [publisher](const View& view) { publisher->update(view); },
          .period = Publisher::period,
          .close = [publisher] { publisher->close(); }};
}

}  // namespace esshub::publish
