#include "sim/plant/meter.hpp"

#include <cmath>

namespace esshub::sim {
namespace {

constexpr Amperes starting_current{0.02};  // UNVERIFIED: 0.4 % of 5 A, usual for class 1

}  // namespace

void Meter::advance(Duration dt, Watts power, Volts voltage, Rng& dice) {
  if (voltage <= Volts{}) {
    filtered_ = reading_.power = Watts{};
    on_the_way_.clear();
    reading_.voltage = Volts{};
    reading_.current = Amperes{};
    return;
  }
  if (clamp_off_) power = Watts{};
  filtered_ += (power - filtered_) * (1.0 - std::exp(-Seconds{dt} / settings_.time_constant));
  // Energy comes from the true power: a counter has no display filter.
  if (power > Watts{}) reading_.forward += power * Hours{dt};
  if (power < Watts{}) reading_.reverse += -power * Hours{dt};

  Watts shown = filtered_;
  if (settings_.delay > Duration{}) {
    on_the_way_.push_back(filtered_);
    shown = on_the_way_.front();
    if (dt * static_cast<Duration::rep>(on_the_way_.size()) > settings_.delay)
      on_the_way_.pop_front();
  }
  reading_.power = shown + settings_.power_noise * dice.noise();
  reading_.voltage = voltage + settings_.voltage_noise * dice.noise();
  if (clamp_off_ && abs(shown) < starting_current * voltage) reading_.power = Watts{};
  reading_.current = abs(reading_.power) / reading_.voltage;
}

}  // namespace esshub::sim
