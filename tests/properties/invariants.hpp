// The invariants of docs/safety.md, said again in other words than the control's own.
#pragma once

#include <optional>
#include <string>

#include "tests/properties/world.hpp"

namespace esshub::properties {

/// Remembers what an invariant needs of the past.
class Invariants {
 public:
  /// What the tick broke, as "I2: ...", or nothing.
  [[nodiscard]] std::optional<std::string> broken(const World& world, const Seen& seen);

 private:
  bool reserve_held_ = false;
};

}  // namespace esshub::properties
