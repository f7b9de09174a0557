// What a bus speaks, as far as `esshub sniff` understands it.
#pragma once

#include <cstdint>
#include <string_view>

namespace esshub::app {

enum class SniffKind : std::uint8_t { modbus, slcan, mk3, can };

[[nodiscard]] constexpr std::string_view name(SniffKind kind) {
  switch (kind) {
    case SniffKind::modbus:
      return "modbus";
    case SniffKind::slcan:
      return "slcan";
    case SniffKind::mk3:
      return "mk3";
    case SniffKind::can:
      return "can";
  }
  return "";
}

}  // namespace esshub::app
