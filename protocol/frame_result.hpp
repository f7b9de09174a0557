// How drivers count what went wrong, and how often they tell it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "model/health.hpp"
#include "protocol/decode_error.hpp"

namespace esshub::protocol {

/// The counter of frames that were not accepted for a reason of this kind.
[[nodiscard]] constexpr FrameResult result_of(DecodeErrorKind kind) {
  switch (kind) {
    case DecodeErrorKind::length:
      return FrameResult::length;
    case DecodeErrorKind::checksum:
      return FrameResult::checksum;
    case DecodeErrorKind::exception:
      return FrameResult::exception;
    case DecodeErrorKind::content:
      return FrameResult::content;
    case DecodeErrorKind::address:
    case DecodeErrorKind::function:
    case DecodeErrorKind::unsupported:
      return FrameResult::unknown;
  }
  return FrameResult::unknown;
}

/// What to say of a device whose responses come `by` after it was given up, having been waited for
/// as long as the setting response_timeout says.
[[nodiscard]] inline std::string late_response(Duration by, Duration response_timeout) {
  const auto ms = [](Duration time) {
    return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(time).count()) + " ms";
  };
  return "answers come " + ms(by) + " late: raise response_timeout (now " + ms(response_timeout) +
         ")";
}

/// Of repeated trouble the first and every hundredth is told. `count` includes the present one.
[[nodiscard]] constexpr bool is_log_due(std::uint64_t count) {
  return count == 1 || count % 100 == 0;
}

}  // namespace esshub::protocol
