// Plan: all that chance decides about an episode, drawn from its seed before it begins.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/command.hpp"
#include "publish/history/settings.hpp"
#include "service/feed.hpp"
#include "sim/closed_loop.hpp"
#include "sim/plant/device.hpp"
#include "sim/plant/plant.hpp"
#include "sim/storm/injection.hpp"

namespace esshub::sim::storm {

/// From then on, until the next.
struct PowerStep {
  Duration at{};
  Watts power{};
};

struct PlannedOrder {
  Duration at{};
  Command command;
  const char* who;
};

/// Prices that somebody tells.
struct PlannedFeed {
  Duration at{};
  service::Feed feed;
};

struct Plan {
  std::uint64_t seed = 0;
  Duration length{};
  ClosedLoopSettings loop;
  PlantSettings plant;  ///< but for the profiles
  Duration meter_turnaround{};
  FakeBatteryOptions battery;
  FakeMultiplusOptions inverter;
  Duration steady{};  ///< what the machine's clock shows at the begin
  WallTime wall{};
  std::string zone;
  bool clock_synchronised = true;
  publish::HistorySettings history;
  std::vector<PowerStep> load;  ///< of the whole house, in the order of time; the first at 0
  std::vector<PowerStep> solar;
  std::vector<Injection> weather;  ///< in the order of its begin
  std::vector<PlannedOrder> orders;
  std::vector<PlannedFeed> prices;  ///< in the order of time
};

/// What every episode ends with: nothing goes wrong any more, so that all can come back.
constexpr Duration calm_end = std::chrono::seconds{150};

/// The same arguments, the same plan. `length` of more than an hour: a long calm with rare faults.
[[nodiscard]] Plan make_plan(std::uint64_t seed, Duration length, const InjectionKinds& kinds);

}  // namespace esshub::sim::storm
