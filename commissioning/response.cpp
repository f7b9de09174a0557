#include "commissioning/response.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "commissioning/robust_fit.hpp"
#include "commissioning/steps.hpp"

namespace esshub::commissioning {
namespace {

constexpr double chip = Seconds{chip_length}.count();
constexpr double step = 0.05;        // s, at which readings are looked between
constexpr double late_enough = 2.2;  // s after an order the answer is there
constexpr double slope_over = 0.6;   // s: longer than two readings of the inverter are apart
constexpr std::size_t fewest = 4;    // steps that a figure rests on

struct Order {
  double at;     ///< s
  double power;  ///< W
  double ends;   ///< s
};

/// The changes of what was ordered, each until the next.
std::vector<Order> orders_of(const Track& commanded) {
  std::vector<Order> orders;
  for (const auto& entry : commanded.entries()) {
    if (!orders.empty() && orders.back().power == entry.power) {
      orders.back().ends = entry.at + chip;
      continue;
    }
    if (!orders.empty()) orders.back().ends = entry.at;
    orders.push_back({entry.at, entry.power, entry.at + chip});
  }
  return orders;
}

/// Every `step` from one moment up to another, s.
std::vector<double> moments(double from, double until) {
  std::vector<double> all;
  for (int i = 0; from + step * i < until; ++i) all.push_back(from + step * i);
  return all;
}

/// Median of a quantity once the answer to each order is there.
std::optional<double> settled(const Track& track, const std::vector<Order>& orders, bool moved) {
  std::vector<double> values;
  for (const auto& order : orders) {
    if ((order.power != 0.0) != moved) continue;
    for (const double t : moments(order.at + late_enough, order.ends))
      if (const auto value = track.at(t)) values.push_back(*value);
  }
  if (values.size() < 10) return std::nullopt;
  return median(values);
}

struct Answer {
  double dead;   ///< s
  double slope;  ///< W/s
};
std::optional<Answer> answer_to(const Track& inverter, const Order& order, double swing) {
  const auto before = inverter.at(order.at);
  if (!before) return std::nullopt;
  std::optional<double> begins;
  double slope = 0.0;
  for (const double t : moments(order.at, order.ends)) {
    const auto value = inverter.at(t);
    const auto later = inverter.at(t + slope_over);
    if (!value) continue;
    if (!begins && std::abs(*value - *before) > 0.1 * swing) begins = t - order.at;
    if (later) slope = std::max(slope, std::abs(*later - *value) / slope_over);
  }
  if (!begins || !(slope > 0.0)) return std::nullopt;
  return Answer{std::max(*begins - 0.1 * swing / slope, 0.0), slope};
}

void measure_losses(const Measured& measured, Instant zero, const std::vector<Order>& orders,
                    Findings& findings) {
  const Track dc{measured.battery_dc, zero};
  const Track ac{measured.conversion, zero};
  if (const auto resting = settled(dc, orders, false)) findings.loss_resting = Watts{-*resting};
  const auto dc_moved = settled(dc, orders, true);
  const auto ac_moved = settled(ac, orders, true);
  if (dc_moved && ac_moved) findings.loss_discharging = Watts{*ac_moved - *dc_moved};
}

}  // namespace

void measure_response(const Measured& measured, Findings& findings) {
  if (measured.inverter.empty()) return;
  const Instant zero = measured.inverter.front().at;
  const Track inverter{measured.inverter, zero};
  const auto orders = orders_of(Track{measured.commanded, zero});
  const auto resting = settled(inverter, orders, false);
  const auto moved = settled(inverter, orders, true);
  if (!resting || !moved) return;
  const double swing = std::abs(*moved - *resting);
  findings.swing = Watts{swing};
  measure_losses(measured, zero, orders, findings);

  std::vector<double> dead;
  std::vector<double> slopes;
  for (std::size_t i = 1; i < orders.size(); ++i)
    if (const auto answer = answer_to(inverter, orders[i], swing)) {
      dead.push_back(answer->dead);
      slopes.push_back(answer->slope);
    }
  if (dead.size() < fewest) return;
  findings.dead = Seconds{median(dead)};
  findings.ramp = WattsPerSecond{median(slopes)};
}

}  // namespace esshub::commissioning
