// TemperatureHold: which directions the battery's temperature forbids (F28).
#pragma once

#include <optional>

#include "model/units.hpp"

namespace esshub::control {

/// Both ends allowed.
struct TemperatureRange {
  Celsius coldest{};
  Celsius warmest{};
};

/// A direction stops outside its range, at once, and goes on 2 K inside it.
struct TemperatureHold {
  bool charge = false;
  bool discharge = false;
  bool known = false;  ///< the battery tells a temperature
};

/// Without a temperature nothing new is held, and nothing released: the BMS guards it alone.
void hold_temperature(TemperatureHold& hold, std::optional<Celsius> temperature,
                      const TemperatureRange& charge, const TemperatureRange& discharge);

}  // namespace esshub::control
