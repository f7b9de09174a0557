// The house as physics: loads, sun, grid connection, inverter and battery, and what its meters see.
#pragma once

#include <cstdint>

#include "sim/plant/battery.hpp"
#include "sim/plant/inverter.hpp"
#include "sim/plant/meter.hpp"
#include "sim/plant/rng.hpp"

namespace esshub::sim {

struct HouseSettings {
  BatterySettings battery;
  InverterSettings inverter;
  MeterSettings meter;
  Watts ac_out{};             ///< constant load behind the inverter
  double ac_out_share = 0.0;  ///< part of the house load that is behind the inverter, 0 to 1
  double line_ohm = 0.25;     ///< of the grid connection: voltage falls with import
  std::uint64_t seed = 1;     ///< of the meters' noise
};

/// What the figures call "about zero" of the grid.
constexpr Watts grid_band{50.0};

/// grid = load + drawn - solar holds in every step. Signs as everywhere: grid + = import.
struct HouseTruth {
  Duration since_start{};
  Watts grid{};
  Watts solar{};     ///< what the solar inverter really feeds: 0 without grid
  Watts load{};      ///< served loads on the grid side: 0 without grid
  Watts ac_out{};    ///< served loads behind the inverter
  Watts drawn{};     ///< at the inverter's AC-in, its own use included
  Watts unserved{};  ///< loads that ask for power and get none, behind the inverter too
  bool grid_on = true;
  WattHours import{};  ///< since the start
  WattHours export_{};
  WattHours absolute{};    ///< of |grid|: divided by the time it is the mean
  Duration outside{};      ///< |grid| > grid_band
  WattHours served{};      ///< all loads, behind the inverter too
  WattHours not_served{};  ///< what they would have used besides, had they been served
  WattHours generated{};   ///< by the sun
  WattHours charged{};     ///< AC side of the inverter's conversion
  WattHours discharged{};  ///< the same, other way
  WattHours cells_out{};   ///< taken out of the cells
  /// Of the conversion, the inverter's own use, and the battery's resistance:
  /// served + stored + losses = generated + import - export.
  WattHours losses{};
};

class House {
 public:
  explicit House(const HouseSettings& settings);

  /// Lets `dt` pass (short against the inverter's time constant: 10 to 50 ms) with what is set.
  void advance(Duration dt);

  void set_load(Watts total) { wanted_load_ = total; }
  void set_solar(Watts available) { sun_ = available; }
  void set_grid(bool on) { truth_.grid_on = on; }
  /// The grid's CT is the wrong way round: import shows as export.
  void set_grid_ct_reversed(bool reversed) { grid_ct_reversed_ = reversed; }
  /// The grid's CT is pulled off its conductor or out of the meter.
  void set_grid_clamp_off(bool off) { grid_.set_clamp_off(off); }

  [[nodiscard]] const HouseTruth& truth() const { return truth_; }
  /// What the solar inverter could feed.
  [[nodiscard]] Watts sun() const { return sun_; }
  [[nodiscard]] const BatteryTruth& battery_truth() const { return battery_.truth(); }
  [[nodiscard]] Inverter& inverter() { return inverter_; }
  [[nodiscard]] const InverterTruth& inverter_truth() const { return inverter_.truth(); }
  /// SDM630: L1 grid, L2 solar, L3 spare.
  [[nodiscard]] const MeterTruth& main_meter() const { return main_meter_; }
  /// SDM120: the inverter's AC-in, + = charging.
  [[nodiscard]] const MeterTruth& battery_meter() const { return battery_meter_; }
  [[nodiscard]] Battery& battery() { return battery_; }
  [[nodiscard]] const Battery& battery() const { return battery_; }
  [[nodiscard]] InverterCommand& command() { return command_; }
  [[nodiscard]] const InverterCommand& command() const { return command_; }

 private:
  [[nodiscard]] Mains mains() const;
  /// Energies of what has just been true for `dt`.
  void count(Duration time);

  HouseSettings settings_;
  Rng dice_;
  Battery battery_;
  Inverter inverter_;
  InverterCommand command_;
  Meter grid_;
  Meter solar_;
  Meter spare_;
  Meter inverter_line_;
  MeterTruth main_meter_;
  MeterTruth battery_meter_;
  HouseTruth truth_;
  Watts wanted_load_{};
  Watts sun_{};
  bool grid_ct_reversed_ = false;
};

}  // namespace esshub::sim
