// What esshub-feed does until it is told to stop.
#pragma once

#include "feed/program/settings.hpp"

namespace esshub::feed {

/// Asks each source, writes its file, and waits until one is due again; ends with SIGINT or
/// SIGTERM, which it blocks. With `once` each is asked once. Tells on stderr, a line for what has
/// changed. True if, with `once`, all were fetched and written.
[[nodiscard]] bool run(const Settings& settings, bool once);

}  // namespace esshub::feed
