// GlitchFilter: a battery that suddenly says something quite different must say it twice.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "model/sample.hpp"

namespace esshub::protocol {

/// For frames that come without a checksum (SLCAN text). A value far from the last confirmed one is
/// believed only when the next one of its kind agrees with it. Until then the safer of the two
/// counts, so that what narrows acts at once (docs/safety.md F5): limits and SOC down, a protection
/// set, an enable cleared; where neither is safer the value is held back. One damaged frame
/// therefore never widens what the battery allows, and what it narrows is forgotten with the next
/// sound frame.
class GlitchFilter {
 public:
  /// The samples of one frame as they may be believed, without those that are held back.
  void filter(std::vector<Sample>& samples);

 private:
  struct Memory {
    std::optional<double> confirmed;
    std::optional<double> doubted;  ///< said once, far from the confirmed one
  };
  [[nodiscard]] bool admit(Sample& sample);

  EnumArray<Measure, Memory> memory_;
};

}  // namespace esshub::protocol
