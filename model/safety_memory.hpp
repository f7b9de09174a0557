// SafetyMemory: what the control's safety functions remember over a restart of control and program
// (safety contract I12).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "model/time.hpp"

namespace esshub {

struct SafetyMemory {
  bool cutoff = false;                          ///< F9: the cut-off is latched
  bool switch_on = false;                       ///< F9: it has ended, the inverter is still off
  std::optional<Instant> cutoff_reset_until{};  ///< F9: the owner's word holds its SOC back
  bool meter_reversed = false;                  ///< F21: certain
  std::optional<Instant> meter_rest_until{};    ///< F21: the rest that follows
  std::array<std::optional<Instant>, 2> export_excursions{};  ///< F25: within 24 h, newest last
  std::optional<Instant> export_locked_until{};               ///< F25
  std::uint32_t acknowledgements = 0;  ///< of Orders, carried out so far; of this run only
  friend bool operator==(const SafetyMemory&, const SafetyMemory&) = default;
};

}  // namespace esshub
