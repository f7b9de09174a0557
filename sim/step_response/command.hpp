// `esshub-sim step-response`: measures, reports, writes the files asked for.
#pragma once

#include <cstdint>
#include <string>

namespace esshub::sim {

struct StepCommand {
  bool sweep = false;
  std::string json;  ///< file; empty: none
  std::string svg;   ///< file; empty: none
  std::string load;  ///< recorded load to follow, CSV; empty: none
  int phases = 20;
  std::uint64_t seed = 1;  ///< of the plant's noise, delays and chatter
  int seeds = 1;           ///< the sweep with so many, from `seed` on
};

/// 0; 1 when a goal is missed; 73 when a file cannot be written; 78 when the load cannot be
/// read or is not of one row a second.
[[nodiscard]] int run_step_response(const StepCommand& command);

}  // namespace esshub::sim
