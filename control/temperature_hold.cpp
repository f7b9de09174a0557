#include "control/temperature_hold.hpp"

#include <cmath>

#include "control/latch.hpp"

namespace esshub::control {
namespace {

constexpr Celsius hysteresis{2.0};

bool held(bool before, Celsius temperature, const TemperatureRange& range) {
  const bool inside =
      temperature >= range.coldest + hysteresis && temperature <= range.warmest - hysteresis;
  return latch(before, temperature < range.coldest || temperature > range.warmest, inside);
}

}  // namespace

void hold_temperature(TemperatureHold& hold, std::optional<Celsius> temperature,
                      const TemperatureRange& charge, const TemperatureRange& discharge) {
  hold.known = temperature && std::isfinite(temperature->value());
  if (!hold.known) return;
  hold.charge = held(hold.charge, *temperature, charge);
  hold.discharge = held(hold.discharge, *temperature, discharge);
}

}  // namespace esshub::control
