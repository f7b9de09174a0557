// A MultiPlus-II 48/3000/35-32 as physics: what its power stage does with what it is commanded.
#pragma once

#include <optional>

#include "model/time.hpp"
#include "sim/plant/battery.hpp"
#include "sim/plant/truth.hpp"

namespace esshub::sim {

/// reference: vebus-mk3#7.4, vebus-mk3#9 and vebus-mk3#10.
struct InverterSettings {
  Amperes charger_limit{35.0};
  Volts charge_voltage{53.2};  ///< the charger never passes it
  Watts continuous{2400.0};
  Watts peak{5500.0};          ///< islanded; beyond it the output trips
  Volts dc_low{44.0};          ///< no discharge below
  Volts dc_restart{47.0};      ///< discharge again above
  Seconds time_constant{0.1};  ///< first-order. UNVERIFIED: no figure was found
  WattsPerSecond ramp{1000.0};
  double gain = 1.0;          ///< what it does for each watt it is commanded
  Duration mains_wait = 10s;  ///< mains must be good that long before it connects again
};

/// The AC supply at AC-in.
struct Mains {
  Volts voltage{230.0};  ///< 0 = no mains
  Hertz frequency{50.0};
};

class Inverter {
 public:
  explicit Inverter(const InverterSettings& settings);

  /// Lets `dt` pass: follows the command (setpoint at AC-in, + = drawn from mains), feeds
  /// `ac_out_demand`, and draws from or charges `battery`. It does not obey the BMS: the hub must.
  void advance(Duration dt, const Mains& mains, Watts ac_out_demand, const InverterCommand& command,
               Battery& battery);

  [[nodiscard]] const InverterTruth& truth() const { return truth_; }
  /// Bits of the LED frame's alarm byte shown on top of its own; physics stays as it is.
  void set_alarms(std::uint8_t bits) { shown_alarms_ = bits; }
  /// By how much its own word for the loads on AC-out is wrong from now on.
  void set_ac_out_error(Watts error) { truth_.ac_out_error = error; }
  [[nodiscard]] std::uint8_t shown_alarms() const { return shown_alarms_; }
  /// What it does for each watt it is commanded, from now on.
  void set_gain(double gain) { settings_.gain = gain; }
  /// Hot: it charges and discharges with no more than this while grid-tied; nothing: as it can.
  void set_derating(std::optional<Watts> most) { derated_to_ = most; }
  /// At AC-in as an outside meter sees it: ac_in plus the unit's own use while passing through.
  [[nodiscard]] Watts drawn() const { return truth_.ac_in + self_use_; }

 private:
  enum class Output : std::uint8_t { none, mains, battery };  ///< what feeds AC-out
  Output choose_output(Duration dt, bool mains_good, const InverterCommand& command);
  void follow(Duration dt, const InverterCommand& command, const Battery& battery);
  void show(const Mains& mains, const InverterCommand& command);

  InverterSettings settings_;
  InverterTruth truth_;
  Watts self_use_{};
  Output output_ = Output::mains;
  Duration mains_good_for_;
  bool low_battery_ = false;
  bool overload_ = false;
  bool voltage_limited_ = false;
  std::optional<Watts> derated_to_;
  std::uint8_t shown_alarms_ = 0;
};

/// DC power at the battery (+ = charging) for a power at the AC side (+ = charging): conversion
/// losses included, 11 W at zero load, best 95 % near 800 W.
[[nodiscard]] Watts dc_power(Watts ac);
/// The AC power that charges with a DC power (>= 0).
[[nodiscard]] Watts ac_power_to_charge(Watts dc);

}  // namespace esshub::sim
