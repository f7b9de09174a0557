// EnergyIntegrator: powers that are current -> energies that have flowed, for View::energies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "model/energy.hpp"
#include "model/view.hpp"

namespace esshub::publish {

/// Integrates between two readings of a power, in a straight line from one to the other, where both
/// were current and lie no further apart than a reading stays current. What flowed across a longer
/// gap is missing: it is not guessed. Keep it while the control is started again: it needs nothing
/// but the Views.
class EnergyIntegrator {
 public:
  /// Adds what has flowed since the View before and fills view.energies (J since it was made, none
  /// ever falls).
  void update(View& view);

 private:
  enum class Power : std::uint8_t { grid, solar, house, battery };

  /// Energy in and against a power's + sign; nothing where the flow is not counted.
  struct Flows {
    Flow forward;
    std::optional<Flow> reverse;
  };
  void count(Power power, const std::optional<Reading<double>>& reading, Flows flows);

  EnergyTotals totals_;
  EnumArray<Power, std::optional<Reading<double>>> last_;
};

}  // namespace esshub::publish
