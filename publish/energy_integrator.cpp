#include "publish/energy_integrator.hpp"

#include <algorithm>
#include <cmath>

namespace esshub::publish {
namespace {

/// W and when they were measured, while current.
std::optional<Reading<double>> reading_of(const View& view, Point point, Measure measure) {
  if (!view.current(point, measure)) return std::nullopt;
  return view.snapshot.raw(point, measure);
}

/// As battery_power_w of derived.hpp, with its moment.
std::optional<Reading<double>> battery_reading(const View& view) {
  if (const auto by_inverter = reading_of(view, Point::inverter, Measure::dc_power))
    return by_inverter;
  const auto volts = reading_of(view, Point::battery, Measure::voltage);
  const auto amperes = reading_of(view, Point::battery, Measure::current);
  if (!volts || !amperes) return std::nullopt;
  return Reading<double>{volts->value * amperes->value, std::max(volts->at, amperes->at),
                         std::min(volts->max_age, amperes->max_age)};
}

std::optional<Reading<double>> house_reading(const View& view) {
  const auto& decision = view.decision;
  if (!decision.house || view.now - decision.at > view.max_age) return std::nullopt;
  return Reading<double>{decision.house->value(), decision.at, view.max_age};
}

struct Areas {
  double above = 0.0;
  double below = 0.0;
};

/// J above and below zero of a straight line from `a` to `b` watts.
Areas areas(double a, double b, double seconds) {
  if (a >= 0.0 && b >= 0.0) return {(a + b) / 2 * seconds, 0.0};
  if (a <= 0.0 && b <= 0.0) return {0.0, -(a + b) / 2 * seconds};
  const double until_zero = seconds * a / (a - b);
  const double first = std::abs(a) * until_zero / 2;
  const double second = std::abs(b) * (seconds - until_zero) / 2;
  return a > 0.0 ? Areas{first, second} : Areas{second, first};
}

}  // namespace

void EnergyIntegrator::update(View& view) {
  count(Power::grid, reading_of(view, Point::grid, Measure::power),
        {Flow::grid_import, Flow::grid_export});
  count(Power::solar, reading_of(view, Point::solar, Measure::power), {Flow::solar, std::nullopt});
  count(Power::house, house_reading(view), {Flow::house, std::nullopt});
  count(Power::battery, battery_reading(view), {Flow::battery_charge, Flow::battery_discharge});
  view.energies = totals_;
}

void EnergyIntegrator::count(Power power, const std::optional<Reading<double>>& reading,
                             Flows flows) {
  auto& last = last_[power];
  if (!reading || !std::isfinite(reading->value)) {
    last.reset();
    return;
  }
  if (last && reading->at <= last->at) return;
  if (last && reading->at - last->at <= reading->max_age) {
    const auto [above, below] =
        areas(last->value, reading->value, Seconds(reading->at - last->at).count());
    totals_[flows.forward] += above;
    if (flows.reverse) totals_[*flows.reverse] += below;
  }
  last = reading;
}

}  // namespace esshub::publish
