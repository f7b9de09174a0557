// Reads what the battery shall do and when: [policy], [[schedule]], [tariff] and [[tariff.band]].
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/table_reader.hpp"
#include "control/settings.hpp"

namespace esshub::config {

/// Where the parts stand that control::validate may blame, by its keys ("schedule 2").
using PolicyPlaces = std::map<std::string, Place>;

/// Needs the limits of `control`; what is wrong is added to `errors`. An entry with a mistake of
/// its own is left out.
[[nodiscard]] PolicyPlaces read_policy(TableReader& top, control::Settings& control,
                                       std::vector<ConfigError>& errors);

}  // namespace esshub::config
