// PlausibilityFilter: which samples may enter the snapshot. What cannot be is dropped and said
// (F3).
#pragma once

#include <array>
#include <optional>

#include "control/settings.hpp"
#include "model/sample.hpp"

namespace esshub::control {

class PlausibilityFilter {
 public:
  /// False for a value that cannot be: not a number, outside what its measure allows, a grid
  /// power beyond the main fuse, or a power of a grid meter whose own voltage cannot be (wrong word
  /// order, wrong device).
  [[nodiscard]] bool admit(const Sample& sample, const Settings& settings);

  /// A channel gave an impossible value within the last minute and has not given five good ones in
  /// a row since. One that fell silent is for those who need it to miss.
  [[nodiscard]] bool doubtful(Instant now) const {
    return doubted_ > 0 && now - newest_bad_ <= doubt_lasts;
  }

 private:
  static constexpr Duration doubt_lasts = std::chrono::minutes{1};

  /// Until the channel is believed again.
  EnumArray<Point, EnumArray<Measure, unsigned char>> good_needed_;
  unsigned doubted_ = 0;  ///< channels that still need some
  Instant newest_bad_{};  ///< stamp of the newest impossible value
  std::optional<Instant> grid_voltage_bad_;
};

}  // namespace esshub::control
