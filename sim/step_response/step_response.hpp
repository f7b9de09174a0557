// Measures how a loop answers load steps: dead time, settling, overshoot, energy, and at rest.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sim/step_response/loop_bench.hpp"

namespace esshub::sim {

/// One step of the net load (W, negative = surplus of the sun).
struct LoadStep {
  std::string name;
  Watts from{};
  Watts to{};
};
/// 10 % to 90 % of the discharge rating first, 1 kW second, then others, charging too.
[[nodiscard]] std::vector<LoadStep> usual_steps();

/// How one step was answered. `Missed` times are as long as the record.
struct StepFigures {
  Seconds dead{};          ///< until the battery has moved 1 % of the step, at least 10 W
  Seconds settling{};      ///< until |grid| stays within 5 % of the step, or 50 W, for 2 s
  double overshoot = 0.0;  ///< share of the step by which the battery went beyond it
  WattHours import{};      ///< in the 10 s after the step (a reference loop: over its whole record)
  WattHours export_{};
};

/// Many times the same step, each at another moment of the poll cycle.
struct StepRecord {
  LoadStep step;
  std::vector<StepFigures> runs;
  /// Grid power every 10 ms from 1 s before the step: smallest, middle and largest of all runs.
  std::vector<double> low, middle, high;
};

/// The median and the largest of a figure over all runs.
struct Spread {
  double p50 = 0.0;
  double worst = 0.0;
};
[[nodiscard]] Spread spread(const std::vector<StepFigures>& runs,
                            const std::function<double(const StepFigures&)>& figure);

/// At a constant load, for two minutes.
struct Stationary {
  Watts load{};
  Watts import{};     ///< mean of what is imported
  Watts export_{};    ///< mean of what is exported
  Watts deviation{};  ///< standard deviation of the grid power
};

/// Called now and then with the share that is done, 0 to 1.
using OnProgress = std::function<void(double)>;

/// `phases` times the step, spread over the controller's cycle.
[[nodiscard]] StepRecord record_step(const LoopPlant& plant, LoopKind kind, const LoadStep& step,
                                     int phases);
[[nodiscard]] Stationary record_rest(const LoopPlant& plant, LoopKind kind, Watts load);

/// A recorded load, from its first row to its last.
struct TraceFigures {
  WattHours consumed{};
  WattHours import{};
  WattHours export_{};
};
/// Follows the recorded load of one row a second (W) with unlimited power.
[[nodiscard]] TraceFigures follow_trace(const std::vector<double>& load, LoopKind kind,
                                        std::uint64_t seed = 1);
/// What an inverter of unlimited power comes to that does exactly the same `rows` later: the yard-
/// stick for that recorded load.
[[nodiscard]] TraceFigures follow_late(const std::vector<double>& load, std::size_t rows);

/// One plant of the sweep and what became of it.
struct SweepCell {
  WattsPerSecond ramp{};
  Seconds meter_time_constant{};
  Seconds poll{};
  double gain = 1.0;
  Duration meter_delay{};  ///< beyond what the settings say
  std::uint64_t seed = 1;  ///< of its noise, delays and chatter
  double overshoot = 0.0;  ///< the larger of a step up and one down
  Watts peak_to_peak{};    ///< the larger, from 30 s after the step
  [[nodiscard]] bool quiet() const { return peak_to_peak <= Watts{40.0}; }
  [[nodiscard]] bool good() const { return overshoot <= 0.15 && quiet(); }
};
/// Ramp {200, 400, 1000, 5000} W/s x meter time constant {0, 0.2, 0.5, 1.0} s x poll {0.1,
/// 0.33, 1.0} s x inverter gain {0.9, 1, 1.1}; every `stride`-th cell. The hub has its default
/// settings.
[[nodiscard]] std::vector<SweepCell> sweep(int stride, const OnProgress& progress,
                                           std::uint64_t seed = 1);
/// Plants of which the settings are wrong in everything: meter later by {0, 150, 300, 500 ms}, its
/// time constant and the ramp {1/3, 1, 3} times, inverter gain {0.9, 1, 1.1}. None may make the hub
/// hunt.
[[nodiscard]] std::vector<SweepCell> wrong_sweep(int stride, const OnProgress& progress,
                                                 std::uint64_t seed = 1);

}  // namespace esshub::sim
