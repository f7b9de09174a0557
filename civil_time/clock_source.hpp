// Whether the wall clock can be trusted, by its source.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "model/plan.hpp"
#include "model/time.hpp"

namespace esshub::civil_time {

/// As the configuration says.
enum class ClockSource : std::uint8_t {
  ntp,     ///< the kernel, which a time server keeps right
  rtc,     ///< or the machine's battery-backed clock
  manual,  ///< or whoever sets it by hand, after every power cycle if need be
};

/// What is known of the wall clock at a moment.
struct ClockStatus {
  WallTime wall{};
  bool synchronised = false;                           ///< the kernel's word
  std::optional<std::chrono::seconds> ahead_of_rtc{};  ///< nothing: no RTC that answers
  Duration since_boot{};
};

/// A clock that shows a time before this program was written is trusted by no source but the
/// kernel's word. The RTC is trusted while the wall clock differs from it by no more than a minute
/// and what two crystals may drift apart (200 ppm), a quarter of an hour at most.
[[nodiscard]] bool is_trusted(ClockSource source, const ClockStatus& status);

}  // namespace esshub::civil_time
