// Furnishes a Plant from a scenario and traces, with the simulated devices.
#pragma once

#include <memory>
#include <optional>

#include "sim/plant/plant.hpp"
#include "sim/scenario.hpp"
#include "sim/trace.hpp"

namespace esshub::sim {

struct Traces {
  std::optional<Trace> load;
  std::optional<Trace> sun;
};

/// The house of the scenario at `start`, with the simulated devices and its events scheduled.
[[nodiscard]] std::unique_ptr<Plant> make_plant(const Scenario& scenario, const Traces& traces,
                                                Instant start);

}  // namespace esshub::sim
