// Faults: raised and cleared, with an id, a severity and since-when (docs/safety.md).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "model/enums.hpp"
#include "model/time.hpp"

namespace esshub {

/// Their names, titles and advice are those of metrics, page, log and alerts (fault.cpp).
enum class Fault : std::uint8_t {
  grid_meter_lost,
  grid_meter_frozen,
  implausible_reading,
  bms_lost,
  bms_protection,
  inverter_lost,
  setpoint_not_followed,
  islanded,
  backup_cutoff,
  control_overrun,
  actor_stuck,
  clock_untrusted,
  plan_suspended,
  storage_failed,
  config_rejected,
  soc_inconsistent,
  reserve_not_kept,
  bus_contended,
  cutoff_near,
  grid_meter_reversed,
  line_flooded,
  line_silent,
  inverter_overload,
  inverter_temperature,
  inverter_low_battery,
  inverter_dc_ripple,
  bms_limit_exceeded,
  ac_out_inconsistent,
  inverter_derating,
  battery_temperature,
  bms_implausible,
  export_lockout,
  plan_missing,
  server_unavailable,
};

enum class Severity : std::uint8_t { info, warning, critical };

[[nodiscard]] std::string_view name(Fault fault);
[[nodiscard]] std::string_view name(Severity severity);
[[nodiscard]] Severity severity(Fault fault);
/// A few plain words for the owner: a heading.
[[nodiscard]] std::string_view title(Fault fault);
/// For the owner: what it means and what to do.
[[nodiscard]] std::string_view advice(Fault fault);

/// Some of the faults.
class FaultFlags {
 public:
  constexpr FaultFlags() = default;
  constexpr FaultFlags(std::initializer_list<Fault> faults) {
    for (const Fault fault : faults) set(fault, true);
  }
  constexpr void set(Fault fault, bool active) {
    bits_ = active ? bits_ | bit(fault) : bits_ & ~bit(fault);
  }
  constexpr FaultFlags& operator|=(FaultFlags other) {
    bits_ |= other.bits_;
    return *this;
  }
  [[nodiscard]] constexpr bool active(Fault fault) const { return (bits_ & bit(fault)) != 0; }
  [[nodiscard]] constexpr bool any() const { return bits_ != 0; }
  friend constexpr bool operator==(FaultFlags, FaultFlags) = default;

 private:
  static constexpr std::uint64_t bit(Fault fault) { return std::uint64_t{1} << index(fault); }
  static_assert(enum_count<Fault> <= 64);

  std::uint64_t bits_ = 0;
};

/// Which faults are active and since when.
class FaultSet {
 public:
  /// Raises (keeping the first moment) or clears.
  void set(Fault fault, bool active, Instant now) {
    if (active == this->active(fault)) return;
    active_.set(fault, active);
    since_[fault] = active ? now : Instant{};
  }
  [[nodiscard]] std::optional<Instant> since(Fault fault) const {
    if (!active(fault)) return std::nullopt;
    return since_[fault];
  }
  [[nodiscard]] bool active(Fault fault) const { return active_.active(fault); }
  [[nodiscard]] bool any() const { return active_.any(); }
  friend bool operator==(const FaultSet&, const FaultSet&) = default;

 private:
  FaultFlags active_;
  EnumArray<Fault, Instant> since_;  ///< of those not active: always the same
};

}  // namespace esshub
