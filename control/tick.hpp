// Tick: one tick of the control - drain, judge, step - and what is kept from tick to tick. The only
// one: the hub's control thread and the simulator both run it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/memory.hpp"
#include "control/overrun.hpp"
#include "control/plausibility_filter.hpp"
#include "control/settings.hpp"
#include "control/step.hpp"
#include "model/decision.hpp"
#include "model/snapshot.hpp"
#include "model/time.hpp"
#include "model/view.hpp"

namespace esshub::control {

using StepFunction = std::function<Decision(const Inputs&, Memory&)>;

/// When a tick runs.
struct TickTime {
  Instant now{};
  LocalTime local{};
  Duration lateness{};       ///< how long after its deadline it woke
  std::uint64_t missed = 0;  ///< periods skipped since the tick before
};

/// Single-threaded, deterministic. Only the constructor, set_settings() and set_fault() allocate.
///
/// `Sources` are what the samples come from: a range of objects with `bool pop(Sample&)`, false
/// when there is none.
class Tick {
 public:
  /// `buses`: how many there are.
  Tick(Settings settings, std::size_t buses, StepFunction step);

  // What is set between ticks; in force with the next decision.
  /// The faults that bus number `bus` (from 0) has now; of an unknown bus: ignored.
  void set_bus_faults(std::size_t bus, FaultFlags faults);
  void set_settings(const Settings& settings) { settings_ = settings; }
  void set_orders(const Orders& orders) { orders_ = orders; }
  void set_plan(const MarkTable& plan) { plan_ = plan; }
  void set_prices(const PriceTable& prices) { prices_ = prices; }
  /// A fault of neither a bus nor the control, raised or cleared by `by`; the same fault raised by
  /// others stays.
  void set_fault(const std::string& by, Fault fault, bool active);
  /// An actor is stuck or died; or they die so often that only the safe setpoint is left.
  void set_components(bool stuck, bool hold_safe, Instant now);
  /// What the control before this one remembered (I12); before the first run().
  void restore(const SafetyMemory& safety) { memory_.restore(safety); }
  /// From the next decision on: safe setpoint, until stopped() answers.
  void begin_stop(Instant now);

  /// One tick, once a period: drains the sources, decides and counts. Missed periods hold the safe
  /// setpoint (OverrunWatch).
  template <class Sources>
  const Decision& run(Sources& sources, const TickTime& time) {
    count(time);
    Sample sample{};
    // Bounded, so that a flooded bus cannot hold the tick.
    for (auto& source : sources)
      for (int n = 0; n < most_samples && source.pop(sample); ++n) take(sample);
    return decide(time.now, time.local);
  }
  /// What became of the tick that ran: `handover` after its deadline the setpoint was handed over,
  /// and all its work took `duration`.
  void record(Duration handover, Duration duration);

  /// Nothing: keep ticking. True: the inverter acknowledged a setpoint of the stop (within 1 W,
  /// newer than the stop), or it is known to hold none. False: 2 s went by without.
  [[nodiscard]] std::optional<bool> stopped() const { return stopped_; }

  [[nodiscard]] const Decision& decision() const { return decision_; }
  [[nodiscard]] const Snapshot& snapshot() const { return snapshot_; }
  /// As of the last decision: its own, the buses' and those set from outside.
  [[nodiscard]] FaultSet faults() const;
  /// Everything as of the last decision, with faults() in the decision's place, but the buses;
  /// `wall` is the wall clock's now.
  [[nodiscard]] View view(WallTime wall) const;
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const TickStats& stats() const { return stats_; }

 private:
  static constexpr int most_samples = 5000;  ///< of a source at once; more than a queue holds

  void count(const TickTime& time);
  void take(Sample sample);
  const Decision& decide(Instant now, LocalTime local);
  [[nodiscard]] bool any_bus_has(Fault fault) const;
  void merge_faults(Instant now);
  void watch_stop(Instant now, bool followed_before);
  [[nodiscard]] bool controllable(Instant now) const;
  [[nodiscard]] bool may_hold_setpoint(Instant now) const;

  Settings settings_;
  Orders orders_;
  MarkTable plan_;
  PriceTable prices_;
  LocalTime local_;
  StepFunction step_;
  Memory memory_{};
  PlausibilityFilter plausibility_filter_;
  Snapshot snapshot_;
  Decision decision_;
  std::vector<FaultFlags> bus_faults_;
  FaultSet other_faults_;  ///< the buses', those set from outside and actor_stuck
  std::vector<std::pair<std::string, Fault>> set_faults_;  ///< who, what
  TickStats stats_;
  OverrunWatch overrun_;
  bool hold_safe_ = false;

  struct Stop {
    Instant since;
    bool controlled;  ///< there is an inverter that must acknowledge
    bool begun;
    std::array<Watts, 256> commanded;  ///< the newest setpoints of the stop, as a ring: 2 s of them
    std::size_t count;
  };
  std::optional<Stop> stop_;
  std::optional<bool> stopped_;
};

}  // namespace esshub::control
