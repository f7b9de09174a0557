// One case of the witness test: a battery that exports or serves the house, something pulled at a
// random instant, and how long the plant's own truth says that the battery lifts the export above
// its cap.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub::sim {

enum class Pulled : std::uint8_t {
  load,     ///< nothing: a load goes
  meter,    ///< the grid meter's supply
  clamp,    ///< the grid meter's clamp
  freeze,   ///< nothing: the grid meter goes on answering with the values of that moment
  rs485,    ///< the meters' adapter
  can,      ///< the battery's adapter
  mk3,      ///< the inverter's adapter
  process,  ///< the hub, by kill -9
  board,    ///< its supply, and that of its adapters
};
[[nodiscard]] std::string_view name(Pulled pulled);

struct WitnessCase {
  Pulled pulled{};
  double ramp = 1000.0;    ///< W/s, of the inverter
  Duration timeout = 15s;  ///< of its setpoint
  std::uint64_t seed = 1;
};

struct Witnessed {
  /// From the pull (of `load` and `can`: from the load that goes) to the last moment above the cap
  /// by the battery's doing; 0: never.
  Duration back{};
  Duration bound{};  ///< for this case, by the safety contract's formula and the plant's truth
};

/// In virtual time. Deterministic.
[[nodiscard]] Witnessed run_case(const WitnessCase& which);

/// Three excursions, then the lock-out, with power cuts of the board at random instants.
struct LockedOut {
  int power_cuts = 0;              ///< after the first excursion
  bool locked = false;             ///< by the third, and not before
  std::optional<Duration> length;  ///< running time from the third to the first export again
  Duration longest_export{};       ///< by the battery in a piece meanwhile
  Duration bound{};                ///< of longest_export: the dead time of a load that goes
};
[[nodiscard]] LockedOut run_lock_out(std::uint64_t seed);

}  // namespace esshub::sim
