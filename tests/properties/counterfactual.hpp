// What a decision would have been without one of its limits.
#pragma once

#include <functional>
#include <vector>

#include "tests/properties/world.hpp"

namespace esshub::properties {

/// The limits of one decision, each as the bounds it sets when it stands alone, in the table's
/// order.
///
/// The reasons of a decision cannot say what changed it alone: an earlier limit hides a later one
/// that would have done the same. Nor can deciding again without an input, for a source that is
/// lost takes its own limits with it (no pack voltage: CCL times 0 V). So each limit is asked for
/// its bounds alone, and the decision is put together again without those in question. With none
/// left out it must come out as it was decided, or adds_up() is false: then the counts would be
/// worth nothing.
class Counterfactual {
 public:
  explicit Counterfactual(const Seen& seen);

  [[nodiscard]] bool adds_up() const;
  [[nodiscard]] bool binds(Cause cause) const;  ///< sets a bound, seen or hidden
  /// The power without the bounds that `leave_out` names.
  using LeaveOut = std::function<bool(Cause, bool against_charging)>;
  [[nodiscard]] Watts without(const LeaveOut& leave_out) const;
  /// Without it the battery would do something else, by more than half a watt.
  [[nodiscard]] bool alone(const LeaveOut& leave_out) const;
  [[nodiscard]] bool alone(Cause cause) const;
  /// Every cause that binds, once.
  [[nodiscard]] const std::vector<Cause>& causes() const { return causes_; }

 private:
  struct Bound {
    Cause cause;
    bool against_charging;
    Watts at;
  };
  const Decision& decision_;
  std::vector<Bound> bounds_;
  std::vector<Cause> causes_;
};

}  // namespace esshub::properties
