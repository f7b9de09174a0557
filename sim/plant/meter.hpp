// One metered conductor as an Eastron meter shows it: filtered, a little noisy, counting energy.
#pragma once

#include <deque>

#include "model/time.hpp"
#include "sim/plant/rng.hpp"
#include "sim/plant/truth.hpp"

namespace esshub::sim {

struct MeterSettings {
  /// A step is shown to 99 % after 1 s, reference: eastron-modbus#6: tau = 1 s / ln 100.
  Seconds time_constant{0.217};
  Duration delay{};        ///< what it shows is that old besides
  Watts power_noise{0.2};  ///< standard deviation; registers of a live meter are never frozen
  Volts voltage_noise{0.03};
};

class Meter {
 public:
  explicit Meter(const MeterSettings& settings) : settings_(settings) {}

  /// Without its clamp it measures no current: what its filter holds decays to exact zeros, while
  /// the voltage goes on.
  void set_clamp_off(bool off) { clamp_off_ = off; }

  /// Lets `dt` pass with a constant true power and voltage. 0 V is a dead conductor: exact zeros.
  void advance(Duration dt, Watts power, Volts voltage, Rng& dice);
  [[nodiscard]] const MeterReading& reading() const { return reading_; }

 private:
  MeterSettings settings_;
  Watts filtered_{};
  std::deque<Watts> on_the_way_;  ///< filtered, for as long as the delay
  MeterReading reading_;
  bool clamp_off_ = false;
};

}  // namespace esshub::sim
