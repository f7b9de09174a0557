// Recorded powers over time, from CSV files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "model/time.hpp"

namespace esshub::sim {

/// Values at a fixed step. Past its end it begins again.
struct Trace {
  Duration step{1s};
  std::vector<double> values;  ///< never empty

  /// The value holding at `t` (>= 0): a step each.
  [[nodiscard]] double held(Duration t) const;
  /// The value at `t` (>= 0), straight lines between the points.
  [[nodiscard]] double between(Duration t) const;
};

/// House load in W, one row a second. The header names the column: `load_w` or `active_power_w`.
/// The error is `file:line:column: what, and what was expected`.
[[nodiscard]] tl::expected<Trace, std::string> read_load_trace(const std::filesystem::path& file);

/// As read_load_trace(), for those who need a row a second: refuses a file whose column
/// `local_time` or `utc_time` (HH:MM or HH:MM:SS, after a date or not) does not say so. A file
/// without such a column is taken to be one.
[[nodiscard]] tl::expected<Trace, std::string> read_second_load_trace(
    const std::filesystem::path& file);

/// Global horizontal irradiance in W/m2, one row a minute, column `ghi_w_m2`.
[[nodiscard]] tl::expected<Trace, std::string> read_sun_trace(const std::filesystem::path& file);

}  // namespace esshub::sim
