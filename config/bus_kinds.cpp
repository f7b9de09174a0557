#include "config/bus_kinds.hpp"

#include <type_traits>

namespace esshub::config {
namespace {

template <class Config>
constexpr const auto& row_of(const Config&) {
  return std::get<BusKind<Config>>(bus_kinds);
}

}  // namespace

std::string_view kind_name(const DriverSettings& settings) {
  return std::visit([](const auto& config) { return row_of(config).name; }, settings);
}

bool takes_setpoints(const DriverSettings& settings) {
  return std::visit([](const auto& config) { return row_of(config).takes_setpoints; }, settings);
}

std::unique_ptr<protocol::Driver> make_driver(const DriverSettings& settings) {
  return std::visit([](const auto& config) { return row_of(config).make_driver(config); },
                    settings);
}

}  // namespace esshub::config
