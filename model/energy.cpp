#include "model/energy.hpp"

namespace esshub {

std::string_view name(Flow flow) {
  return enum_name(flow);
}

}  // namespace esshub
