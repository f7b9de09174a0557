// What may be ordered at run time: THE TABLE that control, REST, OpenAPI, MQTT and page go by.
#pragma once

#include <cstdint>
#include <string_view>

#include "model/enums.hpp"
#include "model/time.hpp"

namespace esshub {

enum class OrderLimitId : std::uint8_t {
  reserve,
  storm_reserve,
  soc,    ///< target, low and high of an instruction
  power,  ///< of an override; a dispatch may ask for any, the configured limits bound it
  override_length,
  storm_length,
  storm_begin,  ///< from now
  dispatch_length,
};

/// A range, both ends allowed. The configuration may narrow it (SOC floor and ceiling, charge and
/// discharge limit); it never widens it.
struct OrderLimit {
  OrderLimitId id;
  std::string_view name;  ///< with its unit, as REST and the page have it
  double least;           ///< in `unit`, as all numbers here
  double most;
  double step;     ///< of what a person chooses; a program may order what lies between
  double initial;  ///< what is offered, and taken where MQTT says nothing
  std::string_view unit;
  Duration unit_length{};  ///< of a length
};

constexpr EnumTable<OrderLimit> order_limits{{
    {OrderLimitId::reserve, "reserve_percent", 0, 100, 1, 20, "%"},
    {OrderLimitId::storm_reserve, "storm_reserve_percent", 0, 100, 1, 80, "%"},
    {OrderLimitId::soc, "target_percent", 0, 100, 1, 80, "%"},
    {OrderLimitId::power, "power_w", 10, 10000, 10, 1000, "W"},
    {OrderLimitId::override_length, "override_minutes", 1, 7 * 24 * 60, 1, 60, "min", 1min},
    {OrderLimitId::storm_length, "storm_hours", 0.25, 14 * 24, 0.25, 24, "h", 1h},
    {OrderLimitId::storm_begin, "storm_begin_hours", 0, 7 * 24, 0.25, 0, "h", 1h},
    {OrderLimitId::dispatch_length, "dispatch_seconds", 1, 48 * 3600, 1, 900, "s", 1s},
}};

[[nodiscard]] constexpr const OrderLimit& order_limit(OrderLimitId id) {
  return order_limits[id];
}

[[nodiscard]] constexpr bool allows(const OrderLimit& limit, double value) {
  return value >= limit.least && value <= limit.most;  // refuses NaN too
}

/// Of a length: `value` of its unit.
[[nodiscard]] constexpr Duration length_of(const OrderLimit& limit, double value) {
  return as_duration(limit.unit_length * value);
}
[[nodiscard]] constexpr Duration shortest(OrderLimitId id) {
  return length_of(order_limit(id), order_limit(id).least);
}
[[nodiscard]] constexpr Duration longest(OrderLimitId id) {
  return length_of(order_limit(id), order_limit(id).most);
}

}  // namespace esshub
