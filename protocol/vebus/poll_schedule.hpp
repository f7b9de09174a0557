// Which reading of the inverter is next, and whether a setpoint may come before it.
#pragma once

#include <array>

#include "protocol/vebus/task.hpp"

namespace esshub::protocol::vebus {

/// Power readings alternate with the rest, and each of the rest has its period. A new setpoint
/// waits for the transaction under way and for no other, unless setpoints have kept the line until
/// something else is owed.
class PollSchedule {
 public:
  /// The handshake is over: everything is due.
  void start(Instant now);
  /// `with_record`: the header of the ESS record is there to be checked; `with_battery`: battery
  /// voltage and current do not come with that check.
  [[nodiscard]] Task next(Instant now, bool with_record, bool with_battery) const;
  /// False: a change of the setpoint has to let one reading go first.
  [[nodiscard]] bool leaves_room_for_setpoint(Instant now) const;

  void asked(Task poll, Instant now);
  void wrote_setpoint(bool large_change, Instant now);
  void not_answered(Task task, Instant now);
  /// Told without being asked for, which saves asking.
  void heard_input(Instant now) { postpone(Task::input, now); }
  void check_record_again(Instant now) { record_check_due_ = now; }

 private:
  struct Periodic {
    Task task;
    Duration every;
    Instant due{};
  };
  void postpone(Task task, Instant now);
  [[nodiscard]] bool power_is_owed(Instant now) const;
  [[nodiscard]] bool rest_is_owed(Instant now) const;

  // The wire has room for two or three of these a second besides power readings and setpoints;
  // under a restless target all periods stretch by the same factor, about 1.4.
  std::array<Periodic, 7> periodic_{{
      {Task::mains, 750ms, {}},  // never stretched: mains loss must not wait
      {Task::leds, 1200ms, {}},
      {Task::heartbeat, 2000ms, {}},  // a reset interface is seen by its mode byte
      {Task::device_state, 6s, {}},
      {Task::input, 30s, {}},   // may hold the line for most of a second
      {Task::battery, 9s, {}},  // only where RAM is read one value at a time
      {Task::keep_flags, 15s, {}},
  }};
  Instant record_check_due_{};
  Task last_poll_ = Task::snapshot;
  unsigned polls_since_write_ = 0;
  bool power_read_since_write_ = false;
  bool spare_write_ = false;  // one may follow another although something is owed
  Instant power_read_at_{};   // asked for
  Instant moved_at_{};        // a large change was written
};

}  // namespace esshub::protocol::vebus
