// Track: the readings of one quantity over a minute, and its value between two of them.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub::commissioning {

/// `at`: when its last byte arrived.
struct PowerReading {
  Instant at{};
  Watts power{};
};

class Track {
 public:
  /// Readings in any order; of two with one stamp the first counts. Times become seconds since
  /// `zero`.
  Track(const std::vector<PowerReading>& readings, Instant zero);

  struct Entry {
    double at;     ///< s
    double power;  ///< W
  };
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  /// W, straight between two readings; nothing where they are more than `longest_gap` apart.
  [[nodiscard]] std::optional<double> at(double seconds) const;

  static constexpr double longest_gap = 1.5;  ///< s

 private:
  std::vector<Entry> entries_;
};

}  // namespace esshub::commissioning
