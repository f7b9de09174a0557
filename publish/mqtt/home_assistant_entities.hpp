// The tables behind Home Assistant's entities: one row each.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/order_limits.hpp"
#include "model/published_values.hpp"
#include "publish/mqtt/outlook.hpp"

namespace esshub::publish {

/// A link that can be down while the hub is up: what hangs on it is unavailable then.
struct HaSource {
  std::string_view id;
  std::string_view name;
  bool (*reachable)(const View&);
};

/// A published value as an entity: its id, name, unit and platform come from the value. Empty texts
/// are left out.
struct HaEntity {
  ValueId id;
  std::string_view device_class;
  std::string_view source;  ///< id of an HaSource; empty = the hub itself
  bool diagnostic;
  std::string_view options;  ///< of an enum, separated by commas

  [[nodiscard]] std::string_view platform() const;     ///< "sensor" or "binary_sensor"
  [[nodiscard]] std::string_view state_class() const;  ///< "measurement", "total_increasing"
  /// Of a price with the house's currency: "GBP/kWh".
  [[nodiscard]] std::string unit(const HouseFacts& house) const;
  /// False: this house can never have it.
  [[nodiscard]] bool exists(const HouseFacts& house) const;
  /// As the value's decimals say, time in minutes, ON or OFF; nothing while it is not current.
  [[nodiscard]] std::optional<std::string> state(const View& view) const;
};

/// A sensor of what no View holds (publish/mqtt/outlook.hpp), or of a moment.
struct HaOutlookEntity {
  enum class Kind : std::uint8_t { energy, money, price, percent, text, moment };
  std::string_view id;
  std::string_view name;
  Kind kind;
  bool (*exists)(const HouseFacts&);
  /// Nothing while it is not known.
  std::optional<std::string> (*state)(const View&, const Outlook&);

  [[nodiscard]] std::string_view device_class() const;
  [[nodiscard]] std::string_view state_class() const;
  [[nodiscard]] std::string unit(const HouseFacts& house) const;
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
[[nodiscard]] std::span<const HaOutlookEntity> ha_outlook_entities();
[[nodiscard]] std::span<const HaControl> ha_controls();

}  // namespace esshub::publish
