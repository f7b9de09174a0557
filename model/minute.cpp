#include "model/minute.hpp"

#include <chrono>

#include "model/derived.hpp"

namespace esshub {
namespace {

constexpr std::size_t half = 30;  // of a minute's seconds

/// Export is at its cap from so much below it on: what limits a solar inverter stays below it.
constexpr double below_cap = 0.95;
constexpr double below_cap_w = 50.0;
/// Less sun than that is not held back: nobody would know it from the night.
constexpr double some_sun_w = 50.0;

/// It balances the house with all that it wants: what is left of the sun is in the battery.
bool takes_what_is_left(const Decision& decision) {
  if (decision.reasons.empty() || decision.battery_power != decision.proposed) return false;
  const Cause target = decision.reasons.begin()->cause;
  return decision.battery_power > Watts{} &&
         (target == Cause::self_consumption || target == Cause::export_charge);
}

}  // namespace

bool curtailed(const View& view) {
  const auto* decision = current_decision(view);
  const auto grid = view.current(Point::grid, Measure::power);
  const auto solar = view.current(Point::solar, Measure::power);
  if (!decision || !view.export_cap || !grid || !solar || *solar < some_sun_w) return false;
  if (decision->battery_power < Watts{} || takes_what_is_left(*decision)) return false;
  return -*grid >= below_cap * view.export_cap->value() - below_cap_w;
}

void MinuteMeans::Known::add(std::optional<double> value, std::size_t second) {
  mean.add(value);
  if (value) seconds.set(second);
}

bool MinuteMeans::Known::partial() const {
  return seconds.any() && seconds.count() < half;
}

void MinuteMeans::add(const View& view) {
  const auto since = view.wall - std::chrono::floor<std::chrono::minutes>(view.wall);
  const auto second =
      static_cast<std::size_t>(std::chrono::floor<std::chrono::seconds>(since).count());
  grid_.add(view.current(Point::grid, Measure::power));
  battery_.add(battery_power_w(view));
  soc_.add(view.current(Point::battery, Measure::soc));
  solar_.add(view.current(Point::solar, Measure::power), second);
  house_.add(house_w(view), second);
  for (std::size_t i = 0; i < max_circuits; ++i)
    circuits_.at(i).add(view.current(circuit(i), Measure::power), second);
  islanded_ = islanded_ || view.decision.faults.active(Fault::islanded);
  if (curtailed(view)) curtailed_.set(second);
}

Minute MinuteMeans::minute(WallTime begin) const {
  Minute minute{.begin = begin,
                .grid_w = grid_.value(),
                .solar_w = solar_.mean.value(),
                .house_w = house_.mean.value(),
                .battery_w = battery_.value(),
                .soc = soc_.value(),
                .circuits_w = {},
                .curtailed = curtailed_.count() >= half,
                .islanded = islanded_,
                .partial = solar_.partial() || house_.partial()};
  for (std::size_t i = 0; i < max_circuits; ++i) {
    const auto power = circuits_.at(i).mean.value();
    if (!power || circuits_.at(i).partial()) continue;
    minute.circuits_w.resize(i + 1);
    minute.circuits_w[i] = power;
  }
  return minute;
}

}  // namespace esshub
