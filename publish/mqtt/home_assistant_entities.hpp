// The tables behind Home Assistant's entities: one row each.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/order_limits.hpp"
#include "model/view.hpp"

namespace esshub::publish {

/// A link that can be down while the hub is up: what hangs on it is unavailable then.
struct HaSource {
  std::string_view id;
  std::string_view name;
  bool (*reachable)(const View&);
};

/// An entity that shows something. Empty texts are left out.
struct HaEntity {
  std::string_view id;
  std::string_view platform;  ///< "sensor", "binary_sensor"
  std::string_view name;
  std::string_view device_class;
  std::string_view unit;
  std::string_view state_class;
  std::string_view source;  ///< id of an HaSource; empty = the hub itself
  bool diagnostic;
  std::optional<std::string> (*state)(const View&);
  std::string_view options;  ///< of an enum, separated by commas
};

/// An entity that changes something. Its state is an HaEntity-like text of the View, or of what was
/// set (`state` null).
struct HaControl {
  std::string_view id;
  std::string_view platform;  ///< "select", "number", "switch", "button"
  std::string_view name;
  std::optional<OrderLimitId> limit;  ///< of a number: unit, range and step
  std::string_view options;           ///< of a select, separated by commas
  std::optional<std::string> (*state)(const View&);
};

[[nodiscard]] std::span<const HaSource> ha_sources();
[[nodiscard]] std::span<const HaEntity> ha_entities();
[[nodiscard]] std::span<const HaControl> ha_controls();

}  // namespace esshub::publish
