// Loads a time zone by name from the system's tzdata.
#pragma once

#include <string>

#include "civil_time/zone.hpp"
#include "model/result.hpp"

namespace esshub::config {

/// `name` is an IANA name, such as Europe/London. Reads the zone's file now, so that nobody has to
/// later. The Error says that the name is unknown, or that the system has no tzdata; UTC
/// needs none.
[[nodiscard]] Result<civil_time::Zone> load_time_zone(const std::string& name);

}  // namespace esshub::config
