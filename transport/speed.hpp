// Line speeds as termios names them.
#pragma once

#include <termios.h>

#include <cstdint>
#include <optional>

namespace esshub::transport {

/// Nothing for a speed that serial ports do not have.
[[nodiscard]] std::optional<speed_t> speed_of(std::uint32_t baud);
/// Nothing for 0 (hung up) and for speeds not in the table.
[[nodiscard]] std::optional<std::uint32_t> baud_of(speed_t speed);

}  // namespace esshub::transport
