// ExportWatch: export above its cap by the battery's doing, and the lock-out that follows (F25).
#pragma once

#include <array>
#include <optional>

#include "control/settings.hpp"
#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub::control {

/// Export this much above the cap is none: what a meter of class 1 and the loop are off by.
inline constexpr Watts export_tolerance{50.0};
/// A grid meter that has shown exactly 0 W for longer measures nothing: its clamp is off.
inline constexpr Duration clamp_max_age = 500ms;
/// A grid meter whose power and voltage have not changed by one bit for longer has frozen
/// (docs/decisions/0026-witness.md). Its registers must be as fine as a float shows
/// (modbus::MeterModelRow::fine).
inline constexpr Duration standing_max_age = 1500ms;

/// What the grid meter says, to the bit.
struct GridWord {
  Watts power{};
  Volts voltage{};  ///< 0 where it tells none
  friend bool operator==(const GridWord&, const GridWord&) = default;
};

/// What the grid connection shows in this tick.
struct ExportSeen {
  bool measurement_lost = false;  ///< the meter, or the clamp that measures it
  /// Export above the cap that the battery causes, or could take and does not; nothing: none, or
  /// not known.
  std::optional<Watts> excess{};
  std::optional<Watts> rest{};  ///< grid power if the battery rested, + = import
};

/// An excursion is a lost measurement, or an excess that lasts longer than the hub needs to end it
/// (time_back): until then it is the dead time of the loop. One in a piece counts once. It is over
/// after 60 s without; what comes again before that belongs to it, but 10 min after it was counted
/// it counts as another. The third within 24 h locks the battery's export for 4 h. All times are
/// running time of the hub.
struct ExportWatch {
  std::optional<Instant> measured_at;    ///< newest grid sample that is not exactly 0 W
  std::optional<Instant> moved_at;       ///< newest one whose word differs from the one before
  GridWord word;                         ///< the newest
  std::optional<Instant> lost_since;     ///< the measurement
  std::optional<Instant> excused_until;  ///< by a stall of the hub, not by the meter
  std::optional<Instant> due;            ///< when the excess must be gone
  // What its time was given for, and what has grown slowly since:
  std::optional<Watts> rest;  ///< the lowest
  Watts excess{};             ///< the highest
  std::optional<Instant> looked_at;
  bool beyond = false;  ///< an excursion, now
  std::optional<Instant> well_since;
  std::optional<Instant> counted_at;                 ///< the excursion that is not over yet
  std::array<std::optional<Instant>, 2> excursions;  ///< counted within 24 h, the newest last
  std::optional<Instant> locked_until;

  [[nodiscard]] bool locked() const { return locked_until.has_value(); }
};

/// How long the battery may take to move by `way`: age of the newest sample, tick, setpoint on the
/// wire and the inverter's own time constant, then its ramp.
[[nodiscard]] Duration time_back(const Settings& settings, Watts way);

/// From the loss of the grid meter or its clamp until a battery that discharged `power` is at 0 W,
/// at most: before a clamp that is off shows 0 W, the meter's filter has to decay; one that has
/// frozen is known by its second reading after standing_max_age.
[[nodiscard]] Duration time_to_rest(const Settings& settings, Watts power);

/// What the safety contract allows for either (F25), and the power from which the battery is at
/// rest within it.
inline constexpr Duration longest_time_back = 5s;
[[nodiscard]] Watts most_with_witness(const Settings& settings);

/// After a stall of the hub a meter that is there is trusted again within this time: a reading, and
/// five good ones (F1).
[[nodiscard]] Duration time_to_be_heard(const Settings& settings);

/// Once a tick.
void watch_export(ExportWatch& watch, const ExportSeen& seen, const Settings& settings,
                  Instant now);

}  // namespace esshub::control
