// What was true in the simulated house lately: the yardstick for samples.
#pragma once

#include <deque>
#include <optional>

#include "model/sample.hpp"
#include "sim/plant/house.hpp"

namespace esshub::sim {

/// Remembers the last seconds of every quantity that buses report.
class TruthHistory {
 public:
  /// Call every tick, before its samples are judged.
  void remember(const House& house, Instant now);

  /// Whether the sample lies within what was true in the last 2 s (a meter's filter and a round of
  /// polls) and `delay` before, widened by the quantity's band: 20 W, 2 V, 2 A, SOC 1 %, flags and
  /// states exact. Quantities without a truth in the simulator always do.
  [[nodiscard]] bool explains(const Sample& sample, Duration delay) const;

 private:
  struct Moment {
    Instant at;
    MeterTruth main;
    MeterTruth line;
    BatteryTruth battery;
    InverterTruth inverter;
    double setpoint;
  };
  [[nodiscard]] static std::optional<double> value(const Moment& moment, Channel channel);

  std::deque<Moment> moments_;
};

}  // namespace esshub::sim
