// Fits the hub's own configuration to the simulated house: its settings and drivers, without lines.
#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "config/hub_settings.hpp"
#include "sim/closed_loop.hpp"
#include "sim/plant/wire.hpp"

namespace esshub::sim {

struct FittedConfig {
  ClosedLoopSettings loop;
  WireSettings meter_wire;         ///< at the speed the meters are set to
  std::vector<std::string> notes;  ///< what is simulated in another way than configured
};

/// Where the buses are plugged in does not matter. The errors name every meter the simulated house
/// does not have.
[[nodiscard]] tl::expected<FittedConfig, std::vector<std::string>> fit_config(
    const config::HubSettings& settings);

}  // namespace esshub::sim
