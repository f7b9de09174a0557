#include "sim/plant/house.hpp"

#include <cmath>
#include <numbers>

namespace esshub::sim {
namespace {

/// A slow wander of the public grid, -1 to 1.
double wander(Duration t, double period_seconds) {
  return std::sin(2.0 * std::numbers::pi * Seconds{t}.count() / period_seconds);
}

MeterSettings quiet(MeterSettings settings) {
  settings.power_noise = Watts{};
  return settings;
}

}  // namespace

House::House(const HouseSettings& settings)
    : settings_(settings),
      dice_(settings.seed),
      battery_(settings.battery),
      inverter_(settings.inverter),
      grid_(settings.meter),
      solar_(settings.meter),
      spare_(quiet(settings.meter)),
      inverter_line_(settings.meter) {}

Mains House::mains() const {
  if (!truth_.grid_on) return {Volts{}, Hertz{}};
  const auto t = truth_.since_start;
  const double drop = truth_.grid.value() / 230.0 * settings_.line_ohm;
  return {Volts{230.0 + 1.5 * wander(t, 600.0) + 0.7 * wander(t, 47.0) - drop},
          Hertz{50.0 + 0.02 * wander(t, 90.0)}};
}

void House::count(Duration time) {
  const Hours dt{time};
  const auto split = [dt](Watts power, WattHours& forward, WattHours& reverse) {
    (power > Watts{} ? forward : reverse) += abs(power) * dt;
  };
  split(truth_.grid, truth_.import, truth_.export_);
  truth_.absolute += abs(truth_.grid) * dt;
  if (abs(truth_.grid) > grid_band) truth_.outside += time;
  truth_.served += (truth_.load + truth_.ac_out) * dt;
  truth_.not_served += truth_.unserved * dt;
  truth_.generated += truth_.solar * dt;

  const InverterTruth& inverter = inverter_.truth();
  const BatteryTruth& battery = battery_.truth();
  split(inverter.battery_ac, truth_.charged, truth_.discharged);
  const Watts conversion = inverter.battery_ac - battery.voltage * battery.current;
  const Watts own_use = truth_.drawn - inverter.ac_in;
  const Watts heat = Volts{battery.current.value() * battery_.resistance()} * battery.current;
  truth_.losses += (conversion + own_use + heat) * dt;
  if (battery.current < Amperes{})
    truth_.cells_out += (heat - battery.voltage * battery.current) * dt;
}

void House::advance(Duration dt) {
  const auto supply = mains();
  const auto behind = settings_.ac_out + wanted_load_ * settings_.ac_out_share;
  inverter_.advance(dt, supply, behind, command_, battery_);

  truth_.since_start += dt;
  truth_.drawn = inverter_.drawn();
  truth_.ac_out = inverter_.truth().ac_out;
  const Watts wanted = wanted_load_ * (1.0 - settings_.ac_out_share);
  truth_.load = truth_.grid_on ? wanted : Watts{};
  truth_.unserved = wanted - truth_.load + behind - truth_.ac_out;
  truth_.solar = truth_.grid_on ? sun_ : Watts{};  // solar inverters stop without grid
  truth_.grid = truth_.load + truth_.drawn - truth_.solar;
  count(dt);

  grid_.advance(dt, grid_ct_reversed_ ? -truth_.grid : truth_.grid, supply.voltage, dice_);
  solar_.advance(dt, truth_.solar, supply.voltage, dice_);
  spare_.advance(dt, Watts{}, supply.voltage, dice_);
  inverter_line_.advance(dt, truth_.drawn, supply.voltage, dice_);
  main_meter_ = {{grid_.reading(), solar_.reading(), spare_.reading()}, supply.frequency};
  battery_meter_ = {{inverter_line_.reading(), MeterReading{}, MeterReading{}}, supply.frequency};
}

}  // namespace esshub::sim
