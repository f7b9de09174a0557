// What vouches for the wall clock.
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
struct ClockEvidence {
  WallTime wall{};
  bool synchronised = false;                           ///< the kernel's word
  std::optional<std::chrono::seconds> ahead_of_rtc{};  ///< nothing: no RTC that answers
  Duration since_boot{};
};

/// A clock that shows a time before this program was written is vouched for by nobody. By the RTC
/// while it differs by no more than a minute and what two crystals may drift apart (200 ppm), a
/// quarter of an hour at most.
[[nodiscard]] bool is_vouched_for(ClockSource source, const ClockEvidence& evidence);

}  // namespace esshub::civil_time
