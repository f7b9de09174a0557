// TraceFiles: which recordings drive load and sun.
#pragma once

#include <filesystem>

namespace esshub::sim {

/// Where they are recorded; empty: none. Seconds between two rows.
struct TraceFiles {
  std::filesystem::path load{};  ///< CSV, column load_w or active_power_w (W)
  std::filesystem::path sun{};   ///< CSV, column ghi_w_m2 (W/m2)
  double load_step_seconds = 1.0;
  double sun_step_seconds = 60.0;
};

}  // namespace esshub::sim
