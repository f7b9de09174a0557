// What the system knows of a port, the service's user and the clock.
#pragma once

#include <optional>
#include <string>

#include "app/probe/place.hpp"

namespace esshub::app {

[[nodiscard]] PortFacts look_at_port(const std::string& path);
/// Nothing if there is no such user.
[[nodiscard]] std::optional<UserFacts> look_up_user(const std::string& name);

}  // namespace esshub::app
