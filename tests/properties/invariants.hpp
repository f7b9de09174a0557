// The invariants and the failure rows of docs/safety-contract.md, in other words than the control's
// own.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <string>

#include "tests/properties/world.hpp"

namespace esshub::properties {

/// Judges every decision by the contract. Remembers of the past what the contract speaks of ("for
/// 10 s", "5 good samples"), by its own count; of a control that was restarted nothing.
class Invariants {
 public:
  /// What the decision broke, as "I2: ...", or nothing.
  [[nodiscard]] std::optional<std::string> broken(const Seen& seen);

 private:
  struct Battery;  ///< what the BMS says, as far as it is current
  struct AcOut;    ///< what the inverter says of the load behind it
  void remember(const Seen& seen, const Battery& battery);
  void remember_grid(const Seen& seen);
  void remember_export(const Seen& seen, const Battery& battery);
  [[nodiscard]] bool grid_current(const Seen& seen) const;
  void remember_battery(const Seen& seen, const Battery& battery);
  /// F4: what was lost is back after 5 s of complete frames.
  [[nodiscard]] bool bms_trusted(const Battery& battery, Instant now) const;
  void remember_soc(const Seen& seen, const Battery& battery);
  void remember_storm(const Seen& seen, const Battery& battery);
  void remember_reserve(const Seen& seen, const Battery& battery);
  void remember_cutoff(const Seen& seen, const Battery& battery);
  void remember_ac_out(const Seen& seen);
  void remember_following(const Seen& seen);
  void remember_pack_current(const Seen& seen, const Battery& battery);
  void remember_mode(const control::Inputs& in);
  void remember_temperature(const Seen& seen);
  void begin(const Seen& seen);
  void remember_reversed(const Seen& seen);
  void remember_ticks(const Seen& seen);
  /// The inverter could be commanded before a stall of the hub that ended within 1 s, and that is
  /// the load on AC-out as it was known then: the battery is let rest by it.
  [[nodiscard]] std::optional<double> ac_out_before_stall(const Seen& seen) const;

  [[nodiscard]] std::optional<std::string> stops(const Seen& seen, const Battery& battery) const;
  [[nodiscard]] std::optional<std::string> battery_limits(const Seen& seen,
                                                          const Battery& battery) const;
  [[nodiscard]] std::optional<std::string> states_of_charge(const Seen& seen,
                                                            const Battery& battery) const;
  [[nodiscard]] std::optional<std::string> grid(const Seen& seen) const;
  [[nodiscard]] std::optional<std::string> export_cap(const Seen& seen) const;
  [[nodiscard]] std::optional<std::string> setpoint_at_ac_in(const Seen& seen) const;
  [[nodiscard]] std::optional<std::string> command(const Seen& seen) const;
  [[nodiscard]] std::optional<std::string> orders(const Seen& seen, const Battery& battery) const;
  [[nodiscard]] std::optional<std::string> storm(const Seen& seen, const Battery& battery) const;
  [[nodiscard]] std::optional<std::string> reserve(const Seen& seen, const Battery& battery) const;
  [[nodiscard]] std::optional<std::string> faults(const Seen& seen, const Battery& battery) const;

  /// What a control begins with.
  struct Past {
    std::optional<Instant> grid_at;
    std::optional<Instant> not_zero_at;  ///< the grid meter
    std::array<double, 2> word{};        ///< its newest power and voltage
    Instant new_word_at{};
    std::optional<Instant> meter_lost_since;
    bool loss_counted = false;               ///< one of more than a day is forgotten before it ends
    std::optional<Instant> uncharged_since;  ///< what is above the export cap
    std::optional<Instant> locked_until;     ///< F25, at least
    SafetyMemory told;                       ///< by the decision before
    int good_samples = 0;
    bool grid_was_good = false;
    std::optional<Instant> complete_since;  ///< frames of the BMS
    bool bms_was_lost = false;
    bool bms_was_complete = false;
    bool inverter_was_good = false;
    bool all_were_fresh = false;
    std::optional<Instant> full_charge_wanted_since;  ///< at the latest
    bool reserve_wanted = false;
    struct {
      std::optional<Storm> order;
      bool kept = false;
      bool wanted = false;
      bool buys = false;
      std::optional<CivilMinute> minute;  ///< that was judged last
      Instant judged{};
      bool may_wait = true;
    } storm;
    std::optional<Instant> charge_forbidden_at;
    std::optional<Instant> discharge_forbidden_at;
    bool floor_held = false;
    bool reserve_held = false;
    bool ceiling_held = false;
    struct Word {
      double soc;
      Instant at;
    };
    std::optional<Word> soc;  ///< the newest one
    std::optional<Instant> doubt_until;
    double lower_soc = 100.0;  ///< while in doubt
    bool cut_off = false;
    bool may_be_cut_off = false;
    bool told_cut_off = false;  ///< in the tick before
    std::uint32_t resets = 0;
    bool grace_unsure = false;  ///< how much of it is left after another start of the machine
    std::optional<Instant> grace_until;
    std::optional<Instant> low_since;
    std::optional<Instant> unfollowed_since;
    std::optional<Instant> released_until;
    std::optional<Instant> perhaps_unsafe_at;
    bool released_for_less = false;
    std::optional<Instant> ac_out_at;  ///< the newest reply
    std::optional<Instant> unchecked_at;
    int contradictions = 0;  ///< in a row
    std::optional<Instant> agreed_since;
    std::optional<Instant> contradicted_since;
    std::optional<Instant> doubted_since;
    std::optional<Instant> beyond_since;
    Duration beyond_for{};
    std::optional<Instant> within_since;
    bool exceeded = false;
    bool charge_cold = false;
    bool discharge_cold = false;
    std::optional<Instant> islanded_since;
    struct Lost {
      Instant at;
      std::uint64_t periods;
    };
    std::deque<Lost> lost;  ///< in the last 6 s
    std::optional<Instant> gap_over_100ms_at;
    bool overrun = false;
    Duration stall{};  ///< the newest gap that was too long
    std::optional<Instant> stall_at;
    Watts commanded{};  ///< on the wire: nothing while released
    std::optional<Instant> smart_since;
    std::optional<Instant> at;
    Instant began{};                           ///< this control
    std::optional<Instant> meter_rests_until;  ///< told to be reversed; at least
  };
  Past past_;
};

}  // namespace esshub::properties
