// Memory: what the control remembers from tick to tick. Plain structs, passed in and handed back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "control/soc_check.hpp"
#include "model/fault.hpp"
#include "model/instruction.hpp"
#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub::control {

/// Whether a source may be relied on: lost when stale, back only after it has proved itself.
struct Trust {
  bool ok = false;
  bool ever = false;                  ///< was ok at least once
  int good_in_a_row = 0;              ///< distinct fresh samples since it was lost
  std::optional<Instant> newest;      ///< stamp of the newest sample seen
  std::optional<Instant> good_since;  ///< continuously complete since then
};

/// The loop's model of the inverter and the meter (load_estimate.cpp).
struct LoopModel {
  struct Past {
    Instant at{};
    Watts inverter{};  ///< modelled AC-in power
    Watts metered{};   ///< the same as the grid meter's filter would show it
  };
  static constexpr std::size_t depth = 64;

  std::optional<Instant> at;       ///< advanced to here
  Watts ramped{};                  ///< follows the setpoint with the inverter's ramp
  Watts lagged{};                  ///< behind its lag
  Watts bias{};                    ///< measured minus modelled, slowly learned
  Watts metered{};                 ///< behind the meter's filter
  std::array<Past, depth> past{};  ///< ring, newest at past_count - 1
  std::size_t past_count = 0;
  std::optional<Instant> power_at;  ///< newest inverter power taken into account
  std::optional<Instant> grid_at;   ///< newest grid sample taken into account
  std::optional<Watts> residual;    ///< grid power if the inverter drew nothing
  Watts trim{};                     ///< slow integral against a steady grid error
};

/// One authority: what it says now, and the hysteresis of its ends.
struct Voice {
  std::optional<Instruction> says{};
  bool at_low = false;   ///< at the lower end; discharge: the target is reached
  bool at_high = false;  ///< at the upper end; charge: the target is reached
};

/// Who says what (policy.cpp).
struct PolicyMemory {
  std::array<Voice, authority_count> voices{};
  Authority authority = Authority::balance;  ///< the one that rules
  bool full_charge = false;                  ///< wanted now
  bool seen_full = false;                    ///< in this run
  std::optional<Instant> last_full;
  std::optional<Instant> full_charge_since;
  std::optional<Instant> full_charge_rests_until;

  [[nodiscard]] Voice& voice(Authority who) { return voices[static_cast<std::size_t>(who)]; }
  [[nodiscard]] const Voice& voice(Authority who) const {
    return voices[static_cast<std::size_t>(who)];
  }
};

struct Memory {
  bool started = false;  ///< every source was fresh at once; before that the hub only watches
  Trust grid;
  Trust bms;
  Trust inverter;

  // Latches: a stopped direction resumes only past its hysteresis.
  bool floor_hold = false;
  bool reserve_hold = false;
  bool ceiling_hold = false;
  std::optional<Instant> charge_blocked_until;
  std::optional<Instant> discharge_blocked_until;
  bool cutoff = false;              ///< islanded cut-off, latched until mains is back
  std::uint32_t cutoff_resets = 0;  ///< orders of the owner taken into account
  std::optional<Instant> cutoff_reset_until;
  std::optional<Instant> low_voltage_since;
  std::optional<Watts> mean_draw;  ///< for the backup time-left
  bool mean_draw_islanded = false;
  bool cutoff_near = false;
  SocCheck soc;
  std::optional<Watts> charge_voltage_limit;  ///< charging power that holds the voltage cap
  std::optional<Instant> voltage_at;          ///< newest pack voltage taken into account
  std::optional<Instant> unfollowed_since;
  std::optional<Instant> followed_since;
  std::optional<Instant> released_until;  ///< control released: the inverter did not follow

  PolicyMemory policy;
  LoopModel loop;
  std::optional<Watts> acknowledged;  ///< setpoint the inverter followed at the last tick
  std::optional<Instant> first_tick;
  std::optional<Instant> last_tick;
  Watts battery_power{};  ///< commanded last tick
  bool limited = false;   ///< the grid was not meant to be at its setpoint
  FaultSet faults;
};

}  // namespace esshub::control
