// Faults: raised and cleared, with an id, a severity and since-when (docs/safety.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "model/enums.hpp"
#include "model/time.hpp"

namespace esshub {

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
  storage_failed,
  config_rejected,
  soc_inconsistent,
  bus_contended,
  cutoff_near,
  grid_meter_reversed,
};

enum class Severity : std::uint8_t { info, warning, critical };

[[nodiscard]] std::string_view name(Fault fault);
[[nodiscard]] std::string_view name(Severity severity);
[[nodiscard]] Severity severity(Fault fault);
/// One sentence for the owner: what it means and what to do.
[[nodiscard]] std::string_view advice(Fault fault);

/// Which faults are active and since when.
class FaultSet {
 public:
  /// Raises (keeping the first moment) or clears.
  void set(Fault fault, bool active, Instant now) {
    if (active == this->active(fault)) return;
    active_ ^= bit(fault);
    since_[fault] = active ? now : Instant{};
  }
  [[nodiscard]] std::optional<Instant> since(Fault fault) const {
    if (!active(fault)) return std::nullopt;
    return since_[fault];
  }
  [[nodiscard]] bool active(Fault fault) const { return (active_ & bit(fault)) != 0; }
  [[nodiscard]] bool any() const { return active_ != 0; }
  friend bool operator==(const FaultSet&, const FaultSet&) = default;

 private:
  static constexpr std::uint32_t bit(Fault fault) { return 1u << index(fault); }
  static_assert(enum_count<Fault> <= 32);

  std::uint32_t active_ = 0;
  EnumArray<Fault, Instant> since_;  ///< of those not active: always the same
};

}  // namespace esshub
