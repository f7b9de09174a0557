// AcOutCheck: the load on AC-out, known twice over, so that one wrong word does not move the
// setpoint.
#pragma once

#include <optional>

#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub::control {

/// What the inverter told in one reply.
struct AcOutReading {
  Instant at{};
  Watts ac_in{};                     ///< + = drawn from the mains
  std::optional<Watts> converter{};  ///< AC side of the battery, + = charging
  std::optional<Watts> ac_out{};     ///< its own word for the loads, + = consumption
};

/// What comes in at AC-in and does not go into the battery leaves at AC-out (reference:
/// vebus-mk3#5), so each reply says it twice. Of the two and the last accepted one the median is
/// accepted: one damaged word moves nothing, a load that really steps passes at once. Where the two
/// are further from each other than the nearer one from the last, they prove no step, and the last
/// stays: the answer to a request that was damaged has other values in several of its places. Where
/// the two contradict each other for a second, AC-in less converter counts: the setpoint is checked
/// against the first (F7) and the BMS's current against the second (F27), the third by nothing.
struct AcOutCheck {
  std::optional<Watts> accepted;  ///< + = consumption
  Instant accepted_at{};
  Instant newest{};                           ///< reply looked at
  std::optional<Instant> contradicted_since;  ///< without a reply in between that agrees
  int contradictions = 0;                     ///< in a row
  std::optional<Instant> agreed_since;        ///< without a reply in between that does not
  std::optional<Instant> doubtful_since;      ///< until it agreed for 5 s

  /// The unit contradicts itself, and has done so for 10 s.
  [[nodiscard]] bool inconsistent() const {
    return doubtful_since && newest - *doubtful_since >= std::chrono::seconds{10};
  }
};

/// Takes a new reply; one that is no newer than the last is not looked at. A value that is no
/// number counts as not told.
void check_ac_out(AcOutCheck& check, AcOutReading reading);

}  // namespace esshub::control
