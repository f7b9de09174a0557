// What the hub wishes of the inverter: the newest command, what of it was written, what is due.
#pragma once

#include <cstdint>
#include <optional>

#include "protocol/driver.hpp"
#include "protocol/vebus/driver.hpp"
#include "protocol/vebus/messages.hpp"

namespace esshub::protocol::vebus {

/// Nothing is due past the command's valid_until, the time on the wire included; and no setpoint
/// unless the command was given since the inverter became ready.
class CommandTracker {
 public:
  explicit CommandTracker(const VebusConfig& config) : config_(config) {}

  /// The newest wins. `ready`: the inverter is controllable.
  void give(const Setpoint& setpoint, bool ready, Step& step);
  /// The inverter is not ready any more: an old setpoint is never replayed, only one given after
  /// it is ready again is written.
  void void_setpoint();
  /// The line is gone. What was switched off is remembered, to be switched on again.
  void drop() { setpoint_.reset(); }

  /// `room`: a change need not let a reading go first.
  [[nodiscard]] bool setpoint_due(bool room, Instant now) const;
  /// The newest command's word was acknowledged.
  [[nodiscard]] bool is_written() const;
  /// The word to write; only where a setpoint is due.
  [[nodiscard]] std::int16_t word() const;
  /// The house is on the move, this is not its noise.
  [[nodiscard]] bool is_large_change(std::int16_t word) const;
  /// The word went out. The stamp of the reading that changed it; nothing: none did, or that was
  /// told before.
  [[nodiscard]] std::optional<Instant> setpoint_sent(std::int16_t word);
  void acknowledge_setpoint(std::int16_t word, Instant sent) { written_ = Written{word, sent}; }
  /// Whether it was heard is not known.
  void setpoint_timed_out() { written_.reset(); }

  /// A cut-off has ended: what an earlier run switched off is switched on without mains too.
  [[nodiscard]] bool ends_cutoff() const { return setpoint_ && setpoint_->switch_on; }
  /// `left_off`: an earlier run switched it off; it is switched on where there is a command to
  /// follow, or a cut-off has ended.
  [[nodiscard]] std::optional<SwitchState> wanted_switch(bool left_off, Instant now) const;
  [[nodiscard]] bool switch_due(bool left_off, Instant now) const;
  void switch_sent(SwitchState state, Instant now);
  void acknowledge_switch(SwitchState state, Step& step);

 private:
  struct Written {
    std::int16_t word;
    Instant sent;
  };

  VebusConfig config_;
  std::optional<Setpoint> setpoint_;     // the newest
  bool is_current_ = false;              // given since the inverter became ready
  std::optional<Instant> changed_by_;    // reading that changed the word; not yet sent
  std::optional<Written> written_;       // acknowledged setpoint
  std::optional<SwitchState> switched_;  // what we switched it to; survives a lost line, so that
                                         // what we switched off we also switch on again
  bool switch_acknowledged_ = false;
  Instant switch_sent_{};
};

}  // namespace esshub::protocol::vebus
