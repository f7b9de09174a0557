// View -> (service, path, value): the tree that Venus clients know, for D-Bus and MQTT alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "model/published_values.hpp"

namespace esshub::publish {

/// What a map on the bus may hold: `b`, `i`, `d` and `s`.
using VenusEntry = std::variant<bool, std::int32_t, double, std::string_view>;
using VenusMap = std::vector<std::pair<std::string_view, VenusEntry>>;

/// The kinds of value on the bus: `i`, `d`, `s`, and the `aa{sv}` of the system's /Batteries.
using VenusValue = std::variant<std::int32_t, double, std::string_view, std::vector<VenusMap>>;

struct VenusRow {
  std::string_view service;         ///< class: "grid", "battery", ...
  std::string_view path;            ///< "/Ac/L1/Power"
  std::optional<VenusValue> value;  ///< nothing = invalid: unknown or stale
  std::optional<ValueId> id{};      ///< the published value it is, if it is one
};

/// Always the same rows in the same order. Units as Venus has them: SI, but energy in kWh and
/// temperature in degC. Signs: grid + = import, pvinverter + = production, battery and vebus DC +
/// = charging, vebus ActiveIn + = into the inverter. reference: venus-dbus-mqtt#2 and
/// venus-dbus-mqtt#3.
[[nodiscard]] std::vector<VenusRow> venus_tree(const View& view);

}  // namespace esshub::publish
