// A loop under test: plant, wires, drivers and a controller, set up for measuring step responses.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "sim/closed_loop.hpp"
#include "sim/plant/plant.hpp"

namespace esshub::sim {

/// Who closes the loop. All but the first are references: the same plant, wires and drivers.
enum class LoopKind : std::uint8_t {
  hub,        ///< control::step with default settings; it is never told the plant
  cycle_1s,   ///< every second: setpoint = inverter power - grid power, as OpenEMS computes it
  cycle_30s,  ///< the same every 30 s, the interval of evcc
  integral,   ///< setpoint -= 2/s x grid power x dt, nothing known of any delay
  /// Knows house and plant, and acts on a load as soon as a reading taken after it is there: what
  /// these wires allow at each moment.
  ideal,
};
inline constexpr std::array loop_kinds{LoopKind::hub, LoopKind::cycle_1s, LoopKind::cycle_30s,
                                       LoopKind::integral, LoopKind::ideal};
[[nodiscard]] std::string_view name(LoopKind kind);  ///< "hub", "1 s cycle", ...

/// What the loop has to do with. The defaults are the nominal plant.
struct LoopPlant {
  Seconds meter_time_constant{0.217};  ///< 1 s to 99 %
  Duration meter_delay{};              ///< besides, unknown to the hub
  Duration turnaround = 45ms;
  Duration gap = 60ms;  ///< between meter transactions
  WattsPerSecond ramp{1000.0};
  Seconds inverter_time_constant{0.1};
  double gain = 1.0;           ///< inverter: what it does for each watt it is commanded
  bool battery_meter = false;  ///< an SDM120 shares the meters' line
  /// Inverter, battery and limits beyond anything asked for.
  bool unlimited = false;
  Profile load;  ///< nothing: what set_load() says
  std::uint64_t seed = 1;
};

/// Seconds from one grid reading to the next when nothing else is asked (8N1 at 9600 baud).
[[nodiscard]] Seconds poll_interval(const LoopPlant& plant);
/// The gap that makes this the interval, for sweeps.
[[nodiscard]] Duration gap_for(Seconds interval, const LoopPlant& plant);
/// From a step to the inverter's answer at the least, where the step comes just after the meter
/// took its values: a poll + answer + write + 10 ms.
[[nodiscard]] Seconds longest_wait(const LoopPlant& plant);
/// The shortest and the longest way of a step to the inverter that moves. Shortest: answer, a
/// tick's remainder of 0, the setpoint written at once. Longest: longest_wait, and besides a turn
/// of the line that another block of the meter has, a control period, and the exchange with the
/// inverter that is under way.
struct WaitRange {
  Seconds shortest{};
  Seconds longest{};
};
[[nodiscard]] WaitRange wait_range(const LoopPlant& plant);
/// Wh imported at the least by a load step of `step` watts:
/// P x (half poll + answer + write + 10 ms + inverter time constant) + P^2 / 2r.
[[nodiscard]] WattHours physical_bound(const LoopPlant& plant, Watts step);

/// Plant and loop together, at half SOC.
class LoopBench {
 public:
  LoopBench(const LoopPlant& plant, LoopKind kind);

  /// Net load: load less solar. Negative values are surplus of the sun.
  void set_net_load(Watts net);
  /// Lets `time` pass in steps of 10 ms; `each` is called after every one.
  template <class F>
  void run(Duration time, F each) {
    for (const Instant end = plant_->now() + time; plant_->now() < end;) {
      loop_->run(resolution);
      each();
    }
  }
  void run(Duration time) { loop_->run(time); }

  [[nodiscard]] Watts grid() const { return plant_->house().truth().grid; }
  [[nodiscard]] Watts battery() const { return plant_->house().inverter_truth().battery_ac; }
  [[nodiscard]] const HouseTruth& truth() const { return plant_->house().truth(); }
  [[nodiscard]] const Decision& decision() const { return loop_->decision(); }
  [[nodiscard]] Instant now() const { return plant_->now(); }

  static constexpr Duration resolution = 10ms;

 private:
  struct Known;  ///< to the ideal loop: the net load at any time
  std::shared_ptr<Known> known_;
  std::unique_ptr<Plant> plant_;
  std::unique_ptr<ClosedLoop> loop_;
};

}  // namespace esshub::sim
