#include "config/bus_kinds.hpp"

#include <algorithm>
#include <type_traits>

namespace esshub::config {
namespace {

template <class Config>
constexpr const auto& row_of(const Config&) {
  return std::get<BusKind<Config>>(bus_kinds);
}

}  // namespace

bool measures_grid(const protocol::MeterConfig& meter) {
  return std::ranges::any_of(meter.channels,
                             [](const auto& channel) { return channel.point == Point::grid; });
}

bool has_grid_meter(const protocol::ModbusConfig& config) {
  return std::ranges::any_of(config.meters, measures_grid);
}

std::string_view kind_name(const DriverSettings& settings) {
  return std::visit([](const auto& config) { return row_of(config).name; }, settings);
}

bool takes_setpoints(const DriverSettings& settings) {
  return std::visit([](const auto& config) { return row_of(config).takes_setpoints; }, settings);
}

bool is_vital(const DriverSettings& settings) {
  return std::visit([](const auto& config) { return row_of(config).vital(config); }, settings);
}

std::unique_ptr<protocol::Driver> make_driver(const DriverSettings& settings) {
  return std::visit([](const auto& config) { return row_of(config).make_driver(config); },
                    settings);
}

}  // namespace esshub::config
