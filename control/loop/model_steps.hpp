// The models of inverter and meters step by step: basic arithmetic only, so the same on any
// machine.
#pragma once

#include <algorithm>
#include <array>

#include "control/loop/loop_model.hpp"

namespace esshub::control {

constexpr Duration model_step = 10ms;

/// How much of the way to its input a first-order low-pass goes in `dt` (one implicit Euler step).
[[nodiscard]] constexpr double filter_gain(Duration dt, Seconds time_constant) {
  const double h = Seconds{dt}.count();
  return h / (time_constant.count() + h);
}

/// Step by step along one path; what depends on the step's length alone is worked out only when
/// that changes.
class InverterSteps {
 public:
  explicit InverterSteps(const InverterResponse& how) : how_(how) {}

  /// Where the inverter is after `dt`, at most model_step, on its way to `setpoint` (W at AC-in).
  [[nodiscard]] Watts next(Watts power, Watts setpoint, Duration dt) {
    if (dt != dt_) {
      dt_ = dt;
      share_ = filter_gain(dt, how_.time_constant);
      reach_ = how_.ramp * Seconds{dt};
    }
    const Watts to = power + (how_.settled(setpoint) - power) * share_;
    return power + std::clamp(to - power, -reach_, reach_);
  }

 private:
  InverterResponse how_;
  Duration dt_{};
  double share_ = 0.0;
  Watts reach_{};
};

/// The same for what some meters show.
template <std::size_t count>
class MeterSteps {
 public:
  explicit MeterSteps(const std::array<Seconds, count>& time_constants)
      : time_constants_(time_constants) {}

  void advance(std::array<Watts, count>& shown, Watts power, Duration dt) {
    if (dt != dt_) {
      dt_ = dt;
      for (std::size_t i = 0; i < count; ++i) shares_[i] = filter_gain(dt, time_constants_[i]);
    }
    for (std::size_t i = 0; i < count; ++i) shown[i] += (power - shown[i]) * shares_[i];
  }

 private:
  std::array<Seconds, count> time_constants_;
  Duration dt_{};
  std::array<double, count> shares_{};
};

/// Every meter of the candidates and last the `identified` one, as in Metered.
[[nodiscard]] inline std::array<Seconds, meter_time_constants.size() + 1> all_meters(
    Seconds identified) {
  std::array<Seconds, meter_time_constants.size() + 1> time_constants;
  for (std::size_t i = 0; i < meter_time_constants.size(); ++i)
    time_constants[i] = Seconds{meter_time_constants[i]};
  time_constants.back() = identified;
  return time_constants;
}

}  // namespace esshub::control
