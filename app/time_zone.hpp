// Zones of this system's database, for what a person reads.
#pragma once

#include <date/tz.h>

#include <string>

namespace esshub::app {

/// Nothing: this system does not know the zone.
[[nodiscard]] const date::time_zone* find_time_zone(const std::string& name);

}  // namespace esshub::app
