// Circuit: what hangs on a further metered circuit, so that rules and people can tell them apart.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "model/sample.hpp"

namespace esshub {

enum class CircuitRole : std::uint8_t {
  other,
  ev,        ///< a charging point for electric vehicles
  heatpump,  ///< a heat pump
};

[[nodiscard]] std::string_view name(CircuitRole role);  ///< "other", ...

/// Of Point::circuit1 and its followers; nothing = no meter measures that circuit.
using CircuitRoles = std::array<std::optional<CircuitRole>, max_circuits>;

}  // namespace esshub
