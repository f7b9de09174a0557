// Bus kinds: what a [[bus]] of the configuration can be. THE TABLE: one row a kind.
#pragma once

#include <memory>
#include <string_view>
#include <tuple>
#include <variant>

#include "protocol/driver.hpp"
#include "protocol/modbus/driver.hpp"
#include "protocol/pylontech/can_driver.hpp"
#include "protocol/pylontech/rs485_driver.hpp"
#include "protocol/vebus/driver.hpp"

namespace esshub::config {

template <class DriverConfig>
struct BusKind {
  using Config = DriverConfig;
  std::string_view name;  ///< `kind = "..."` in the configuration
  bool takes_setpoints;   ///< it has the inverter
  std::unique_ptr<protocol::Driver> (*make_driver)(Config);
  /// The battery must rest without it (safety contract F11): grid meter, battery or inverter.
  bool (*vital)(const Config&);
};

/// One of its phases is the house's connection to the public grid.
[[nodiscard]] bool measures_grid(const protocol::MeterConfig& meter);
[[nodiscard]] bool has_grid_meter(const protocol::ModbusConfig& config);
/// Of a kind that always is.
template <class Config>
[[nodiscard]] bool always(const Config&) {
  return true;
}

/// A new row does not compile before bus_reader.cpp has a `read_driver` for its Config and
/// sim/fit_config.cpp a `take`.
inline constexpr std::tuple bus_kinds{
    BusKind<protocol::ModbusConfig>{"modbus", false, &protocol::make_modbus_driver,
                                    &has_grid_meter},
    BusKind<protocol::PylontechConfig>{"pylontech", false, &protocol::make_pylontech_driver,
                                       &always},
    BusKind<protocol::PylontechRs485Config>{"pylontech-rs485", false,
                                            &protocol::make_pylontech_rs485_driver, &always},
    BusKind<protocol::VebusConfig>{"vebus", true, &protocol::make_vebus_driver, &always},
};

/// One alternative for each row, in the rows' order.
using DriverSettings = decltype(std::apply(
    [](const auto&... kinds) {
      return std::variant<typename std::remove_cvref_t<decltype(kinds)>::Config...>{};
    },
    bus_kinds));

[[nodiscard]] std::string_view kind_name(const DriverSettings& settings);
[[nodiscard]] bool takes_setpoints(const DriverSettings& settings);
[[nodiscard]] bool is_vital(const DriverSettings& settings);
[[nodiscard]] std::unique_ptr<protocol::Driver> make_driver(const DriverSettings& settings);

}  // namespace esshub::config
