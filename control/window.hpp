// PowerWindow: the battery power still allowed. Rules can narrow it, never widen it.
#pragma once

#include <algorithm>
#include <utility>

#include "model/decision.hpp"
#include "model/units.hpp"

namespace esshub::control {

class PowerWindow {
 public:
  /// What moves the result adds its Reason to `reasons`, which must outlive the window.
  PowerWindow(Watts proposal, Watts low, Watts high, Reasons& reasons)
      : proposal_(proposal == proposal ? proposal : Watts{}),  // no number is no proposal
        low_(low),
        high_(high),
        power_(std::clamp(proposal_, low, high)),
        reasons_(reasons) {}

  /// Keeps [low, high] as far as earlier rules left it: an earlier rule always wins, and the window
  /// never becomes empty. A limit never forbids rest: one that is on its wrong side (a charge limit
  /// below 0) or no number lets nothing pass. Leaves a Reason if it moved the result.
  void at_most(Watts high, Cause cause) { cut_high(high > Watts{} ? high : Watts{}, cause); }
  void at_least(Watts low, Cause cause) { cut_low(low < Watts{} ? low : Watts{}, cause); }
  /// How fast it may change, which is no limit: the only one that may forbid rest for a moment,
  /// where earlier ones did not command it.
  void move_within(Watts low, Watts high, Cause cause) {
    cut_low(low, cause);
    cut_high(high, cause);
  }
  /// No power at all, and says so even where nothing was wished: a stopped hub must tell why.
  void stop(Cause cause) {
    const Watts before = power();
    at_least(Watts{}, cause);
    at_most(Watts{}, cause);
    if (power() == before) reasons_.add({cause, before});
  }

  /// The proposal as far as it is allowed.
  [[nodiscard]] Watts power() const { return power_; }
  [[nodiscard]] Watts low() const { return low_; }
  [[nodiscard]] Watts high() const { return high_; }

 private:
  void cut_high(Watts high, Cause cause) {
    high_ = high > low_ ? std::min(high, high_) : low_;
    choose(cause);
  }
  void cut_low(Watts low, Cause cause) {
    low_ = low <= high_ ? std::max(low, low_) : high_;
    choose(cause);
  }
  void choose(Cause cause) {
    const Watts before = std::exchange(power_, std::clamp(proposal_, low_, high_));
    if (power_ != before) reasons_.add({cause, before});
  }

  Watts proposal_;
  Watts low_;
  Watts high_;
  Watts power_;
  Reasons& reasons_;
};

}  // namespace esshub::control
