// One direction of a serial wire: bytes enter at a time and arrive paced at the baud rate.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "model/time.hpp"
#include "protocol/bytes.hpp"
#include "sim/plant/fault.hpp"
#include "sim/plant/rng.hpp"

namespace esshub::sim {

struct WireSettings {
  std::uint32_t baud = 9600;         ///< 0: no pacing
  unsigned bits_per_character = 10;  ///< 8N1
  /// A receiver that hands over bytes while more are coming (a USB adapter's latency timer).
  Duration latency = 16ms;
};

class Wire {
 public:
  Wire(const WireSettings& settings, std::uint64_t seed) : settings_(settings), dice_(seed) {}

  /// Bytes handed to the sender at `now`; they start when those before them have left.
  void push(protocol::ByteView bytes, Instant now);
  /// All bytes whose last bit has arrived at or before `now`, in order.
  [[nodiscard]] protocol::Bytes pop(Instant now);
  /// When it is worth calling pop(): the end of the first burst under way, or the latency timer.
  [[nodiscard]] std::optional<Instant> next() const { return next_; }
  /// Affects bytes pushed from now on; `off` and `unplug` also lose those under way.
  void set_fault(const BusFault& fault);
  /// The speeds the two ends are set to. What is sent at another speed than the receiver's arrives
  /// as garbage, at the sender's pace. For wires with a speed only.
  void set_speeds(std::uint32_t sender, std::uint32_t receiver);

 private:
  struct Flying {
    std::byte byte;
    Instant at;  ///< when its last bit has arrived
    bool ends_burst;
  };
  void find_next();
  [[nodiscard]] protocol::Bytes damaged(protocol::ByteView bytes);
  [[nodiscard]] protocol::Bytes garbled(protocol::ByteView bytes);

  WireSettings settings_;
  Rng dice_;
  BusFault fault_;
  bool garbled_ = false;  ///< the two ends run at different speeds
  std::deque<Flying> flying_;
  std::optional<Instant> next_;  ///< asked far more often than it changes
};

}  // namespace esshub::sim
