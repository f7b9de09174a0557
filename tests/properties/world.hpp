// A world of faults and orders for the control: random events in, one tick at a time.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "control/step.hpp"

namespace esshub::properties {

/// What can happen between two ticks. `value` from 0 to 1 is scaled to what the event needs.
enum class Happening : std::uint8_t {
  residual,  ///< loads minus sun on the grid side
  solar,
  ac_out,
  soc,        ///< anywhere at once: a recalibration
  soc_drift,  ///< a point up or down
  pack_voltage,
  battery_current,
  cvl,
  ccl,
  dcl,
  protections,
  requests,
  grid_source,  ///< alive or silent
  bms_source,
  inverter_source,
  inverter_state,
  mains,
  follows,  ///< whether the inverter does what it acknowledges
  late,     ///< the next tick comes late
  overrun,
  components_failing,
  stopping,
  clock,  ///< the minute of the week, trusted or not
  manual,
  dispatch,
  storm,
  reserve,
  mode,
  cutoff_reset,
};
constexpr std::size_t happening_count = static_cast<std::size_t>(Happening::cutoff_reset) + 1;

struct Event {
  unsigned ticks_before = 1;
  Happening what{};
  double value = 0.0;
};
std::ostream& operator<<(std::ostream& out, const Event& event);

/// Everything about one tick that an invariant may speak of.
struct Seen {
  Decision decision;
  Watts before{};  ///< battery power of the tick before
  Duration passed{};
  bool known = false;  ///< there was a tick before
};

class World {
 public:
  explicit World(control::Settings chosen) : settings(chosen) {}

  void happen(Happening what, double value);
  /// Time passes, the living sources report, the control decides, the inverter acts.
  Seen tick();

  control::Settings settings;
  control::Memory memory;
  control::Memory memory_before;  ///< as the last tick found it
  Snapshot snapshot;
  Orders orders;
  Instant now = Instant{} + 1000s;
  LocalTime local{.minute_of_day = 720, .weekday = 1, .trusted = true};
  bool stopping = false;
  bool overrun = false;
  bool components_failing = false;
  double soc = 50.0;

  /// The inputs of the last tick, for deciding it again.
  [[nodiscard]] control::Inputs inputs() const {
    return {.settings = settings,
            .snapshot = snapshot,
            .now = now,
            .local = local,
            .stopping = stopping,
            .overrun = overrun,
            .components_failing = components_failing,
            .orders = orders};
  }

 private:
  void put(Point point, Measure measure, double value) {
    snapshot.absorb({{point, measure}, value, now});
  }
  void report();

  double residual_w_ = 0.0;
  double solar_w_ = 0.0;
  double ac_out_w_ = 0.0;
  double inverter_w_ = 0.0;
  double setpoint_w_ = 0.0;
  double pack_v_ = 50.0;
  double battery_a_ = 0.0;
  double cvl_v_ = 53.2;
  double ccl_a_ = 50.0;
  double dcl_a_ = 50.0;
  std::uint32_t protections_ = 0;
  std::uint32_t requests_ = 3;
  static constexpr auto connected = static_cast<double>(InverterStatus::grid_connected);
  double status_ = connected;
  double mains_v_ = 230.0;
  bool grid_alive_ = true;
  bool bms_alive_ = true;
  bool inverter_alive_ = true;
  bool follows_ = true;
  Duration extra_{};
  Decision last_;
  bool ticked_ = false;
};

}  // namespace esshub::properties
