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
constexpr std::size_t circuit_role_count = static_cast<std::size_t>(CircuitRole::heatpump) + 1;

[[nodiscard]] constexpr std::string_view name(CircuitRole role) {
  switch (role) {
    case CircuitRole::other:
      return "other";
    case CircuitRole::ev:
      return "ev";
    case CircuitRole::heatpump:
      return "heatpump";
  }
  return "?";
}

/// Of Point::circuit1 and its followers; nothing = no meter measures that circuit.
using CircuitRoles = std::array<std::optional<CircuitRole>, max_circuits>;

}  // namespace esshub
