// THE ORDERED TABLE of limits and targets: the whole policy on one screen (rules.cpp).
#pragma once

#include <optional>
#include <span>

#include "control/observation.hpp"
#include "control/window.hpp"

namespace esshub::control {

/// May only narrow the window.
using Limit = void (*)(const Inputs&, const Observation&, const Memory&, PowerWindow&);

struct Proposal {
  Watts battery_power;  ///< + = charging
  Cause cause;
};
/// Nothing: not now.
using Target = std::optional<Proposal> (*)(const Inputs&, const Observation&, const Memory&);

/// The first one that answers wins. Those after it that would have had something else in mind are
/// named by `overruled`.
struct RankedTarget {
  Target target;
  std::optional<Cause> overruled{};
};

[[nodiscard]] std::span<const Limit> limits();
[[nodiscard]] std::span<const RankedTarget> targets();

}  // namespace esshub::control
