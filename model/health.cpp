#include "model/health.hpp"

namespace esshub {

std::string_view name(FrameResult result) {
  return enum_name(result);
}

}  // namespace esshub
