// LoopModel: what the control knows of inverter and meter, and how sure it is of it. Plain data.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "control/loop/meter_model.hpp"
#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub::control {

/// How the inverter follows: power' = (gain x setpoint + offset - power) / time constant, never
/// faster than the ramp.
struct InverterResponse {
  WattsPerSecond ramp{};
  Seconds time_constant{};
  double gain{};   ///< watts it does for each watt it is told
  Watts offset{};  ///< what it does besides

  [[nodiscard]] Watts settled(Watts setpoint) const { return setpoint * gain + offset; }
  friend bool operator==(const InverterResponse&, const InverterResponse&) = default;
};

/// Ramps and time constants of the inverter that are compared with each other.
constexpr std::array<double, 10> inverter_ramps{100,  200,  300,  400,  700,
                                                1000, 1600, 2500, 5000, 15000};  // W/s
constexpr std::array<double, 4> inverter_time_constants{0.02, 0.1, 0.25, 0.5};   // s

struct LoopModel {
  struct Command {
    Instant from{};  ///< acts from here on
    Watts power{};   ///< at AC-in
  };
  struct GridReading {
    Instant taken{};
    Watts power{};
  };
  static constexpr std::size_t depth = 16;

  // The inverter as it measured itself, up to its newest measurement; later is prediction.
  std::optional<Instant> known_at;
  Watts known{};
  Watts known_move{};                   ///< by which known changed last
  Metered metered{};                    ///< of known
  MeteredPast past;                     ///< of metered
  std::array<Command, depth> commands;  ///< acknowledged, ring, newest at command_count - 1
  std::size_t command_count = 0;
  std::optional<Instant> acknowledged_at;  ///< newest acknowledgement taken into account

  // The load
  std::optional<Instant> grid_at;   ///< newest grid sample taken into account
  std::optional<Watts> residual;    ///< grid power if the inverter drew nothing
  std::optional<Instant> moved_at;  ///< the inverter still moved, or the load
  Watts trim{};                     ///< slow integral against a steady grid error

  // Identified
  std::optional<Seconds> meter_time_constant;
  Seconds meter_delay{};                     ///< beyond that of the settings
  std::optional<InverterResponse> inverter;  ///< what is not known of it is of the settings
  bool pace_known = false;                   ///< its ramp and time constant
  bool gain_known = false;
  std::array<GridReading, depth> pending;  ///< taken after known_at
  std::size_t unjudged_count = 0;
  struct Judged {
    Instant at{};
    Watts grid{};
    bool known = false;  ///< where the inverter was
    ByMeter<Watts> residual{};
    ByMeter<Watts> load{};  ///< residual with the meter's time constant undone
    bool active = false;    ///< the inverter's moves told the meters apart
  };
  std::optional<Judged> evaluated;
  /// While the inverter's moves tell the meters apart: what each makes of the load, W of up and
  /// down. It counts once all of them agree on the load again.
  struct Window {
    Instant from{};
    ByMeter<double> cost{};
    double as_read = 0.0;  ///< the same of the meter itself
  };
  std::optional<Window> window;
  ByMeter<double> meter_cost{};   ///< W, of the windows so far
  ByMeter<double> meter_noise{};  ///< W a reading when nothing moves
  std::array<double, inverter_ramps.size() * inverter_time_constants.size()>
      response_cost{};       ///< W
  double model_error = 0.0;  ///< W, mean |measured - predicted| inverter power
  double grid_mean = 0.0;    ///< W, mean |grid| of about the last minute
};

}  // namespace esshub::control
