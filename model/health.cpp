#include "model/health.hpp"

namespace esshub {

std::string_view name(FrameResult result) {
  switch (result) {
    case FrameResult::ok:
      return "ok";
    case FrameResult::checksum:
      return "checksum";
    case FrameResult::length:
      return "length";
    case FrameResult::content:
      return "content";
    case FrameResult::exception:
      return "exception";
    case FrameResult::timeout:
      return "timeout";
    case FrameResult::late:
      return "late";
    case FrameResult::resync:
      return "resync";
    case FrameResult::unknown:
      return "unknown";
  }
  return "?";
}

}  // namespace esshub
