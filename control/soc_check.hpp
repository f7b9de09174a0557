// SocCheck: which SOC rules when the BMS's word jumps or disagrees with the pack voltage (F18).
#pragma once

#include <optional>

#include "model/time.hpp"
#include "model/units.hpp"

namespace esshub::control {

struct SocCheck {
  std::optional<Soc> reported;  ///< newest word of the BMS
  Soc ruling;                   ///< the lower one while in doubt
  Instant at{};                 ///< of the newest word
  std::optional<Instant> doubtful_until;
  std::optional<Instant> too_full_since;  ///< voltage of a full pack, SOC of a half one
};

/// Takes a new word of the BMS: `soc` at `at`; `rest_voltage` is the pack's without the drop of its
/// current, if the current is known, as if it had 15 cells; `resting` when hardly any flows. A jump
/// of more than 5 points within 10 s and a voltage that contradicts the SOC raise a doubt; it ends
/// after 60 s without.
void check_soc(SocCheck& check, Soc soc, std::optional<Volts> rest_voltage, bool resting,
               Instant at);

}  // namespace esshub::control
