// Health of a bus: what its driver and its line count and know of themselves.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/fault.hpp"
#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub {

/// What became of a frame or a request; label `result` of esshub_bus_frames_total.
enum class FrameResult : std::uint8_t {
  ok,
  checksum,   ///< CRC or checksum wrong
  length,     ///< not the length it should have
  content,    ///< impossible value
  exception,  ///< refused by the device
  timeout,    ///< no answer
  late,       ///< an answer to a request already given up
  resync,     ///< bytes skipped to find the next frame (counted per byte run)
  unknown,    ///< well-formed, not known
};
[[nodiscard]] std::string_view name(FrameResult result);

struct FrameCounters {
  EnumArray<FrameResult, std::uint64_t> count;
  void add(FrameResult result) { ++count[result]; }
  [[nodiscard]] std::uint64_t operator[](FrameResult result) const { return count[result]; }
};

/// Histogram of the time from writing a request to its whole answer, in fixed buckets.
struct RoundTrip {
  static constexpr std::array<double, 11> bounds_seconds{0.01, 0.025, 0.05, 0.075, 0.1, 0.15,
                                                         0.2,  0.3,   0.5,  1.0,   2.0};
  std::array<std::uint64_t, bounds_seconds.size() + 1> buckets{};  ///< not cumulative; last = above
  double sum_seconds = 0.0;

  void add(Duration time) {
    const double seconds = Seconds(time).count();
    std::size_t i = 0;
    while (i < bounds_seconds.size() && seconds > bounds_seconds[i]) ++i;
    ++buckets[i];
    sum_seconds += seconds;
  }
  [[nodiscard]] std::uint64_t count() const {
    std::uint64_t all = 0;
    for (const auto n : buckets) all += n;
    return all;
  }
};

/// What a driver has learned of one device's pace.
struct DeviceTiming {
  std::string device;     ///< its name in the configuration
  Duration turnaround{};  ///< 99 of 100 recent answers began within it
  Duration limit{};       ///< how long its next answer is waited for
};

/// What a driver knows of its bus.
struct DriverHealth {
  bool ready = false;   ///< handshake done, values flow
  FaultFlags faults;    ///< those only the driver can see (bus contended, ESS missing)
  std::string trouble;  ///< why it is not ready, for a person; empty when ready
  FrameCounters frames;
  RoundTrip round_trip;
  Duration wire_busy{};               ///< time the wire carried bits, both ways, so far
  std::vector<DeviceTiming> devices;  ///< those whose pace is learned
};

/// The whole bus: driver and line.
struct BusHealth {
  std::string bus;  ///< its name in the configuration
  bool line_up = false;
  std::uint32_t reopens = 0;   ///< times the line was opened again after a loss
  std::uint32_t restarts = 0;  ///< times the actor was restarted
  std::uint64_t queue_dropped = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  DriverHealth driver;
};

}  // namespace esshub
