// How drivers count what went wrong, and how often they tell it.
#pragma once

#include <cstdint>

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

/// Of repeated trouble the first and every hundredth is told. `count` includes the present one.
[[nodiscard]] constexpr bool is_log_due(std::uint64_t count) {
  return count == 1 || count % 100 == 0;
}

}  // namespace esshub::protocol
