// The hub's own drivers and control against the plant, in virtual time: days in seconds, no thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "control/policy/mark_table.hpp"
#include "control/policy/price_table.hpp"
#include "control/step.hpp"
#include "control/tick.hpp"
#include "model/view.hpp"
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
  control::StepFunction controller = &control::step;  ///< another one for comparison
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

  /// What the hub before this one remembered; before the first run().
  void restore(const SafetyMemory& safety) { tick_.restore(safety); }

  /// The hub stands still (SIGSTOP, a paused machine) while plant and wires go on.
  void stall(Duration time) { plant_.advance_to(plant_.now() + time); }

  [[nodiscard]] const Decision& decision() const { return tick_.decision(); }
  [[nodiscard]] const Snapshot& snapshot() const { return tick_.snapshot(); }
  /// The decision's and the buses'.
  [[nodiscard]] FaultSet faults() const { return tick_.faults(); }
  [[nodiscard]] const DriverHealth& health(Bus bus) const {
    return lines_[static_cast<std::size_t>(bus)].driver->health();
  }
  [[nodiscard]] const std::vector<Event>& events() const { return events_; }
  /// Samples the newest decision took over, in the order of their arrival.
  [[nodiscard]] std::span<const Sample> taken() const { return arrivals_.taken(); }
  /// Without one it is noon of a Monday for ever.
  void set_clock(Clock clock) { clock_ = std::move(clock); }
  // In force with the next decision.
  void set_plan(const control::MarkTable& plan) { tick_.set_plan(plan); }
  void set_prices(const control::PriceTable& prices) { tick_.set_prices(prices); }
  /// As of the last decision, without the buses' health; `wall` is the same moment.
  [[nodiscard]] View view(WallTime wall) const { return tick_.view(wall); }
  /// As SIGTERM does: from the next tick on the safe setpoint.
  void stop() { tick_.begin_stop(plant_.now()); }
  /// As control::Tick::stopped().
  [[nodiscard]] std::optional<bool> stopped() const { return tick_.stopped(); }

 private:
  struct Line {
    Bus bus;
    std::unique_ptr<protocol::Driver> driver;
    std::optional<Instant> wake_at{};
    bool up = true;  ///< its adapter is plugged in
  };
  /// What the drivers have measured since the last decision.
  struct Arrivals {
    std::vector<Sample> samples;
    std::size_t read = 0;

    bool pop(Sample& sample) {
      if (read == samples.size()) return false;
      sample = samples[read++];
      return true;
    }
    [[nodiscard]] std::span<const Sample> taken() const { return std::span(samples).first(read); }
    void forget_taken() {
      samples.erase(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(read));
      read = 0;
    }
  };
  void follow_plug(Line& line, Instant now);
  void take(Line& line, protocol::Step step, Instant now);
  [[nodiscard]] LocalTime local(Instant now) const;
  void tick(Instant now, const OnTick& on_tick);

  Plant& plant_;
  ClosedLoopSettings settings_;
  std::array<Line, bus_count> lines_;
  Arrivals arrivals_;
  std::vector<Event> events_;
  control::Tick tick_;
  Instant next_tick_;
  std::uint64_t missed_ = 0;  ///< periods, by the newest tick
  Clock clock_;
};

}  // namespace esshub::sim
