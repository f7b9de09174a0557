// Reads the plan of the week: [[schedule]] and [[tariff.band]].
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/setting_reader.hpp"
#include "control/settings.hpp"

namespace esshub::config {

/// Where the parts stand that control::validate may blame, by its keys ("schedule 2").
using PolicyPlaces = std::map<std::string, Place>;

/// Needs the limits of `control`, which it adds to; what is wrong is added to the sections' errors.
/// An entry with an error of its own is left out.
[[nodiscard]] PolicyPlaces read_policy(Sections& sections, control::Settings& control);

}  // namespace esshub::config
