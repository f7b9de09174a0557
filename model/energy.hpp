// EnergyTotals: what has flowed since the hub was installed, for counters and days.
#pragma once

#include <cstdint>
#include <string_view>

#include "model/enums.hpp"

namespace esshub {

enum class Flow : std::uint8_t {
  grid_import,
  grid_export,
  solar,  ///< generation
  house,  ///< all consumption of the house
  battery_charge,
  battery_discharge,
};
[[nodiscard]] std::string_view name(Flow flow);  ///< "grid_import", ...

/// Never falls. Integrated over current readings only: what flowed while a reading was stale is
/// missing, not guessed.
struct EnergyTotals {
  EnumArray<Flow, double> joules;

  [[nodiscard]] double& operator[](Flow flow) { return joules[flow]; }
  [[nodiscard]] double operator[](Flow flow) const { return joules[flow]; }
  friend bool operator==(const EnergyTotals&, const EnergyTotals&) = default;
};

}  // namespace esshub
