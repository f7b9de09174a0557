// ControlChannel: everything the control's thread shares with the other threads, but for the buses.
#pragma once

#include "actors/heartbeat.hpp"
#include "control/policy/mark_table.hpp"
#include "control/policy/price_table.hpp"
#include "model/safety_memory.hpp"
#include "model/view.hpp"
#include "service/latest_value.hpp"

namespace esshub::actors {

/// Outlives its threads: a control that is started again goes on with the same.
struct ControlChannel {
  service::LatestValue<View> views;           ///< control -> publisher; without the buses' health
  service::LatestValue<SafetyMemory> safety;  ///< control -> supervisor, which keeps it
  service::LatestValue<control::MarkTable> plan;     ///< planner -> control
  service::LatestValue<control::PriceTable> prices;  ///< the same
  Heartbeat heartbeat;                               ///< control -> supervisor: a tick each
  Heartbeat supervisor;                              ///< supervisor -> control
};

}  // namespace esshub::actors
