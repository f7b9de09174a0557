// Tells how far a long copy of the history is.
#pragma once

#include <iosfwd>

#include "model/time.hpp"
#include "publish/history/database/copy.hpp"

namespace esshub::app {

/// A line each `every` to `err`; a copy that takes less says nothing.
[[nodiscard]] publish::CopyProgress tell_progress(std::ostream& err, Duration every = 1s);

}  // namespace esshub::app
