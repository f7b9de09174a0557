// Memory: what the control remembers from tick to tick. Plain structs, passed in and handed back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "control/ac_out_check.hpp"
#include "control/current_watch.hpp"
#include "control/export_watch.hpp"
#include "control/following.hpp"
#include "control/loop/loop_model.hpp"
#include "control/policy/marks.hpp"
#include "control/sign_check.hpp"
#include "control/soc_check.hpp"
#include "control/temperature_hold.hpp"
#include "model/fault.hpp"
#include "model/instruction.hpp"
#include "model/safety_memory.hpp"
#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub::control {

/// Whether a source may be relied on: lost when stale, back only after it has proved itself.
struct Trust {
  bool ok = false;
  bool ever = false;  ///< was ok at least once

  void set(bool now_ok) {
    ok = now_ok;
    ever |= now_ok;
  }
};

/// One authority: what it says now, as marks of charge too, and which of them are reached.
struct AuthorityState {
  std::optional<Instruction> instruction{};
  Marks marks{};
  bool bought = false;
  bool stored = false;
  bool served = false;
  bool sold = false;

  [[nodiscard]] bool buys() const { return marks.buy_power > Watts{} && !bought; }
  [[nodiscard]] bool sells() const { return marks.sell_power > Watts{} && !sold; }
  /// Neither the sun is stored nor the house served.
  [[nodiscard]] bool rests() const { return stored && served; }
};

/// What is done about the storm that is ordered (storm.cpp).
struct StormMemory {
  std::optional<Storm> order{};      ///< that the rest is about
  bool keeps = false;                ///< its reserve is in force; else the battery serves the house
  bool wanted = false;               ///< until a little more is there
  bool buys = false;                 ///< now
  std::optional<Instant> reached{};  ///< about when it will be there
  // The judgement of a minute: it holds until the next one.
  std::optional<CivilMinute> minute{};
  Instant judged{};              ///< then, or the order came
  bool waits = true;             ///< for cheaper hours
  std::optional<Instant> end{};  ///< of buying
};

/// Who says what (policy.cpp).
struct PolicyMemory {
  EnumArray<Authority, AuthorityState> authority_states;
  Authority authority = Authority::balance;  ///< the one that rules
  bool below_reserve = false;                ///< F24
  bool reserve_wanted = false;               ///< until a little more is there
  bool reserve_recharge = false;             ///< bought back now
  std::optional<Instant> smart_since;        ///< Smart mode
  StormMemory storm;
  bool full_charge = false;  ///< bought now
  bool seen_full = false;    ///< in this run
  std::optional<Instant> last_full;
  std::optional<Instant> full_charge_since;  ///< it is wanted
  Duration full_charge_patience{};           ///< the longest since then
  std::optional<Instant> full_charge_rests_until;

  [[nodiscard]] AuthorityState& authority_state(Authority who) { return authority_states[who]; }
  [[nodiscard]] const AuthorityState& authority_state(Authority who) const {
    return authority_states[who];
  }
};

struct Memory {
  /// Every source was fresh at once; before that the hub only watches. For the first 10 s no power
  /// is commanded all the same (I12).
  bool started = false;
  Trust grid;
  int good_grid_samples = 0;              ///< distinct fresh ones in a row
  std::optional<Instant> grid_sample_at;  ///< stamp of the newest one seen
  Trust bms;
  std::optional<Instant> bms_complete_since;
  Trust inverter;

  // Latches: a stopped direction resumes only past its hysteresis.
  bool floor_hold = false;
  bool reserve_hold = false;
  bool ceiling_hold = false;
  std::optional<Instant> charge_blocked_until;
  std::optional<Instant> discharge_blocked_until;
  bool cutoff = false;                 ///< islanded cut-off, latched until mains is back
  bool switch_on = false;              ///< it has ended; until the inverter stays on
  std::optional<Instant> on_since;     ///< the inverter, after that
  std::uint32_t acknowledgements = 0;  ///< those of Orders that were carried out
  std::optional<Instant> cutoff_reset_until;
  std::optional<Instant> low_voltage_since;
  std::optional<Watts> mean_draw;  ///< for the backup time-left
  bool mean_draw_islanded = false;
  bool cutoff_near = false;
  SocCheck soc;
  SignCheck sign;
  std::optional<Watts> charge_voltage_limit;  ///< charging power that holds the voltage cap
  std::optional<Instant> voltage_at;          ///< newest pack voltage taken into account
  AcOutCheck ac_out;
  CurrentWatch pack_current;
  ExportWatch export_watch;
  Following following;
  TemperatureHold temperature;
  bool bms_implausible = false;               ///< until the BMS is trusted again
  std::optional<Instant> force_charge_until;  ///< asked for, and a least time after it
  std::optional<Instant> islanded_since;      ///< in one piece

  PolicyMemory policy;
  LoopModel loop;
  std::optional<Watts> acknowledged;  ///< setpoint the inverter followed at the last tick
  std::optional<Instant> first_tick;
  std::optional<Instant> last_tick;
  Watts battery_power{};  ///< commanded last tick
  bool limited = false;   ///< the grid was not meant to be at its setpoint
  FaultSet faults;

  /// What of it survives a restart.
  [[nodiscard]] SafetyMemory safety() const {
    return {.cutoff = cutoff,
            .switch_on = switch_on,
            .cutoff_reset_until = cutoff_reset_until,
            .meter_reversed = sign.reversed,
            .meter_rest_until = sign.reversed ? sign.rest_until : std::nullopt,
            .export_excursions = export_watch.excursions,
            .export_locked_until = export_watch.locked_until,
            .acknowledgements = acknowledgements};
  }
  /// Into a new one.
  void restore(const SafetyMemory& safety) {
    cutoff = safety.cutoff;
    switch_on = safety.switch_on;
    cutoff_reset_until = safety.cutoff_reset_until;
    sign.reversed = safety.meter_reversed;
    sign.rest_until = safety.meter_rest_until;
    export_watch.excursions = safety.export_excursions;
    export_watch.locked_until = safety.export_locked_until;
    export_watch.beyond = safety.meter_reversed;  // counted already
    acknowledgements = safety.acknowledgements;
  }
};

}  // namespace esshub::control
