// esshub-sim storm: many short histories full of faults, or days of calm, each from one number.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>

namespace esshub::sim::storm {

struct StormOptions {
  std::uint64_t seed = 1;
  unsigned episodes = 1;            ///< of 15 minutes, of the seeds from `seed` on
  std::optional<double> days{};     ///< one long calm with rare faults instead
  std::optional<double> seconds{};  ///< stop beginning episodes after so much time
  std::string faults = "all";
  bool trace = false;
  unsigned shorten = 1;  ///< so many of those that break a promise; it takes a hundred plays each
  bool twice = false;    ///< each episode once more, which must come to the same
  bool timing = false;   ///< of each part, measured over all episodes
  std::filesystem::path record{};
};

/// 0: every promise was kept; 1: one was broken, and its seed is printed.
[[nodiscard]] int run_storm(const StormOptions& options, std::ostream& out, std::ostream& err);

}  // namespace esshub::sim::storm
