// The system's clocks, read: civil time now, and whether the kernel vouches for it.
#pragma once

#include <string>

#include "civil_time/local_clock.hpp"
#include "model/time.hpp"
#include "service/moment.hpp"

namespace esshub::actors {

/// Civil time now. Trusted as LocalClock says, and while the kernel says the wall clock is
/// synchronised (adjtimex without STA_UNSYNC).
[[nodiscard]] LocalTime read_local_time(civil_time::LocalClock& clock);

/// Now, on all clocks.
[[nodiscard]] service::Moment read_moment();
/// Which start of the machine this is: the kernel's random boot id; empty where it tells none.
[[nodiscard]] std::string read_boot_id();

}  // namespace esshub::actors
