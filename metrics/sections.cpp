#include "metrics/sections.hpp"

#include <chrono>
#include <memory>

namespace esshub::metrics {

void add_view(Page& page, const View& newest, Instant now) {
  // On the heap: a View takes more than half of the stack that the server gives its threads.
  const auto copy = std::make_unique<View>(newest);
  View& view = *copy;
  const bool current = now - view.now <= view.max_age;  // else the control itself is silent
  view.wall += std::chrono::duration_cast<WallTime::duration>(now - view.now);
  view.now = now;
  add_values(page, view);
  add_readings(page, view);
  add_battery(page, view);
  add_inverter(page, view);
  if (current) {
    add_policy(page, view);
    add_decision(page, view);
    add_loop(page, view.decision.loop);
    add_faults(page, view);
    add_bus_states(page, view.buses);
  }
  add_bus_counters(page, view.buses);
  add_control(page, view.ticks);
}

}  // namespace esshub::metrics
