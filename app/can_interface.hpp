// What the kernel tells of a CAN interface: bit rate, state, error counters.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "app/probe/battery.hpp"

namespace esshub::app {

/// Asks the kernel (rtnetlink); nothing where there is no such interface or no answer.
[[nodiscard]] std::optional<CanInterfaceFacts> look_at_can(const std::string& interface);

/// From the attributes of a link (RTM_NEWLINK, after its ifinfomsg). What is cut short is left out.
[[nodiscard]] CanInterfaceFacts can_facts(std::span<const std::byte> attributes);

}  // namespace esshub::app
