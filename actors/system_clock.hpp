// The system's clocks, read: civil time now, and whether the kernel vouches for it.
#pragma once

#include "civil_time/local_clock.hpp"
#include "model/time.hpp"

namespace esshub::actors {

/// Civil time now. Trusted as LocalClock says, and while the kernel says the wall clock is
/// synchronised (adjtimex without STA_UNSYNC).
[[nodiscard]] LocalTime read_local_time(civil_time::LocalClock& clock);

}  // namespace esshub::actors
