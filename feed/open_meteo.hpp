// Open-Meteo's irradiance on a plane of panels, as the power it gives.
#pragma once

#include <string_view>

#include "feed/wanted.hpp"

namespace esshub::feed {

struct Panels {
  double peak_w = 0.0;       ///< at 1000 W/m2
  double efficiency = 0.85;  ///< of what is left at the AC side: heat, cables, inverter
};

/// `global_tilted_irradiance` of quarters or, without these, of hours: the mean of the time
/// *before* each moment. A moment is UTC, as text or in seconds since 1970; null is unknown. A
/// model's negative irradiance is 0.
[[nodiscard]] Result<Feed> open_meteo(std::string_view document, const Panels& panels,
                                      const Wanted& wanted);

}  // namespace esshub::feed
