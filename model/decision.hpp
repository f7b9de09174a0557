// Decision: what the hub commands this tick, and every reason that shaped it.
#pragma once

#include <array>
#include <cassert>
#include <cstdint>
#include <optional>
#include <string_view>

#include "model/fault.hpp"
#include "model/instruction.hpp"
#include "model/safety_memory.hpp"
#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub {

enum class InverterMode : std::uint8_t {
  follow,   ///< write Setpoint::ac_power and keep it refreshed
  release,  ///< write no setpoint: the inverter falls to passthru by itself
  off,      ///< switch: off
};
[[nodiscard]] std::string_view name(InverterMode mode);

/// A command to the inverter. Past `valid_until` it is never (re)sent.
struct Setpoint {
  Watts ac_power{};  ///< at AC-in, + = drawn from mains (charging)
  InverterMode mode = InverterMode::release;
  Instant valid_until{};
  /// Stamp of the newest grid reading that the decision knew; nothing: there was none.
  std::optional<Instant> based_on{};
  /// The cut-off has ended: what it switched off shall run again, with a setpoint or without.
  bool switch_on = false;
};

/// Why the decision is what it is. Targets first, then who was overruled, then limits in the order
/// of the rules table. Where a fault is the cause, both have the same name.
enum class Cause : std::uint8_t {
  // targets
  self_consumption,
  force_charge,
  full_charge,
  storm_fill,
  reserve_recharge,
  export_charge,
  charge,
  discharge,
  target_reached,
  cheap_charge,
  idle,
  // who had something else in mind; `without` is what he would have wished
  override_overruled,
  dispatch_overruled,
  schedule_overruled,
  tariff_overruled,
  smart_overruled,
  clock_untrusted,
  // limits
  starting,
  shutting_down,
  grid_meter_lost,
  grid_meter_reversed,
  bms_lost,
  inverter_lost,
  islanded,
  inverter_off,
  setpoint_not_followed,
  bms_protection,
  bms_charge_disabled,
  bms_discharge_disabled,
  bms_charge_limit,
  bms_discharge_limit,
  charge_voltage,
  soc_ceiling,
  soc_floor,
  reserve,
  storm,
  range_low,
  range_high,
  cheap,
  excluded_load,
  excluded_load_stale,
  inverter_rating,
  charge_limit,
  discharge_limit,
  import_cap,
  export_cap,
  slew,
  components_failing,
  control_overrun,
  bms_limit_exceeded,
  transfer_switch,
  main_fuse,
  inverter_derating,
  battery_temperature,
  export_lockout,
};
[[nodiscard]] std::string_view name(Cause cause);    ///< "self_consumption"
[[nodiscard]] std::string_view phrase(Cause cause);  ///< plain words for the owner

/// One rule that shaped the decision.
struct Reason {
  Cause cause{};
  Watts
      power_without{};  ///< battery power had this rule not been there; of one overruled, its wish
};

/// A small list without allocation: the control path never touches the heap.
class Reasons {
 public:
  void add(Reason reason) {
    assert(size_ < items_.size());
    if (size_ < items_.size()) items_[size_++] = reason;
  }
  [[nodiscard]] const Reason* begin() const { return items_.data(); }
  [[nodiscard]] const Reason* end() const { return items_.data() + size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool has(Cause cause) const {
    for (const auto& reason : *this)
      if (reason.cause == cause) return true;
    return false;
  }

 private:
  std::array<Reason, enum_count<Cause>> items_{};
  std::size_t size_ = 0;
};

/// What is to be done and on whose word, before any limit.
struct Policy {
  Mode mode = Mode::balance;
  Instruction instruction;                   ///< in force
  Authority authority = Authority::balance;  ///< who gave it
  std::optional<Instant> until;              ///< when it ends, if it is temporary
  std::optional<Instant> storm_until;        ///< a storm is ordered, and ends then
  std::optional<Instant> storm_from;         ///< it begins then, while that lies ahead
  bool storm_kept = false;                   ///< its reserve is in force
  /// About when its reserve will be there: not later than now once it is; nothing where it is not
  /// filled, or the time is not known.
  std::optional<Instant> storm_reached;
  Soc reserve;  ///< in force on grid, a storm's raise included
  Soc floor;
  Soc ceiling;
  Soc cutoff;                           ///< islanded: the inverter is switched off at or below
  std::optional<Duration> backup_left;  ///< to the cut-off at the present draw; estimated
  std::optional<double> import_price;   ///< now, per kWh
  std::optional<double> export_price;
  std::optional<Instant> last_full;  ///< the battery was at 100 %
};

/// What the control has found out about its own loop, and how well it holds the grid. Nothing where
/// it has found out nothing yet: then it goes by the settings.
struct LoopQuality {
  /// Time constant of the grid meter's filter.
  std::optional<Seconds> meter_time_constant;
  /// How much later than configured the meter is besides.
  std::optional<Seconds> meter_delay;
  std::optional<Seconds> inverter_time_constant;  ///< time constant of the inverter's answer
  std::optional<WattsPerSecond> inverter_ramp;    ///< how fast it moves at most
  std::optional<double> inverter_gain;            ///< watts it does for each watt it is told
  /// Mean |measured - predicted| of the inverter, last ten measurements.
  std::optional<Watts> model_error;
  /// Mean |grid meter|, about the last minute.
  std::optional<Watts> mean_grid;
};

struct Decision {
  Instant at{};
  Setpoint setpoint;
  Watts battery_power{};       ///< commanded at the battery (AC side), + = charging
  Watts proposed{};            ///< what the target wanted before any limit
  std::optional<Watts> house;  ///< time-aligned estimate, nothing while unknown
  Reasons reasons;             ///< the target, then every limit that moved the result
  FaultSet faults;
  Policy policy;
  LoopQuality loop;
  SafetyMemory safety;  ///< after it
};

}  // namespace esshub
