// Driver: the one interface a bus implements. Pure: no thread, no socket, no clock.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "model/decision.hpp"
#include "model/event.hpp"
#include "model/health.hpp"
#include "model/sample.hpp"
#include "protocol/bytes.hpp"

namespace esshub::protocol {

/// Maximum age of a value that is read once in `period`: one reading may fail.
[[nodiscard]] constexpr Duration max_age_of(Duration period) {
  return std::max(default_max_age, period * 5 / 2);
}

/// What a driver wants done after it was given something.
struct Step {
  std::vector<Sample> samples;     ///< measured since the last step
  std::vector<Bytes> send;         ///< frames for the line, in order
  std::optional<Instant> wake_at;  ///< replaces any earlier wake-up; nothing = keep the earlier one
  std::vector<Event> events;       ///< worth a log line
  std::optional<std::uint32_t> baud;  ///< change the line speed before `send` (serial lines only)
  bool reopen = false;                ///< the line is beyond help: close it and open it again
  /// A setpoint that a new grid reading has changed is in `send` for the first time: that reading's
  /// stamp (Setpoint::based_on).
  std::optional<Instant> setpoint_written;

  void add(Channel channel, double value, Instant at, Duration max_age = default_max_age) {
    samples.push_back({channel, value, at, max_age});
  }
  /// `detail` as in Event.
  void tell(Level level, std::string name, std::string detail = {}) {
    events.push_back({level, std::move(name), std::move(detail)});
  }
};

class Driver {
 public:
  virtual ~Driver() = default;
  /// The line has (re)opened. All device state is unknown.
  virtual Step on_start(Instant now) = 0;
  /// Bytes arrived; `now` is when the last of them did.
  virtual Step on_bytes(std::span<const std::byte> bytes, Instant now) = 0;
  /// A wake-up; may come late or twice: compare with now.
  virtual Step on_timer(Instant now) = 0;
  /// A new command. The newest wins, nothing queues, nothing is sent past its valid_until.
  virtual Step on_setpoint(const Setpoint&, Instant) { return {}; }
  /// The line is gone. Forget everything; ask for nothing.
  virtual void on_down(Instant now) = 0;
  [[nodiscard]] virtual const DriverHealth& health() const = 0;
  /// It asks nothing for now, so that silence says nothing about the line.
  [[nodiscard]] virtual bool only_listens() const { return false; }
};

}  // namespace esshub::protocol
