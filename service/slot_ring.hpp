// SlotRing: the house's last days in slots of a quarter of an hour, as the planner takes them.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "control/plan/types.hpp"
#include "model/units.hpp"

namespace esshub::service {

/// Means of one minute, AC side.
struct PastMinute {
  control::UnixSeconds begin = 0;
  Watts load{};   ///< of what the battery serves; below 0: what a sun that is not metered leaves
  Watts solar{};  ///< what circuits that the battery does not serve leave of it
  Watts taken{};  ///< of it, by those
  bool curtailed = false;  ///< see esshub::Minute
};

class SlotRing {
 public:
  static constexpr std::int64_t slot_s = 900;
  /// 14 are replayed; a change of the clocks takes an hour more.
  static constexpr int days = 15;

  /// Whole minutes, each once. What is kept of a later time (the clock was set back) goes. What is
  /// beyond the battery's power in a minute no plan can change: it is left out, minute by minute,
  /// and so is told from what the mean of a slot hides.
  void add(const PastMinute& minute, Watts charge, Watts discharge);
  /// Ascending; those of which eight minutes are known at least, as if all of it had been like
  /// them; curtailed if one of them was.
  [[nodiscard]] std::vector<control::PastSlot> slots() const;
  /// Slots begun so far in this run and before, as far as they are kept.
  [[nodiscard]] std::size_t size() const { return slots_.size(); }

 private:
  /// Wh.
  struct Slot {
    control::UnixSeconds begin = 0;
    control::UnixSeconds newest = 0;  ///< begin of its last minute
    int minutes = 0;
    double load = 0.0;
    double solar = 0.0;
    double deficit = 0.0;
    double surplus = 0.0;
    double beyond = 0.0;
    bool curtailed = false;
  };
  std::deque<Slot> slots_;
};

}  // namespace esshub::service
