// What can be wrong with a simulated bus.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/enums.hpp"
#include "model/time.hpp"

namespace esshub::sim {

enum class Bus : std::uint8_t { meters, battery, inverter };
constexpr std::size_t bus_count = enum_count<Bus>;

struct BusName {
  Bus id;
  std::string_view name;  ///< of its port, in commands and in the hub's health
};
inline constexpr EnumTable<BusName> bus_names({{Bus::meters, "meters"},
                                               {Bus::battery, "battery"},
                                               {Bus::inverter, "inverter"}});

[[nodiscard]] constexpr std::string_view name(Bus bus) {
  return bus_names[bus].name;
}

enum class FaultKind : std::uint8_t {
  none,
  off,      ///< nothing passes, either way
  drop,     ///< each byte is lost with `percent`
  garbage,  ///< each byte is replaced, or one is put before it, with `percent`
  slow,     ///< every response comes `delay` later
  stuck,    ///< the device goes on answering with the values of this moment
  unplug,   ///< the adapter is pulled out of the computer: nothing passes, the port is gone
};

struct BusFault {
  FaultKind kind = FaultKind::none;
  double percent = 0.0;  ///< drop, garbage: 0 to 100
  Duration delay{};      ///< slow
};

}  // namespace esshub::sim
