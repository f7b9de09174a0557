// EnergyTotals: what has flowed since the hub was installed, for counters and days.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace esshub {

enum class Flow : std::uint8_t {
  grid_import,
  grid_export,
  solar,  ///< generation
  load,   ///< all consumption of the house
  battery_charge,
  battery_discharge,
};
constexpr std::size_t flow_count = static_cast<std::size_t>(Flow::battery_discharge) + 1;
[[nodiscard]] std::string_view name(Flow flow);  ///< "grid_import", ...

/// Never falls. Integrated over current readings only: what flowed while a reading was stale is
/// missing, not guessed.
struct EnergyTotals {
  std::array<double, flow_count> joules{};

  [[nodiscard]] double& operator[](Flow flow) { return joules[static_cast<std::size_t>(flow)]; }
  [[nodiscard]] double operator[](Flow flow) const {
    return joules[static_cast<std::size_t>(flow)];
  }
  friend bool operator==(const EnergyTotals&, const EnergyTotals&) = default;
};

}  // namespace esshub
