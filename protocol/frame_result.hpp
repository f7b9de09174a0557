// How drivers count what went wrong, and how often they tell it.
#pragma once

#include <cstdint>

#include "model/health.hpp"
#include "model/result.hpp"

namespace esshub::protocol {

/// The counter of frames that were not accepted for a reason of this kind.
[[nodiscard]] constexpr FrameResult result_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::length:
      return FrameResult::length;
    case ErrorKind::checksum:
      return FrameResult::checksum;
    case ErrorKind::exception:
      return FrameResult::exception;
    case ErrorKind::content:
      return FrameResult::content;
    case ErrorKind::address:
    case ErrorKind::function:
    case ErrorKind::unsupported:
      return FrameResult::unknown;
  }
  return FrameResult::unknown;
}

/// Of repeated trouble the first and every hundredth is told. `count` includes the present one.
[[nodiscard]] constexpr bool is_log_due(std::uint64_t count) {
  return count == 1 || count % 100 == 0;
}

}  // namespace esshub::protocol
