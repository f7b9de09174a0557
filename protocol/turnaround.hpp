// Learns how long a device takes to begin its responses, and how long it is worth waiting for one.
#pragma once

#include <array>
#include <cstddef>

#include "model/time.hpp"

namespace esshub::protocol {

/// Keeps the last 200 turnarounds: from the last bit of a request to the first of its response,
/// with whatever adapters and schedulers add on the way.
class Turnaround {
 public:
  void add(Duration time);

  [[nodiscard]] bool known() const { return size_ >= enough; }
  /// 99 of 100 recent responses began within it; zero before the first.
  [[nodiscard]] Duration p99() const { return p99_; }
  /// How long a response is waited for: p99 and half as much again, at least 20 ms more, within
  /// [50 ms, most]; `most` until known().
  [[nodiscard]] Duration limit(Duration most) const;

 private:
  static constexpr std::size_t enough = 20;
  std::array<Duration, 200> recent_{};
  std::size_t size_ = 0;
  std::size_t next_ = 0;
  Duration p99_{};
};

}  // namespace esshub::protocol
