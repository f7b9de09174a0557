// Health of a bus: what its driver and its line count and know of themselves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/fault.hpp"
#include "model/histogram.hpp"
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
  WireHistogram round_trip;           ///< from writing a request to its whole answer
  Duration wire_busy{};               ///< time the wire carried bits, both ways, so far
  std::vector<DeviceTiming> devices;  ///< those whose pace is learned
  /// Of the inverter, as it tells it: 2648556 is version 556 of type 2648.
  std::optional<std::uint32_t> firmware;
};

/// The whole bus: driver and line.
struct BusHealth {
  std::string bus;  ///< its name in the configuration
  bool line_up = false;
  std::uint32_t reopens = 0;   ///< times the line was opened again after a loss
  std::uint32_t restarts = 0;  ///< times the actor was restarted
  std::uint64_t queue_dropped = 0;
  /// Times what had come was thrown away, for the bus's thread had not looked at its port.
  std::uint64_t discards = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  /// From the arrival of a grid reading to the setpoint frame it changed being written to the
  /// port; empty but of the inverter's bus.
  WireHistogram setpoint_latency;
  DriverHealth driver;
};

}  // namespace esshub
