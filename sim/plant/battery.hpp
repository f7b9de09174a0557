// A stack of LFP modules with its BMS, as physics: power and time in, truth out.
#pragma once

#include <cstdint>
#include <optional>

#include "model/time.hpp"
#include "sim/plant/truth.hpp"

namespace esshub::sim {

struct BatterySettings {
  unsigned modules = 2;       ///< US2000: 50 Ah, 2.4 kWh each
  unsigned cells = 15;        ///< in series
  double soc_percent = 50.0;  ///< at the start
  Celsius ambient{21.0};
  Volts cvl{53.2};  ///< of 15 cells; reference: pylontech-can#5
  Volts dvl{45.0};  ///< the same
  /// The BMS opens its contactor when its limits are passed by more than max(3 A, 15 %) that long
  /// without a break, and closes it 30 s later. Zero: it never does.
  Duration opens_after{};
};

/// What a tester wants the BMS to say instead of what it would say.
struct BmsOverrides {
  std::optional<Amperes> ccl{};
  std::optional<Amperes> dcl{};
  std::optional<double> soc_percent{};
  std::optional<double> celsius{};  ///< temperature
  std::uint32_t protections = 0;    ///< BmsFlag bits raised on top; physics stays as it is
  std::uint32_t warnings = 0;       ///< the same of its warnings
};

class Battery {
 public:
  explicit Battery(const BatterySettings& settings);

  /// What the terminals really take for a wanted DC power (W, + = charging): nothing in a direction
  /// the BMS has switched off, and never more than the cells can give.
  [[nodiscard]] Watts accepted(Watts wanted) const;
  /// DC power that charges with `limit`, less when `ceiling` would be passed at the terminals.
  [[nodiscard]] Watts charge_power(Amperes limit, Volts ceiling) const;
  /// Lets `dt` pass at a constant DC power (W, + = charging; accepted() is applied).
  void advance(Duration dt, Watts power);

  [[nodiscard]] const BatteryTruth& truth() const { return truth_; }
  /// Cells at rest, all modules in parallel.
  [[nodiscard]] Volts open_circuit() const;
  /// Of the whole stack, ohm.
  [[nodiscard]] double resistance() const;
  /// In the cells now, and what they hold from 0 to 100 %, without any loss.
  [[nodiscard]] WattHours stored() const { return stored_at(charge_percent_); }
  [[nodiscard]] WattHours capacity() const { return stored_at(100.0); }
  /// 0 to 100 %; the BMS forgets what it had latched.
  void set_soc(double percent);
  void set_overrides(const BmsOverrides& overrides);
  [[nodiscard]] const BmsOverrides& overrides() const { return overrides_; }

 private:
  /// A voltage of 15 cells, of this stack.
  [[nodiscard]] Volts of_pack(Volts of_15) const { return of_15 * (settings_.cells / 15.0); }
  [[nodiscard]] Amperes current_for(Watts power) const;
  [[nodiscard]] WattHours stored_at(double percent) const;
  void update_bms(Duration dt);
  void guard_limits(Duration dt);

  BatterySettings settings_;
  BmsOverrides overrides_;
  BatteryTruth truth_;
  double charge_percent_;  ///< may pass 0 and 100 a little; the truth's SOC may not
  bool full_ = false;
  bool empty_ = false;
  std::uint32_t latched_ = 0;  ///< protections, BmsFlag bits
  Duration not_full_for_{};    ///< since the charge last passed 97 %
  Duration beyond_for_{};      ///< the current, its limits
  Duration open_for_{};        ///< the contactor
};

}  // namespace esshub::sim
