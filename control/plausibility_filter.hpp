// PlausibilityFilter: which samples may enter the snapshot. What cannot be is dropped and said
// (F3).
#pragma once

#include <array>

#include "control/settings.hpp"
#include "model/sample.hpp"

namespace esshub::control {

class PlausibilityFilter {
 public:
  /// False for a value that cannot be: not a number, outside what its measure allows, a grid
  /// power beyond the main fuse, or a power of a grid meter whose own voltage cannot be (wrong word
  /// order, wrong device).
  [[nodiscard]] bool admit(const Sample& sample, const Settings& settings);

  /// A channel gave an impossible value and has not given five good ones in a row since.
  [[nodiscard]] bool doubtful() const { return doubted_ > 0; }

 private:
  /// Until the channel is believed again.
  EnumArray<Point, EnumArray<Measure, unsigned char>> good_needed_;
  unsigned doubted_ = 0;  ///< channels that still need some
  bool grid_voltage_bad_ = false;
};

}  // namespace esshub::control
