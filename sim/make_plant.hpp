// Furnishes a Plant from a scenario and traces, with the simulated devices.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <memory>
#include <optional>

#include "sim/plant/plant.hpp"
#include "sim/scenario.hpp"
#include "sim/trace.hpp"
#include "sim/trace_files.hpp"

namespace esshub::sim {

struct Traces {
  std::optional<Trace> load;
  std::optional<Trace> sun;
};

/// Names every error of either file on `err`, a line each; then there is nothing.
[[nodiscard]] std::optional<Traces> read_traces(const TraceFiles& files, std::ostream& err);

/// The house of the scenario at `start`, with the simulated devices and its events scheduled.
[[nodiscard]] std::unique_ptr<Plant> make_plant(const Scenario& scenario, const Traces& traces,
                                                Instant start);

}  // namespace esshub::sim
