// The hub's own drivers and control against the plant, in virtual time: days in seconds, no thread.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "control/plausibility_filter.hpp"
#include "control/step.hpp"
#include "protocol/driver.hpp"
#include "protocol/modbus/driver.hpp"
#include "protocol/pylontech/can_driver.hpp"
#include "protocol/vebus/driver.hpp"
#include "sim/plant/plant.hpp"

namespace esshub::sim {

struct ClosedLoopSettings {
  control::Settings control;
  protocol::ModbusConfig meters;
  protocol::PylontechConfig battery;
  protocol::VebusConfig inverter;
  /// Decides in the place of control::step, for comparison; nothing: the hub's own control.
  std::function<Decision(const control::Inputs&)> controller;
};

/// Settings of the hub that fit the plant's own wiring: SDM630 at unit 1 (L1 grid, L2 solar, L3
/// spare) and SDM120 at unit 244, SLCAN, one MultiPlus.
[[nodiscard]] ClosedLoopSettings fitting_settings();

/// Owns the drivers and the control; the plant is the caller's, who may change it between runs.
class ClosedLoop {
 public:
  /// Called after every decision of the control.
  using OnTick = std::function<void(const Decision&, const Snapshot&)>;
  /// Civil time at the site, asked once a tick.
  using Clock = std::function<LocalTime(Duration since_start)>;

  ClosedLoop(Plant& plant, ClosedLoopSettings settings);

  /// Lets `time` pass for plant, wires, drivers and control together.
  void run(Duration time, const OnTick& on_tick = {});

  [[nodiscard]] const Decision& decision() const { return decision_; }
  [[nodiscard]] const Snapshot& snapshot() const { return snapshot_; }
  [[nodiscard]] const DriverHealth& health(Bus bus) const {
    return lines_[static_cast<std::size_t>(bus)].driver->health();
  }
  [[nodiscard]] const std::vector<Event>& events() const { return events_; }
  /// Samples the newest tick took over, in the order of their arrival.
  [[nodiscard]] const std::vector<Sample>& taken() const { return taken_; }
  control::Settings& settings() { return settings_.control; }
  /// Without one it is noon of a Monday for ever.
  void set_clock(Clock clock) { clock_ = std::move(clock); }
  /// As SIGTERM does: from the next tick on the safe setpoint.
  void stop() { stopping_ = true; }

 private:
  struct Line {
    Bus bus;
    std::unique_ptr<protocol::Driver> driver;
    std::optional<Instant> wake_at;
    bool up = true;  ///< its adapter is plugged in
  };
  void follow_plug(Line& line, Instant now);
  void take(Line& line, protocol::Step step, Instant now);
  [[nodiscard]] Instant next_look(Instant now) const;
  void tick(Instant now);

  Plant& plant_;
  ClosedLoopSettings settings_;
  std::array<Line, bus_count> lines_;
  std::vector<Sample> queue_;  ///< since the last tick
  std::vector<Sample> taken_;
  std::vector<Event> events_;
  control::PlausibilityFilter plausibility_filter_;
  Snapshot snapshot_;
  control::Memory memory_;
  Decision decision_;
  Instant next_tick_;
  Clock clock_;
  std::optional<Instant> look_at_;  ///< a new grid reading is acted on then
  bool stopping_ = false;
};

}  // namespace esshub::sim
