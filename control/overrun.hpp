// OverrunWatch: does the control keep its periods? (safety contract F10)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "model/time.hpp"

namespace esshub::control {

/// max(300 ms, 3 periods): a longer gap between two decisions is a stall, and a setpoint of before
/// it has had its time.
[[nodiscard]] Duration longest_gap(Duration period);

/// Told of every tick. Active from the tick that comes more than longest_gap() after the one
/// before, or once more than 10 % of the periods of the last 6 s were missed; until the last 6 s
/// have seen less than 2 % missed and no gap between two ticks over 100 ms (2 periods where that is
/// longer). Never allocates.
class OverrunWatch {
 public:
  /// `period`: in force from the next wait on; `missed`: periods skipped since the tick before.
  void on_tick(Instant now, Duration period, std::uint64_t missed);
  /// As of the newest tick.
  [[nodiscard]] bool active() const { return active_; }
  /// The gap that ended within the last second, where it was too long and the hub's values from
  /// before it still say something (10 s); else 0.
  [[nodiscard]] Duration stall() const;

 private:
  struct Loss {
    Instant at{};
    std::uint64_t periods = 0;
  };
  void note(Loss loss);
  void forget(Instant now);

  std::optional<Instant> last_tick_;
  Duration last_period_{};
  std::array<Loss, 300> losses_{};  ///< ring, oldest at first_; every other tick of 10 ms for 6 s
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  std::uint64_t lost_ = 0;            ///< sum of losses_
  std::optional<Instant> uneven_at_;  ///< newest gap over 100 ms
  Duration stalled_{};
  std::optional<Instant> stalled_until_;
  bool active_ = false;
};

}  // namespace esshub::control
