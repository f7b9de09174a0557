// A linear fit that a kettle does not bend: differences of one channel on those of others.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace esshub::commissioning {

constexpr std::size_t max_causes = 5;

/// One difference, and what may have caused it.
struct FitRow {
  double at = 0.0;                          ///< s
  double change = 0.0;                      ///< W
  std::array<double, max_causes> causes{};  ///< W
};

struct Fit {
  std::array<double, max_causes> gain{};   ///< W of change for each W of the cause
  std::array<double, max_causes> error{};  ///< standard deviation of the gain
  double scatter = 0.0;    ///< W, robust standard deviation of what is not explained
  double explained = 0.0;  ///< share of rows that count, 0 to 1
};

/// The gain of the first cause alone that leaves the least sum of |change - gain * cause|, and that
/// sum over the sum of |change|'s weights: a weighted median. Nothing where the cause never moves.
struct LeastAbsolute {
  double gain = 0.0;
  double misfit = 0.0;  ///< mean |change - gain * cause|, W
};
[[nodiscard]] std::optional<LeastAbsolute> least_absolute(std::span<const FitRow> rows);

/// By `causes` of them; rows that no line explains lose their weight (Tukey's biweight, begun with
/// the least absolute deviations of the first cause). `independent`: how many of the rows count as
/// independent of each other. Nothing where a cause does not move or follows from others.
[[nodiscard]] std::optional<Fit> robust_fit(std::span<const FitRow> rows, std::size_t causes,
                                            double independent);

/// Of any values, 0 of none.
[[nodiscard]] double median(std::vector<double> values);
/// Robust standard deviation about `middle`: 1.4826 times the median distance.
[[nodiscard]] double spread(std::vector<double> values, double middle);

}  // namespace esshub::commissioning
