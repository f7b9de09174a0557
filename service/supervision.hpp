// Supervision: which part of the hub is started again and when, what is stuck, and whether the
// watchdog is fed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "model/event.hpp"
#include "model/time.hpp"

namespace esshub::service {

/// The state of the hub's own parts, as the control must know it.
struct ComponentsState {
  bool stuck = false;      ///< one died or is silent: Fault::actor_stuck
  bool hold_safe = false;  ///< one dies again and again: stay at the safe setpoint
  friend bool operator==(const ComponentsState&, const ComponentsState&) = default;
};

/// Safety contract F11. Single-threaded and pure: the supervisor says what happened and does what
/// comes back.
/// - A part that dies is started again: after 0.5 s, doubling to 30 s for those that die often.
///   More than 3 deaths of a vital one within an hour hold the safe setpoint until the hour is
///   clean.
/// - A vital part silent for 5 s is stuck.
/// - The watchdog is fed only after a heartbeat of the control that says its last tick was in time,
///   and while no vital part is stuck or dead.
class Supervision {
 public:
  using PartId = std::size_t;  ///< counted as added

  /// `vital`: the battery rests while it is silent or keeps dying.
  PartId add(std::string name, bool vital);

  /// The first start; after a death look() asks for it.
  void on_started(PartId id, Instant now);
  void on_death(PartId id, Instant now);
  void on_heartbeat(PartId id, Instant now) { parts_[id].heard_at = now; }
  /// The control's: `healthy` when its last tick came in its own period.
  void on_control_heartbeat(PartId id, bool healthy, Instant now);

  /// What is due now.
  struct Due {
    std::vector<PartId> start;  ///< taken as started
    std::vector<PartId> end;    ///< stuck: to be told to end as soon as it moves again
  };
  /// To be called twice a second, or more often.
  [[nodiscard]] Due look(Instant now);
  /// True once after each healthy heartbeat, while all is well.
  [[nodiscard]] bool feed_watchdog();
  [[nodiscard]] ComponentsState state() const;
  /// True once: with the first healthy heartbeat.
  [[nodiscard]] bool became_ready();
  /// Those since the last call, of component "supervisor".
  [[nodiscard]] std::vector<Event> take_events();

  [[nodiscard]] const std::string& name(PartId id) const { return parts_[id].name; }
  [[nodiscard]] std::uint32_t restarts(PartId id) const { return parts_[id].restarts; }

 private:
  struct Part {
    std::string name;
    bool vital = false;
    bool alive = false;
    std::optional<Instant> start_at{};  ///< restart due
    Instant heard_at{};                 ///< newest heartbeat, or its start
    bool stuck = false;
    std::uint32_t restarts = 0;
    Duration backoff{};
    std::deque<Instant> deaths{};  ///< within the last hour
  };
  [[nodiscard]] bool all_well() const;
  void note(Level level, std::string event, std::string detail);
  void note_hold();
  void evaluate(PartId id, Instant now, Due& due);

  std::vector<Part> parts_;
  std::vector<Event> events_;
  bool ready_ = false;
  bool ready_reported_ = false;
  bool healthy_since_feed_ = false;
  bool holding_ = false;
};

}  // namespace esshub::service
