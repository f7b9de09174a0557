// What a configuration may say and surely does not mean.
#pragma once

#include <vector>

#include "config/hub_settings.hpp"

namespace esshub::config {

/// Settings that are allowed but most likely a slip: a share where % is expected, kW for W, cents
/// for the currency, a limit that another one makes void. The keys are those of control::validate.
/// Of the buses' ports see read_buses().
[[nodiscard]] std::vector<control::ValidationError> warnings(const HubSettings& settings);

/// Files named in the settings that this program cannot read, with the reason: certificate, key,
/// CA and password files. Looks at the disk.
[[nodiscard]] std::vector<control::ValidationError> unreadable_files(const HubSettings& settings);

}  // namespace esshub::config
