// A scenario file: how the simulated house is furnished, and what happens in it when.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "sim/plant/device.hpp"
#include "sim/plant/house.hpp"
#include "sim/plant/wire.hpp"

namespace esshub::sim {

struct ScenarioEvent {
  Duration at;          ///< after the start
  std::string command;  ///< of the command language, already checked
};

struct Scenario {
  std::uint64_t seed = 1;
  Watts load{400.0};        ///< without a load trace
  Watts solar{};            ///< without a sun trace
  double kwp = 4.0;         ///< of the solar modules: power = kwp x GHI
  Duration load_offset{};   ///< where in the load trace the start is
  Duration solar_offset{};  ///< where in the sun trace the start is
  HouseSettings house;
  bool meters_live_without_grid = false;
  Duration meter_turnaround = 45ms;
  std::optional<WireSettings> meter_wire{};  ///< nothing: 9600 8N1
  FakeBatteryOptions battery;
  FakeMultiplusOptions inverter;
  std::vector<ScenarioEvent> events;  ///< one that repeats stands here as often as it happens
};

/// All errors at once, each `file:line:column: what, and what was expected`. Keys of the file's
/// top level that are `others` belong to somebody else and are not looked at.
[[nodiscard]] tl::expected<Scenario, std::vector<std::string>> read_scenario(
    const std::filesystem::path& file, std::span<const std::string_view> others = {});

}  // namespace esshub::sim
