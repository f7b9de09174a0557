// The sections of a scrape, one file each: which part of the View becomes which families.
#pragma once

#include <optional>
#include <vector>

#include "metrics/page.hpp"
#include "model/feed.hpp"
#include "model/smart_plan.hpp"
#include "model/view.hpp"

namespace esshub::metrics {

/// Every section, as true at `now` (not before view.now): what has become too old since the View
/// was made is left out, and of a View that is itself too old only counters and ages remain.
void add_view(Page& page, const View& newest, Instant now);

/// The published values, and the same of circuits and battery modules.
void add_values(Page& page, const View& view);

/// The circuits' roles and the age of every reading.
void add_readings(Page& page, const View& view);

/// What the BMS protects against, warns of and requests.
void add_battery(Page& page, const View& view);

/// What the inverter says of itself: state, charge state, alarms.
void add_inverter(Page& page, const View& view);

/// Instruction, authority, mode, margin over the reserve.
void add_policy(Page& page, const View& view);

/// What Smart mode plans, as of the View's wall clock.
void add_smart(Page& page, const View& view, const SmartState& smart);

/// How far others have told of prices and sun, and what of it is refused.
void add_feeds(Page& page, const View& view, const std::vector<FeedState>& feeds);

/// The mode the inverter is told to be in, and why.
void add_decision(Page& page, const View& view);

/// How well the grid is held and what the control found out of its own loop.
void add_loop(Page& page, const LoopQuality& loop);

/// Faults; since-when only while the wall clock is trusted.
void add_faults(Page& page, const View& view);

/// What is true of the buses now; only of a View that is itself current.
void add_bus_states(Page& page, const std::vector<BusHealth>& buses);

/// What the buses have counted: it stays true however old the View is.
void add_bus_counters(Page& page, const std::vector<BusHealth>& buses);

/// Ticks, overruns and lateness of the control loop.
void add_control(Page& page, const TickStats& ticks);

/// Seconds since 1970 of a moment on the steady clock; nothing while the wall clock is not trusted.
[[nodiscard]] std::optional<double> timestamp(const View& view, Instant at);
[[nodiscard]] inline double unix_seconds(WallTime at) {
  return Seconds(at.time_since_epoch()).count();
}

}  // namespace esshub::metrics
