// esshub-sim simulate: the hub's own configuration against the simulated house, in virtual time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "sim/flat_prices.hpp"
#include "sim/trace_files.hpp"

namespace esshub::sim {

struct SimulateOptions {
  std::filesystem::path config;
  std::filesystem::path scenario{};  ///< empty: the default house
  TraceFiles traces{};               ///< none: the scenario's constant load and sun
  double hours = 24.0;
  std::string start = "2026-06-21";  ///< local, see SiteClock; both traces begin at its midnight
  std::optional<std::uint64_t> seed{};
  FlatPrices prices{};
  std::vector<std::filesystem::path> feeds{};  ///< documents of docs/feeds.md, told when issued
  int past_days = 0;  ///< which the hub's planner knows: both traces before the start
  std::filesystem::path json{};
  std::filesystem::path csv{};
  double csv_step_seconds = 1.0;
};

/// Returns the exit code. The summary goes to `out`, errors and notes to `err`.
[[nodiscard]] int simulate(const SimulateOptions& options, std::ostream& out, std::ostream& err);

}  // namespace esshub::sim
