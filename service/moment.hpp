// Moment: one moment on all clocks that somebody outlives.
#pragma once

#include "model/plan.hpp"  // WallTime
#include "model/time.hpp"

namespace esshub::service {

struct Moment {
  Instant steady{};
  WallTime wall{};
  Duration boot_time{};  ///< since the machine's start, its sleep included; of any run
};

}  // namespace esshub::service
