// ReadThrottle: how much of what a line offers may be read now, and whether it offers too much.
#pragma once

#include <chrono>
#include <cstddef>

namespace esshub::transport {

/// A token bucket at 1.5 times what the wire can carry. Pure: time is an argument, and never runs
/// backwards. What is not read stays in the kernel.
class ReadThrottle {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  /// `wire_rate`: bytes a second at most, as they are read.
  explicit ReadThrottle(double wire_rate);
  void set_wire_rate(double wire_rate);
  /// As new: a full bucket, no flood.
  void reset(Instant now);

  /// Bytes that may be read now. A full bucket holds half a second's, and at least as much as the
  /// kernel keeps of a tty that nobody read for a while.
  [[nodiscard]] std::size_t allowance(Instant now);
  void took(std::size_t bytes, Instant now);
  /// When there is enough in the bucket for a read that is worth it; not after `now`: already.
  [[nodiscard]] Instant next_read(Instant now);

  /// More than the wire can carry was read in each of three fifths of a second one after the other;
  /// over after 10 s of normal ones. Known at every took(), and in silence whenever asked.
  [[nodiscard]] bool flooded(Instant now);

 private:
  void refill(Instant now);
  void close_slices(Instant now);

  double wire_rate_;
  double tokens_;
  Instant refilled_{};
  Instant slice_begin_{};
  double slice_bytes_ = 0;
  int over_ = 0;    ///< slices in a row with more than the wire can carry
  int normal_ = 0;  ///< slices in a row without
  bool flooded_ = false;
};

}  // namespace esshub::transport
