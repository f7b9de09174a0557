#include "sim/plant/inverter.hpp"

#include <algorithm>
#include <cmath>

namespace esshub::sim {
namespace {

// loss = zero_load + linear |P| + square P^2: 11 W at zero load and 95 % at best
// (reference: vebus-mk3#9); the curve, with 93 % at 2400 W, is ours.
constexpr double zero_load = 11.0;
constexpr double linear = 0.02;
constexpr double square = 1.9e-5;

// Self-use measured on a 48/3000, reference: vebus-mk3#9.
constexpr Watts passthru_dc{4.6};
constexpr Watts passthru_ac{4.4};
constexpr Watts off_dc{1.3};

enum Led : std::uint8_t {
  led_mains = 0x01,
  led_absorption = 0x02,
  led_bulk = 0x04,
  led_inverter = 0x10,
  led_overload = 0x20,
  led_low_battery = 0x40
};
}  // namespace

Watts dc_power(Watts ac) {
  const double p = std::abs(ac.value());
  const double loss = zero_load + linear * p + square * p * p;
  return Watts{ac.value() - loss};
}

Watts ac_power_to_charge(Watts dc) {
  // dc = p - zero_load - linear p - square p^2, the smaller root.
  const double b = 1.0 - linear;
  const double root = b * b - 4.0 * square * (zero_load + dc.value());
  return Watts{(b - std::sqrt(std::max(root, 0.0))) / (2.0 * square)};
}

Inverter::Inverter(const InverterSettings& settings)
    : settings_(settings), mains_good_for_(settings.mains_wait) {}

Inverter::Output Inverter::choose_output(Duration dt, bool mains_good,
                                         const InverterCommand& command) {
  const auto position = command.switch_state;
  const bool may_connect =
      position == SwitchPosition::on || position == SwitchPosition::charger_only;
  const bool may_invert =
      position == SwitchPosition::on || position == SwitchPosition::inverter_only;
  mains_good_for_ =
      mains_good && may_connect ? std::min(mains_good_for_ + dt, settings_.mains_wait) : Duration{};
  if (mains_good && may_connect && mains_good_for_ >= settings_.mains_wait) return Output::mains;
  if (may_invert && !low_battery_ && !overload_) return Output::battery;
  return Output::none;
}

void Inverter::follow(Duration dt, const InverterCommand& command, const Battery& battery) {
  const auto most_dc = battery.charge_power(settings_.charger_limit, settings_.charge_voltage);
  const auto most = derated_to_.value_or(Watts{1e6});
  const auto most_charge =
      most_dc > Watts{} ? std::min(ac_power_to_charge(most_dc), most) : Watts{};
  const bool no_discharge = low_battery_ || command.switch_state == SwitchPosition::charger_only ||
                            battery.accepted(-settings_.continuous) == Watts{};
  const auto most_discharge = no_discharge ? Watts{} : -std::min(settings_.continuous, most);

  const auto wanted =
      command.setpoint
          ? Watts{std::round(command.setpoint->value())} * settings_.gain - truth_.ac_out
          : Watts{};
  const auto target = std::clamp(wanted, most_discharge, most_charge);
  const Seconds t = dt;
  const auto step = (target - truth_.battery_ac) * (1.0 - std::exp(-t / settings_.time_constant));
  const auto most_step = settings_.ramp * t;
  truth_.battery_ac = std::clamp(truth_.battery_ac + std::clamp(step, -most_step, most_step),
                                 most_discharge, most_charge);
  voltage_limited_ =
      wanted > most_charge && most_dc < battery.truth().voltage * settings_.charger_limit * 0.98;
}

void Inverter::advance(Duration dt, const Mains& mains, Watts ac_out_demand,
                       const InverterCommand& command, Battery& battery) {
  const auto terminals = [&battery] {
    return battery.truth().contactor ? battery.truth().voltage : Volts{};
  };
  const auto u = terminals();
  low_battery_ = u < settings_.dc_low || (low_battery_ && u < settings_.dc_restart);
  const bool mains_good = mains.voltage > 187.0_V && mains.voltage < 265.0_V;
  if (mains_good || command.switch_state == SwitchPosition::off) overload_ = false;
  if (output_ == Output::battery && ac_out_demand > settings_.peak) overload_ = true;
  output_ = choose_output(dt, mains_good, command);

  truth_.ac_out = output_ == Output::none ? Watts{} : ac_out_demand;
  self_use_ = Watts{};
  Watts dc{};
  switch (output_) {
    case Output::mains:
      follow(dt, command, battery);
      truth_.ac_in = truth_.battery_ac + truth_.ac_out;
      if (!command.setpoint && abs(truth_.battery_ac) < 1.0_W) {
        truth_.battery_ac = Watts{};
        truth_.ac_in = truth_.ac_out;
        self_use_ = passthru_ac;
        dc = -passthru_dc;
      } else {
        dc = dc_power(truth_.battery_ac);
      }
      break;
    case Output::battery:
      truth_.battery_ac = -truth_.ac_out;
      truth_.ac_in = Watts{};
      dc = dc_power(truth_.battery_ac);
      break;
    case Output::none:
      truth_.battery_ac = truth_.ac_in = Watts{};
      dc = -off_dc;
      break;
  }
  battery.advance(dt, dc);
  truth_.dc_voltage = terminals();
  truth_.dc_current = battery.truth().current;
  truth_.soc_percent = battery.truth().soc_percent;
  show(mains, command);
}

void Inverter::show(const Mains& mains, const InverterCommand& command) {
  truth_.mains_voltage = mains.voltage;
  truth_.mains_frequency = mains.frequency;
  truth_.charge_state = 0;
  truth_.leds_on = truth_.leds_blink = 0;
  switch (output_) {
    case Output::mains:
      truth_.out_voltage = mains.voltage;
      truth_.out_frequency = mains.frequency;
      if (!command.setpoint) {
        truth_.state = VebusState::passthru;
        truth_.leds_on = led_mains;
        break;
      }
      // Under ESS control the state stays "charge" also while discharging (reference:
      // vebus-mk3#7.4).
      truth_.state = VebusState::charge;
      truth_.charge_state = voltage_limited_ ? 2 : 1;
      truth_.leds_on = voltage_limited_ ? led_absorption : led_bulk;
      if (truth_.battery_ac < Watts{}) {
        truth_.leds_on |= led_inverter;
        truth_.leds_blink = led_mains;
      } else {
        truth_.leds_on |= led_mains;
      }
      break;
    case Output::battery:
      truth_.state = VebusState::invert_full;
      truth_.out_voltage = 230.0_V;
      truth_.out_frequency = 50.0_Hz;
      truth_.leds_on = led_inverter;
      break;
    case Output::none:
      truth_.state = VebusState::off;
      truth_.out_voltage = Volts{};
      truth_.out_frequency = Hertz{};
      break;
  }
  std::uint32_t alarms = shown_alarms_;
  if (low_battery_) {
    alarms |= alarm_bit(VebusAlarm::low_battery);
    truth_.leds_on |= led_low_battery;
  } else if (truth_.dc_voltage < settings_.dc_low + 1.0_V) {
    alarms |= warning_bit(VebusAlarm::low_battery);
    truth_.leds_blink |= led_low_battery;
  }
  if (overload_) {
    alarms |= alarm_bit(VebusAlarm::overload);
    truth_.leds_on |= led_overload;
  } else if (output_ == Output::battery && truth_.ac_out > settings_.continuous) {
    alarms |= warning_bit(VebusAlarm::overload);
    truth_.leds_blink |= led_overload;
  }
  truth_.alarms = static_cast<std::uint8_t>(alarms);
}

}  // namespace esshub::sim
