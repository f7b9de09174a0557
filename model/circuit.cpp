#include "model/circuit.hpp"

namespace esshub {

std::string_view name(CircuitRole role) {
  return enum_name(role);
}

}  // namespace esshub
