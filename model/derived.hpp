// Values that no device reports but everybody wants to see; nothing while what they need is stale.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "model/view.hpp"

namespace esshub {

/// The decision, unless the control has stopped making them.
[[nodiscard]] inline const Decision* current_decision(const View& view) {
  return view.now - view.decision.at <= view.max_age ? &view.decision : nullptr;
}

/// W, all consumption of the house as the control estimates it.
[[nodiscard]] inline std::optional<double> house_w(const View& view) {
  const auto* decision = current_decision(view);
  if (!decision || !decision->house) return std::nullopt;
  return decision->house->value();
}

/// No outlet looks less often than that (the exporter every 500 ms) and finds a control at work.
constexpr std::chrono::seconds setpoint_shown{1};

/// W at AC-in, + = charging: what is commanded now; nothing while the inverter is released or off.
/// A setpoint lives shorter than the time between two looks, and each decision renews it.
[[nodiscard]] inline std::optional<double> setpoint_w(const View& view) {
  const auto* decision = current_decision(view);
  if (!decision || decision->setpoint.mode != InverterMode::follow ||
      view.now > std::max(decision->setpoint.valid_until, decision->at + setpoint_shown))
    return std::nullopt;
  return decision->setpoint.ac_power.value();
}

/// W at the battery, + = charging: what is commanded now.
[[nodiscard]] inline std::optional<double> battery_command_w(const View& view) {
  if (!setpoint_w(view)) return std::nullopt;
  return view.decision.battery_power.value();
}

/// W, product of two measures of a point.
[[nodiscard]] inline std::optional<double> product(const View& view, Point point, Measure a,
                                                   Measure b) {
  const auto x = view.current(point, a);
  const auto y = view.current(point, b);
  if (!x || !y) return std::nullopt;
  return *x * *y;
}

/// W at the battery's terminals by its BMS, + = charging.
[[nodiscard]] inline std::optional<double> battery_dc_w(const View& view) {
  return product(view, Point::battery, Measure::voltage, Measure::current);
}

/// W, + = charging: the AC side of the battery conversion by the inverter (what a command is
/// measured against), else the battery's own word.
[[nodiscard]] inline std::optional<double> battery_power_w(const View& view) {
  const auto by_inverter = view.current(Point::inverter, Measure::dc_power);
  return by_inverter ? by_inverter : battery_dc_w(view);
}

}  // namespace esshub
