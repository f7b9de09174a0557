#include "model/vebus.hpp"

namespace esshub {

std::string_view name(VebusState state) {
  return enum_name(state);
}

std::string_view name(VebusChargeState state) {
  return state == VebusChargeState::float_ ? "float" : enum_name(state);
}

std::string_view name(VebusAlarm alarm) {
  return enum_name(alarm);
}

}  // namespace esshub
