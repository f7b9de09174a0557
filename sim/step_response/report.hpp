// The report of `esshub-sim step-response`: for people, as JSON, and as a picture.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/step_response/step_response.hpp"

namespace esshub::sim {

struct LoopReport {
  LoopKind kind{};
  std::vector<StepRecord> steps;  ///< in the order of usual_steps(); references: the first two
  Stationary rest;
  std::optional<TraceFigures> trace;
};

struct StepReport {
  LoopPlant plant;
  std::vector<LoopReport> loops;            ///< the hub first
  std::optional<LoopReport> beside_meter;   ///< the hub with an SDM120 on the same line
  std::optional<TraceFigures> second_late;  ///< the recorded load followed exactly 1 s late
  std::vector<SweepCell> cells;             ///< of every seed; empty: not asked for
  std::vector<SweepCell> wrong_cells;       ///< the same: settings wrong in everything
};

/// What a laboratory measured of a system on sale. W as at rest, in discharging.
struct LaboratoryFigures {
  std::string_view system;
  double dead = 0.0;      ///< s
  double settling = 0.0;  ///< s
  double import = 0.0;    ///< W, stationary
  double export_ = 0.0;   ///< W, stationary
};
/// From bslib's database, tests/data/README-traces.md says where it is from. Real meters and other
/// steps than here: an order of magnitude to stand beside, not a match.
[[nodiscard]] std::span<const LaboratoryFigures> laboratory();

/// A promised figure and what was measured.
struct Goal {
  std::string what;
  double limit = 0.0;
  double p50 = 0.0;
  double worst = 0.0;
  std::string unit;
  bool of_worst = false;  ///< promised for every moment of the poll cycle, not for the median
  [[nodiscard]] bool met() const { return (of_worst ? worst : p50) <= limit; }
};
[[nodiscard]] std::vector<Goal> goals(const StepReport& report);

[[nodiscard]] std::string as_text(const StepReport& report);
[[nodiscard]] std::string as_json(const StepReport& report);
[[nodiscard]] std::string as_svg(const StepReport& report);

}  // namespace esshub::sim
