// esshub-sim plant: the simulated house behind pseudo-terminals, in real time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sim/trace_files.hpp"

namespace esshub::sim {

struct PlantOptions {
  std::string dir;       ///< of ports, control socket and the hub's configuration; made if need be
  std::string scenario;  ///< a file; empty: the usual house
  TraceFiles traces;
  std::string metrics = "127.0.0.1:9750";
  std::string web = "127.0.0.1:8750";
  std::optional<std::uint64_t> seed;  ///< before the scenario's
  std::optional<double> seconds;      ///< nothing: until SIGINT or SIGTERM
};

/// Returns the exit code. What happens goes to stderr, a line each.
[[nodiscard]] int run_plant(const PlantOptions& options);

/// What its --help ends with: the commands of the socket, exit codes, an example.
[[nodiscard]] std::string plant_help();

}  // namespace esshub::sim
