// THE TABLE of the control's settings: key, field, unit, range, reload rule and sentence of each.
#pragma once

#include <span>

#include "control/settings.hpp"
#include "model/setting_row.hpp"

namespace esshub::control {

/// Every field of Settings but those that have a section of their own (schedule, tariff) and those
/// that follow from the buses (solar_metered, circuit_roles).
[[nodiscard]] std::span<const SettingRow<Settings>> settings_table();

/// Every field of Tariff but its bands.
[[nodiscard]] std::span<const SettingRow<Tariff>> tariff_table();

}  // namespace esshub::control
