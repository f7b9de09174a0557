// Supervision: which part of the hub is started again and when, what is stuck and in which call,
// and whether the watchdog is fed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/event.hpp"
#include "model/time.hpp"

namespace esshub::service {

/// The state of the hub's own parts, as the control must know it.
struct ComponentsState {
  bool stuck = false;      ///< one is dead, stuck, or the hold stands: Fault::actor_stuck
  bool hold_safe = false;  ///< the hold stands, or a vital part is stuck: the safe setpoint
  friend bool operator==(const ComponentsState&, const ComponentsState&) = default;
};

/// What supervision remembers over a restart of the program (I12).
struct SupervisionMemory {
  struct Part {
    std::string name;
    std::vector<Instant> deaths;  ///< of the last hour, oldest first
    friend bool operator==(const Part&, const Part&) = default;
  };
  std::vector<Part> parts;  ///< those that died
  std::optional<Instant> hold_until;
  friend bool operator==(const SupervisionMemory&, const SupervisionMemory&) = default;
};

/// Safety contract F11. Single-threaded and pure: the supervisor says what happened and does what
/// comes back. Each part is a thread that counts a heartbeat.
/// - One that dies is started again: after 0.5 s, doubling with each death of the last hour up to
///   30 s. Meanwhile it is dead, not silent.
/// - One that is silent for 5 s is stuck. It is named with the system call it is in, and never
/// ended
///   or replaced: it goes on when it can.
/// - The watchdog starves for what only a new process can mend: a control that is silent, or a bus
///   that is silent, in no call that hangs, and has burnt 2.5 s of CPU since its last heartbeat.
///   That counts as a death of the part, for the program's end follows.
/// - More than 3 deaths of one vital part (control, vital buses) within an hour: the hold, until an
///   hour went by without a death of a vital part, or the owner's acknowledge().
/// What it could not see does not count as silence: a stop of the whole process, a machine asleep.
class Supervision {
 public:
  using PartId = std::size_t;  ///< counted as added
  enum class Role : std::uint8_t {
    control,    ///< exactly one
    vital_bus,  ///< of the grid meter, the battery or the inverter
    bus,
    publisher,
  };

  /// What a thread says of itself.
  struct Beat {
    std::uint64_t count = 0;  ///< heartbeats so far; one more than last time: it lives
    std::string call{};       ///< the system call it is in, "open"; empty: none
    Duration call_age{};      ///< for how long
    Duration cpu{};           ///< CPU time of the thread so far
  };

  PartId add(std::string name, Role role);
  /// What an earlier run remembered, after add() and before the first look(). Of parts that are no
  /// more: ignored.
  void restore(const SupervisionMemory& memory);

  /// The first start; after a death look() asks for it.
  void on_started(PartId id, Instant now);
  void on_death(PartId id, Instant now);
  /// Of every living part before every look().
  void on_beat(PartId id, const Beat& beat, Instant now);

  /// Those to be started now; they are taken as started. To be called twice a second, or more
  /// often.
  [[nodiscard]] std::vector<PartId> look(Instant now);
  /// True once after each heartbeat of the control, and while it waits for its restart; false while
  /// the watchdog is to starve.
  [[nodiscard]] bool feed_watchdog();
  [[nodiscard]] ComponentsState state() const;
  /// True once: with the first heartbeat of the control.
  [[nodiscard]] bool became_ready();
  /// The owner's word: ends the hold, forgets the deaths, and starts at the next look() what waits.
  void acknowledge(Instant now);

  /// What is to outlive the program, once after each change.
  [[nodiscard]] std::optional<SupervisionMemory> saved();
  /// Those since the last call, of component "supervisor".
  [[nodiscard]] std::vector<Event> take_events();
  /// For a person: what is wrong with which part, as of the last look(); empty when all is well.
  [[nodiscard]] std::string trouble() const;

  [[nodiscard]] const std::string& name(PartId id) const { return parts_[id].name; }
  [[nodiscard]] std::uint32_t restarts(PartId id) const { return parts_[id].restarts; }

 private:
  struct Part {
    std::string name;
    Role role;
    bool alive = false;
    std::optional<Instant> start_at{};  ///< restart due
    Instant heard_at{};                 ///< newest heartbeat, or its start
    Beat newest{};
    std::optional<Duration> cpu_then{};  ///< its CPU time at heard_at
    bool stuck = false;
    bool starves = false;  ///< the watchdog
    std::uint32_t restarts = 0;
    std::vector<Instant> deaths{};  ///< of the last hour

    [[nodiscard]] bool vital() const { return role == Role::control || role == Role::vital_bus; }
    [[nodiscard]] bool in_call() const;
    [[nodiscard]] Duration burnt() const;
  };
  void evaluate(Part& part, Instant now);
  void count_death(Part& part, Instant now);
  void discount_unseen(Instant now);
  [[nodiscard]] std::string trouble(const Part& part) const;
  [[nodiscard]] SupervisionMemory memory() const;
  void note(Level level, std::string event, std::string detail);

  std::vector<Part> parts_;
  std::vector<Event> events_;
  std::optional<Instant> looked_at_;
  std::optional<Instant> hold_until_;
  SupervisionMemory saved_;
  bool ready_ = false;
  bool ready_reported_ = false;
  bool control_beat_ = false;  ///< since the watchdog was fed
};

}  // namespace esshub::service
