// Memory: what the control remembers from tick to tick. A plain struct, passed in and handed back.
#pragma once

#include "model/time.hpp"

namespace esshub::control {

struct Memory {};

}  // namespace esshub::control
