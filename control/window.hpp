// PowerWindow: the battery power still allowed. Rules can narrow it, never widen it.
#pragma once

#include <algorithm>

#include "model/decision.hpp"
#include "model/units.hpp"

namespace esshub::control {

class PowerWindow {
 public:
  /// What moves the result adds its Reason to `reasons`, which must outlive the window.
  PowerWindow(Watts wish, Watts low, Watts high, Reasons& reasons)
      : wish_(wish), low_(low), high_(high), reasons_(reasons) {}

  /// Keeps [low, high] as far as earlier rules left it: an earlier rule always wins, and the window
  /// never becomes empty. Leaves a Reason if it moved the result.
  void narrow(Watts low, Watts high, Why why) {
    const Watts before = power();
    const Watts new_low = std::clamp(low, low_, high_);
    high_ = std::max(new_low, std::clamp(high, low_, high_));
    low_ = new_low;
    if (power() != before) reasons_.add({why, before});
  }
  /// No power at all, and says so even where nothing was wished: a stopped hub must tell why.
  void stop(Why why) {
    const Watts before = power();
    narrow(Watts{}, Watts{}, why);
    if (power() == before) reasons_.add({why, before});
  }
  void at_most(Watts high, Why why) { narrow(low_, high, why); }
  void at_least(Watts low, Why why) { narrow(low, high_, why); }

  /// The wish as far as it is allowed.
  [[nodiscard]] Watts power() const { return std::clamp(wish_, low_, high_); }
  [[nodiscard]] Watts low() const { return low_; }
  [[nodiscard]] Watts high() const { return high_; }

 private:
  Watts wish_;
  Watts low_;
  Watts high_;
  Reasons& reasons_;
};

}  // namespace esshub::control
