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
  PowerWindow(Watts wish, Watts low, Watts high, Reasons& reasons)
      : wish_(wish == wish ? wish : Watts{}),  // no number is no wish
        low_(low),
        high_(high),
        power_(std::clamp(wish_, low, high)),
        reasons_(reasons) {}

  /// Keeps [low, high] as far as earlier rules left it: an earlier rule always wins, and the window
  /// never becomes empty. A limit that is no number lets nothing pass. Leaves a Reason if it moved
  /// the result.
  void narrow(Watts low, Watts high, Why why) {
    at_least(low, why);
    at_most(high, why);
  }
  void at_most(Watts high, Why why) {
    if (high != high) high = Watts{};
    if (high > high_) return;
    high_ = high > low_ ? high : low_;
    if (power_ >= high_) choose(why);
  }
  void at_least(Watts low, Why why) {
    if (low != low) low = Watts{};
    if (low < low_) return;
    low_ = low <= high_ ? low : high_;
    if (low_ == high_) high_ = low_;  // the same zero, also by its sign
    if (power_ <= low_) choose(why);
  }
  /// No power at all, and says so even where nothing was wished: a stopped hub must tell why.
  void stop(Why why) {
    const Watts before = power();
    narrow(Watts{}, Watts{}, why);
    if (power() == before) reasons_.add({why, before});
  }

  /// The wish as far as it is allowed.
  [[nodiscard]] Watts power() const { return power_; }
  [[nodiscard]] Watts low() const { return low_; }
  [[nodiscard]] Watts high() const { return high_; }

 private:
  void choose(Why why) {
    const Watts before = std::exchange(power_, std::clamp(wish_, low_, high_));
    if (power_ != before) reasons_.add({why, before});
  }

  Watts wish_;
  Watts low_;
  Watts high_;
  Watts power_;
  Reasons& reasons_;
};

}  // namespace esshub::control
