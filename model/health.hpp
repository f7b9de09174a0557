// Health of a bus: what its driver and its line count and know of themselves.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/fault.hpp"
#include "model/time.hpp"

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
constexpr std::size_t frame_result_count = static_cast<std::size_t>(FrameResult::unknown) + 1;
[[nodiscard]] std::string_view name(FrameResult result);

struct FrameCounters {
  std::array<std::uint64_t, frame_result_count> count{};
  void add(FrameResult result) { ++count[static_cast<std::size_t>(result)]; }
  [[nodiscard]] std::uint64_t operator[](FrameResult result) const {
    return count[static_cast<std::size_t>(result)];
  }
};

/// What a driver knows of its bus.
struct DriverHealth {
  bool ready = false;          ///< handshake done, values flow
  std::optional<Fault> fault;  ///< a fault only the driver can see (bus contended, ESS missing)
  std::string trouble;         ///< why it is not ready, for a person; empty when ready
  FrameCounters frames;
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
