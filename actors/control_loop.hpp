// ControlLoop: what one control tick does, without the thread that ticks it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/sample_queue.hpp"
#include "control/memory.hpp"
#include "control/plausibility_filter.hpp"
#include "control/settings.hpp"
#include "control/step.hpp"
#include "model/decision.hpp"
#include "model/health.hpp"
#include "model/snapshot.hpp"
#include "model/time.hpp"
#include "model/view.hpp"

namespace esshub::actors {

using StepFunction = Decision (*)(const control::Inputs&, control::Memory&);

/// A bus as the control sees it.
struct ControlSource {
  std::string bus;
  std::shared_ptr<SampleQueue> queue;
};

/// Single-threaded. tick() allocates nothing; view() does.
class ControlLoop {
 public:
  ControlLoop(control::Settings settings, std::vector<ControlSource> sources, StepFunction step);

  // What is heard between ticks.
  void hear(const BusHealth& health);
  void hear(const control::Settings& settings) { settings_ = settings; }
  void hear(const Orders& orders) { orders_ = orders; }
  /// A fault of neither a bus nor the control, raised or cleared by `by`; others of the same kind
  /// stay.
  void set_fault(const std::string& by, Fault fault, bool active);
  /// An actor is stuck or died; or they die so often that only the safe setpoint is left.
  void set_components(bool stuck, bool hold_safe, Instant now);
  /// From the next tick on: safe setpoint, until stopped() answers.
  void begin_stop(Instant now);

  /// Drains the queues, steps, and counts. `lateness`: how long after its deadline the tick woke.
  /// `missed`: periods skipped since the tick before; three in a row hold the safe setpoint until
  /// 60 ticks came in time.
  const Decision& tick(Instant now, Duration lateness, std::uint64_t missed, LocalTime local);

  /// Between two ticks: takes in what has arrived. True: a grid reading is among it that no
  /// decision has seen yet.
  [[nodiscard]] bool look();
  /// Decides on what has been taken in, without counting as a tick.
  const Decision& decide(Instant now, LocalTime local);

  /// Nothing: keep ticking. True: the inverter acknowledged a setpoint of the stop (within 1 W,
  /// newer than the stop), or none was being controlled. False: 2 s went by without.
  [[nodiscard]] std::optional<bool> stopped() const { return stopped_; }

  /// Everything as of the last tick, the buses' own faults merged into the decision's; `wall` is
  /// the wall clock's now.
  [[nodiscard]] View view(WallTime wall) const;
  [[nodiscard]] Duration period() const { return settings_.period; }
  [[nodiscard]] const TickStats& stats() const { return stats_; }

 private:
  void drain();
  void note_missed(std::uint64_t missed);
  void watch_stop(Instant now, bool followed_before);
  [[nodiscard]] bool controllable(Instant now) const;

  control::Settings settings_;
  Orders orders_;
  LocalTime local_;
  std::vector<ControlSource> sources_;
  StepFunction step_;
  control::Memory memory_{};
  control::PlausibilityFilter plausibility_filter_;
  Snapshot snapshot_;
  Decision decision_;
  std::optional<Instant> decided_grid_;  ///< stamp of the grid reading decided on last
  std::vector<BusHealth> buses_;
  FaultSet own_faults_;  ///< the drivers', the tellers' and actor_stuck
  std::vector<std::pair<std::string, Fault>> told_faults_;
  TickStats stats_;
  bool hold_safe_ = false;

  std::uint64_t missed_in_a_row_ = 0;
  bool overrun_ = false;
  unsigned clean_ticks_ = 0;

  struct Stop {
    Instant since;
    bool controlled = false;  ///< there is an inverter that must acknowledge
    bool begun = false;
    std::array<Watts, 64> commanded{};  ///< the newest setpoints of the stop, as a ring
    std::size_t count = 0;
  };
  std::optional<Stop> stop_;
  std::optional<bool> stopped_;
};

}  // namespace esshub::actors
