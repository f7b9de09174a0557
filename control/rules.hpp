// THE ORDERED TABLE of limits and targets: the whole policy on one screen (rules.cpp).
#pragma once

#include <optional>
#include <span>

#include "control/facts.hpp"
#include "control/window.hpp"

namespace esshub::control {

/// May only narrow the window.
using Limit = void (*)(const Inputs&, const Facts&, const Memory&, PowerWindow&);

struct Wish {
  Watts battery_power;  ///< + = charging
  Why why;
};
/// The first one that answers wins.
using Target = std::optional<Wish> (*)(const Inputs&, const Facts&, const Memory&);

[[nodiscard]] std::span<const Limit> limits();
[[nodiscard]] std::span<const Target> targets();

}  // namespace esshub::control
