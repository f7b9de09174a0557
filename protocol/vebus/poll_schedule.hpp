// Which reading of the inverter is next, and whether a setpoint may come before it.
#pragma once

#include <array>

#include "protocol/vebus/task.hpp"

namespace esshub::protocol::vebus {

/// How often each reading is due. The wire has room for two or three of these a second besides
/// power readings and setpoints; under a restless target all periods but the first stretch by the
/// same factor, about 1.4.
constexpr Duration mains_period = 750ms;  ///< never stretched: mains loss must not wait
constexpr Duration leds_period = 1200ms;
constexpr Duration record_check_period = 1500ms;
constexpr Duration heartbeat_period = 2s;  ///< a reset interface is seen by its mode byte
constexpr Duration device_state_period = 6s;
constexpr Duration battery_period = 9s;  ///< only where RAM is read one value at a time
constexpr Duration keep_flags_period = 15s;
constexpr Duration input_period = 30s;  ///< may hold the line for most of a second

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
  void timed_out(Task task, Instant now);
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

  std::array<Periodic, 7> periodic_{{
      {Task::mains, mains_period, {}},
      {Task::leds, leds_period, {}},
      {Task::heartbeat, heartbeat_period, {}},
      {Task::device_state, device_state_period, {}},
      {Task::input, input_period, {}},
      {Task::battery, battery_period, {}},
      {Task::keep_flags, keep_flags_period, {}},
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
