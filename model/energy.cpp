#include "model/energy.hpp"

namespace esshub {

std::string_view name(Flow flow) {
  constexpr std::array<std::string_view, flow_count> names{
      "grid_import", "grid_export", "solar", "load", "battery_charge", "battery_discharge"};
  return names.at(static_cast<std::size_t>(flow));
}

}  // namespace esshub
